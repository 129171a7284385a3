// The words of a command line that say how something is to be done: name=value, in any order.
#pragma once

#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace neffs::test {

// Words that nobody asks for, or values that nobody knows, throw std::invalid_argument.
class Words {
 public:
  explicit Words(const std::vector<std::string>& words);

  std::string text(const std::string& name, const std::string& otherwise = "");
  int number(const std::string& name, int otherwise, int base = 10);
  // The first of `values` is the default.
  template <typename Value>
  Value one_of(const std::string& name, const std::vector<std::pair<std::string, Value>>& values) {
    const std::string word = text(name, values.front().first);
    for (const auto& [known, value] : values)
      if (known == word) return value;
    throw std::invalid_argument(name + " cannot be " + word);
  }
  bool flag(const std::string& name) { return one_of<bool>(name, {{"no", false}, {"yes", true}}); }
  // To be called when everything has been asked for.
  void expect_all_known() const;

 private:
  std::map<std::string, std::string> values_;
  std::set<std::string> known_;
};

}  // namespace neffs::test
