// The file a download fills: written in any order, hashed from the front as far as it is whole.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "hub/content_id.h"

namespace neffs::hub {

// Works on a descriptor it does not own. Everything throws HubError kLocal with the errno. One thread.
class PartialFile {
 public:
  PartialFile(int fd, std::uint64_t size, HashKind kind);

  // Takes the room on the disk at once, so that a full disk is found before the transfer.
  void reserve();
  void write(std::uint64_t offset, std::string_view bytes);

  // Everything before this has been hashed.
  std::uint64_t hashed() const { return hashed_; }
  // Hashes on towards `end`, below which everything must have been written, but only a piece at a
  // time, so that the caller can look after the network in between.
  void hash_some(std::uint64_t end);
  // Forgets what was hashed and written.
  void start_over();
  // The id of the whole file; hashed() must be its size.
  ContentId finish() { return hasher_.finish(); }

 private:
  const int fd_;
  const std::uint64_t size_;
  const HashKind kind_;
  ContentHasher hasher_;
  std::uint64_t hashed_ = 0;
  std::vector<char> buffer_;
};

}  // namespace neffs::hub
