// Large files that arrive in parts: which uploads are open, and which of their parts are here.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/hub/lfs_store.h"

namespace neffs::test {

struct PartedUpload {
  std::string repo;
  LfsPointer pointer;
  std::uint64_t part_size = 0;

  std::uint64_t part_count() const { return (pointer.size + part_size - 1) / part_size; }
  // Of part `number`, counted from 1: all are alike but the last.
  std::uint64_t size_of(std::uint64_t number) const;
};

// Any thread may call.
class UploadDesk {
 public:
  // Returns the id of the upload.
  std::string open(PartedUpload upload);
  // nullopt if there is no such upload, or it is complete.
  std::optional<PartedUpload> find(const std::string& id) const;
  // Keeps a part, in place of an earlier one of that number; returns its ETag, with quotes.
  // Nothing happens if the upload is gone.
  std::string put_part(const std::string& id, std::uint64_t number, ContentPtr bytes);
  // The whole file, if these are all parts in order by number and ETag; the upload stays open.
  using PartList = std::vector<std::pair<std::uint64_t, std::string>>;
  ContentPtr assemble(const std::string& id, const PartList& parts) const;
  void close(const std::string& id);

 private:
  struct Part {
    std::string etag;
    ContentPtr bytes;
  };
  struct Open {
    PartedUpload upload;
    std::map<std::uint64_t, Part> parts;
  };

  mutable std::mutex mutex_;
  std::uint64_t last_id_ = 0;         // guarded by mutex_
  std::map<std::string, Open> open_;  // guarded by mutex_
};

}  // namespace neffs::test
