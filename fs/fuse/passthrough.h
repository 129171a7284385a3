// Kernel passthrough: the kernel reads and writes the layer's file itself. libfuse learned it in
// 3.17; here it is spoken directly, which works with every release that has custom I/O (3.14).
#pragma once

#include <sys/types.h>
#include <sys/uio.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "fs/open_files.h"

namespace neffs::fs {

// OPEN's flag for it, and CREATE's.
inline constexpr std::uint32_t kOpenPassthrough = 1U << 7;

// Registers files by ioctl on the descriptor of /dev/fuse. Needs CAP_SYS_ADMIN.
class KernelBackingFiles : public BackingFiles {
 public:
  explicit KernelBackingFiles(int fuse_fd) : fuse_fd_(fuse_fd) {}
  std::optional<std::int32_t> open(int fd) override;
  void close(std::int32_t backing_id) override;

 private:
  const int fuse_fd_;
};

// Stands between libfuse and /dev/fuse: adds to the INIT reply what libfuse does not know of, and
// notes what a request says that libfuse does not hand on. Safe for any thread.
class DeviceFilter {
 public:
  // stack_depth: 0 does not ask for passthrough; 2 where the layer is on overlayfs, else 1
  explicit DeviceFilter(unsigned stack_depth) : stack_depth_(stack_depth) {}

  ssize_t read(int fd, void* buffer, std::size_t size);
  ssize_t writev(int fd, const iovec* parts, int count);

  // After INIT: the kernel agreed to passthrough.
  bool is_passthrough() const { return passthrough_; }

 private:
  void note_request(const void* request, std::size_t size);
  ssize_t answer_init(int fd, const iovec* parts, int count);

  const unsigned stack_depth_;
  std::atomic<std::uint64_t> init_unique_{0};
  std::atomic<std::uint64_t> offered_{0};
  std::atomic<bool> passthrough_{false};
};

// The request this thread read last asks for the set-id bits to be cleared (a write by somebody
// who is not the owner): FUSE_HANDLE_KILLPRIV_V2 makes that our work.
bool must_kill_set_ids();

// 2 for a layer on overlayfs, else 1: how many filesystems the kernel may find stacked.
unsigned stack_depth_for(int layer_fd);

}  // namespace neffs::fs
