// Making durable: the bytes or the names, and the records that say whose they are.
#include <fcntl.h>
#include <unistd.h>

#include <future>
#include <system_error>
#include <utility>

#include <spdlog/spdlog.h>

#include "fs/cache_fs.h"

namespace neffs::fs {
namespace {

// Begins to sync the records, if there is something to sync.
std::future<void> sync_beside(index::Index& index) {
  const auto work = [&index] { index.sync(); };
  if (index.is_synced()) return {};
  try {
    return std::async(std::launch::async, work);
  } catch (const std::system_error&) {  // no more threads
    return std::async(std::launch::deferred, work);
  }
}

// Both go to a disk, which takes them together in hardly more time than it takes one.
template <typename Sync>
void sync_with_records(index::Index& index, Sync&& sync) {
  auto records = sync_beside(index);
  sync();
  if (records.valid()) records.get();
}

}  // namespace

// The bytes are what the caller asks for: that records could not be synced costs a publication at most.
void CacheFs::fsync(HandleId handle, bool data_only) {
  const auto use = files_.use(handle);
  try {
    sync_with_records(index_, [&] {
      if ((data_only ? ::fdatasync(use.fd()) : ::fsync(use.fd())) != 0) throw_errno("fsync");
    });
  } catch (const index::IndexError& error) {
    spdlog::warn("a power cut may make a synced file one of unknown origin: {}", error.what());
  }
}

void CacheFs::fsyncdir(NodeId node) {
  if (nodes_.kept(node)) return;
  const auto path = nodes_.path(node);
  if (!layer_.stat(path)) return;
  const auto fd = layer_.open(path, O_RDONLY | O_DIRECTORY);
  sync_with_records(index_, [&] {
    if (::fsync(fd.get()) != 0) throw_errno("fsync");
  });
}

}  // namespace neffs::fs
