#include "tests/neuron/words.h"

namespace neffs::test {

Words::Words(const std::vector<std::string>& words) {
  for (const std::string& word : words) {
    const auto equals = word.find('=');
    if (equals == std::string::npos) throw std::invalid_argument("not name=value: " + word);
    values_[word.substr(0, equals)] = word.substr(equals + 1);
  }
}

std::string Words::text(const std::string& name, const std::string& otherwise) {
  known_.insert(name);
  const auto found = values_.find(name);
  return found == values_.end() ? otherwise : found->second;
}

int Words::number(const std::string& name, int otherwise, int base) {
  const std::string word = text(name);
  return word.empty() ? otherwise : std::stoi(word, nullptr, base);
}

void Words::expect_all_known() const {
  for (const auto& [name, _] : values_)
    if (known_.count(name) == 0) throw std::invalid_argument("not known here: " + name);
}

}  // namespace neffs::test
