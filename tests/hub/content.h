// Bytes that the test Hub keeps and serves: given, on disk, or generated from a seed.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace neffs::test {

// Immutable bytes that need not be in memory. Any thread may read.
class Content {
 public:
  virtual ~Content() = default;
  virtual std::uint64_t size() const = 0;
  // Fills `out` with the bytes from `offset` on; offset + out.size() must not exceed size().
  virtual void read(std::uint64_t offset, std::span<char> out) const = 0;
  // All of it where it is in memory anyway; else null.
  virtual const std::string* text() const { return nullptr; }
};

using ContentPtr = std::shared_ptr<const Content>;

ContentPtr text_content(std::string bytes);

// The file's size is taken now and must not change; reads throw std::system_error if it fails.
ContentPtr file_content(const std::filesystem::path& path);

// `size` incompressible bytes that depend on nothing but seed and position, at about 1 GB/s.
ContentPtr generated_content(std::uint64_t seed, std::uint64_t size);

// The same bytes with the one at `position` inverted.
ContentPtr flipped_content(ContentPtr content, std::uint64_t position);

// One after the other.
ContentPtr joined_content(std::vector<ContentPtr> parts);

// The `length` bytes from `offset` on; what lies beyond the end of `content` reads as zero.
ContentPtr slice_content(ContentPtr content, std::uint64_t offset, std::uint64_t length);

// Calls `take` with one piece after the other until it returns false; what is not in memory is read in
// pieces of at most 256 KiB.
// Returns whether the end was reached.
bool for_each_piece(const Content& content, const std::function<bool(std::string_view)>& take);

std::string read_all(const Content& content);

// What the Hub looks at to know what a file is: its first bytes, and how it tells (as git does).
inline constexpr std::uint64_t kSampleSize = 512;
std::string sample_of(const Content& content);
bool looks_binary(std::string_view sample);
std::string sha256_hex(const Content& content);

}  // namespace neffs::test
