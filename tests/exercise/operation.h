// One operation on a tree of files, as a line of text: "ann open 3 @/a/b rdwr,creat 0644".
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace neffs::test {

// A path's word: "@" is the root it is performed on, "3:a" is below the directory in slot 3, others
// are below the user's current directory. "{255}" stands for so many letters.
struct Operation {
  std::string user;
  std::string verb;
  std::vector<std::string> words;
};

std::string text_of(const Operation& operation);
// Throws std::invalid_argument for a line that has no verb.
Operation operation_of(const std::string& line);

std::string text_of(const std::vector<Operation>& operations);
// Empty lines and those that begin with '#' are left out. Throws std::runtime_error.
std::vector<Operation> read_operations(const std::filesystem::path& file);

}  // namespace neffs::test
