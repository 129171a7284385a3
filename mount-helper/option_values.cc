#include "mount-helper/option_values.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <stdexcept>

namespace neffs::mount_helper {
namespace {

constexpr double kYearInSeconds = 366.0 * 24 * 3600;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Digits with at most one point among them: no sign, no exponent, no "inf", whatever the locale.
std::optional<double> parse_decimal(std::string_view text) {
  const bool is_plain =
      std::all_of(text.begin(), text.end(), [](char c) { return is_digit(c) || c == '.'; });
  if (!is_plain || text.empty() || !is_digit(text.front()) || !is_digit(text.back())) {
    return std::nullopt;
  }
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

template <typename Number>
std::optional<Number> parse_integer(std::string_view text, int base) {
  Number number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

std::uint64_t parse_size(std::string_view text) {
  constexpr std::string_view kUnits = "KMGT";
  double unit = 1;
  if (!text.empty() && !is_digit(text.back())) {
    const char letter = static_cast<char>(std::toupper(static_cast<unsigned char>(text.back())));
    const std::size_t power = kUnits.find(letter);
    if (power != std::string_view::npos) {
      unit = std::ldexp(1.0, 10 * (static_cast<int>(power) + 1));
      text.remove_suffix(1);
    }
  }
  const std::optional<double> number = parse_decimal(text);
  if (!number || *number * unit >= std::ldexp(1.0, 63)) {
    throw std::invalid_argument("not a size, write it like 500M or 1.5T");
  }
  return static_cast<std::uint64_t>(*number * unit);
}

std::chrono::milliseconds parse_seconds(std::string_view text) {
  const std::optional<double> number = parse_decimal(text);
  if (!number || *number > kYearInSeconds) {
    throw std::invalid_argument("not a time in seconds, write it like 2 or 0.5");
  }
  return std::chrono::milliseconds(std::llround(*number * 1000));
}

mode_t parse_mask(std::string_view text) {
  const auto mask = parse_integer<unsigned>(text, 8);
  if (!mask || *mask > 0777) {
    throw std::invalid_argument("not a permission mask, write it in octal like 022");
  }
  return *mask;
}

gid_t parse_gid(std::string_view text) {
  const auto gid = parse_integer<gid_t>(text, 10);
  if (!gid || *gid == std::numeric_limits<gid_t>::max()) {
    throw std::invalid_argument("not a numeric group id");
  }
  return *gid;
}

std::string parse_path(std::string_view text) {
  if (text.empty()) throw std::invalid_argument("a path is missing");
  return std::string(text);
}

int parse_word(std::string_view text, std::initializer_list<std::string_view> words) {
  const auto* const found = std::find(words.begin(), words.end(), text);
  if (found == words.end()) {
    throw std::invalid_argument(fmt::format("not one of {}", fmt::join(words, ", ")));
  }
  return static_cast<int>(found - words.begin());
}

}  // namespace neffs::mount_helper
