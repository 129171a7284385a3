// Bytes that are told apart by a seed and their place, and short names for bytes that were read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace neffs::test {

// Never zero, so that no hole looks like data.
inline std::string pattern(std::uint64_t seed, std::size_t size) {
  std::string bytes(size, '\0');
  std::uint64_t state = seed * 0x9e3779b97f4a7c15ULL + 0x632be59bd9b4e019ULL;
  for (char& byte : bytes) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    byte = static_cast<char>(1 + state % 255);
  }
  return bytes;
}

// "4096 bytes 1a2b…": what an outcome says of them.
inline std::string summary(std::string_view bytes) {
  return std::to_string(bytes.size()) + " bytes " +
         std::to_string(std::hash<std::string_view>()(bytes) % 1'000'000'007);
}

}  // namespace neffs::test
