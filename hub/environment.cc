#include "hub/environment.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>

namespace neffs::hub {
namespace {

bool is_name_char(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

// A reference to a variable at the start of a text: its name, and how many characters it takes.
struct Reference {
  std::string name;
  std::size_t length = 0;
};

std::optional<Reference> reference_at(const std::string& text, std::size_t dollar) {
  const std::size_t begin = dollar + 1;
  if (begin < text.size() && text[begin] == '{') {
    const std::size_t close = text.find('}', begin);
    if (close == std::string::npos) return std::nullopt;
    return Reference{text.substr(begin + 1, close - begin - 1), close - dollar + 1};
  }
  std::size_t end = begin;
  while (end < text.size() && is_name_char(text[end])) ++end;
  if (end == begin) return std::nullopt;
  return Reference{text.substr(begin, end - begin), end - dollar};
}

}  // namespace

Environment Environment::of_process() {
  return Environment([](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    if (value == nullptr) return std::nullopt;
    return std::string(value);
  });
}

std::optional<std::string> Environment::get(const std::string& name) const {
  auto value = lookup_(name);
  if (value && value->empty()) return std::nullopt;
  return value;
}

bool Environment::is_true(const std::string& name) const {
  auto value = get(name).value_or("");
  std::transform(value.begin(), value.end(), value.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return value == "1" || value == "ON" || value == "YES" || value == "TRUE";
}

std::string Environment::expand(const std::string& text) const {
  std::string expanded;
  std::size_t i = 0;
  if (text == "~" || text.starts_with("~/")) {
    if (const auto home = get("HOME")) {
      expanded = *home;
      i = 1;
    }
  }
  while (i < text.size()) {
    const auto reference = text[i] == '$' ? reference_at(text, i) : std::nullopt;
    const auto value = reference ? get(reference->name) : std::nullopt;
    if (value) {
      expanded += *value;
      i += reference->length;
    } else {
      expanded += text[i++];
    }
  }
  return expanded;
}

}  // namespace neffs::hub
