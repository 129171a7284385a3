// A hash map by text that is asked without making a string of the question.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace neffs::fs {

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const {
    return std::hash<std::string_view>{}(text);
  }
};

template <typename T>
using StringMap = std::unordered_map<std::string, T, TextHash, std::equal_to<>>;

}  // namespace neffs::fs
