#include "tests/exercise/operation.h"

#include <fstream>
#include <sstream>
#include <stdexcept>

namespace neffs::test {

std::string text_of(const Operation& operation) {
  std::string text = operation.user + ' ' + operation.verb;
  for (const std::string& word : operation.words) text += ' ' + word;
  return text;
}

Operation operation_of(const std::string& line) {
  std::istringstream in(line);
  Operation operation;
  if (!(in >> operation.user >> operation.verb))
    throw std::invalid_argument("no operation: " + line);
  for (std::string word; in >> word;) operation.words.push_back(word);
  return operation;
}

std::string text_of(const std::vector<Operation>& operations) {
  std::string text;
  for (const Operation& operation : operations) text += text_of(operation) + '\n';
  return text;
}

std::vector<Operation> read_operations(const std::filesystem::path& file) {
  std::ifstream in(file);
  if (!in) throw std::runtime_error("cannot read " + file.string());
  std::vector<Operation> operations;
  for (std::string line; std::getline(in, line);)
    if (!line.empty() && line[0] != '#') operations.push_back(operation_of(line));
  return operations;
}

}  // namespace neffs::test
