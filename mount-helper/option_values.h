// How the values of options are written. Each function throws std::invalid_argument with the reason
// in words that follow the option's text: "not a size, write it like 500M or 1.5T".
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace neffs::mount_helper {

// "4096", "500M", "1.5t": K, M, G, T are powers of 1024.
std::uint64_t parse_size(std::string_view text);
// "2", "0.25"; at most a year.
std::chrono::milliseconds parse_seconds(std::string_view text);
// "022": bits of a permission mask, written in octal.
mode_t parse_mask(std::string_view text);
// A numeric group id.
gid_t parse_gid(std::string_view text);
// Anything but nothing.
std::string parse_path(std::string_view text);
// The position of `text` among the words.
int parse_word(std::string_view text, std::initializer_list<std::string_view> words);

}  // namespace neffs::mount_helper
