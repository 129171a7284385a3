#include "fs/fuse/passthrough.h"

#include <linux/fuse.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace neffs::fs {
namespace {

// From the kernel's protocol; Debian 12's headers are older than some of it.
constexpr std::uint64_t kParallelDirOps = 1ULL << 18;
constexpr std::uint64_t kHandleKillPrivV2 = 1ULL << 28;
constexpr std::uint64_t kInitExt = 1ULL << 30;
constexpr std::uint64_t kPassthrough = 1ULL << 37;
constexpr std::uint32_t kWriteKillSetIds = 1U << 2;
constexpr std::uint32_t kSetattrKillSetIds = 1U << 11;

struct BackingMap {
  std::int32_t fd;
  std::uint32_t flags;
  std::uint64_t padding;
};
constexpr unsigned long kBackingOpen = _IOW(229, 1, BackingMap);
constexpr unsigned long kBackingClose = _IOW(229, 2, std::uint32_t);

thread_local bool kill_set_ids = false;

// INIT's answer as far as the extension; max_stack_depth follows flags2.
struct InitAnswer {
  fuse_init_out out;
  std::uint32_t& max_stack_depth() { return out.unused[0]; }
};

}  // namespace

std::optional<std::int32_t> KernelBackingFiles::open(int fd) {
  BackingMap map{fd, 0, 0};
  const int id = ::ioctl(fuse_fd_, kBackingOpen, &map);
  return id > 0 ? std::optional(id) : std::nullopt;
}

void KernelBackingFiles::close(std::int32_t backing_id) {
  auto id = static_cast<std::uint32_t>(backing_id);
  ::ioctl(fuse_fd_, kBackingClose, &id);
}

bool must_kill_set_ids() {
  return kill_set_ids;
}

unsigned stack_depth_for(int layer_fd) {
  struct statfs st {};
  const bool is_overlay =
      ::fstatfs(layer_fd, &st) == 0 && st.f_type == static_cast<__fsword_t>(OVERLAYFS_SUPER_MAGIC);
  return is_overlay ? 2 : 1;
}

ssize_t DeviceFilter::read(int fd, void* buffer, std::size_t size) {
  const ssize_t got = ::read(fd, buffer, size);
  if (got >= static_cast<ssize_t>(sizeof(fuse_in_header)))
    note_request(buffer, static_cast<std::size_t>(got));
  return got;
}

void DeviceFilter::note_request(const void* request, std::size_t size) {
  fuse_in_header header{};
  std::memcpy(&header, request, sizeof header);
  const auto* body = static_cast<const char*>(request) + sizeof header;
  const auto body_size = size - sizeof header;
  kill_set_ids = false;
  if (header.opcode == FUSE_WRITE && body_size >= sizeof(fuse_write_in)) {
    fuse_write_in write{};
    std::memcpy(&write, body, sizeof write);
    kill_set_ids = (write.write_flags & kWriteKillSetIds) != 0;
  } else if (header.opcode == FUSE_SETATTR && body_size >= sizeof(fuse_setattr_in)) {
    fuse_setattr_in setattr{};
    std::memcpy(&setattr, body, sizeof setattr);
    kill_set_ids = setattr.valid == 0 || (setattr.valid & kSetattrKillSetIds) != 0;
  } else if (header.opcode == FUSE_OPEN && body_size >= sizeof(fuse_open_in)) {
    fuse_open_in open{};
    std::memcpy(&open, body, sizeof open);
    kill_set_ids = (open.open_flags & FUSE_OPEN_KILL_SUIDGID) != 0;
  } else if (header.opcode == FUSE_INIT && body_size >= offsetof(fuse_init_in, flags2)) {
    fuse_init_in init{};
    std::memcpy(&init, body, std::min(body_size, sizeof init));
    std::uint64_t offered = init.flags;
    if ((offered & kInitExt) != 0) offered |= std::uint64_t{init.flags2} << 32;
    offered_ = offered;
    init_unique_ = header.unique;
  }
}

ssize_t DeviceFilter::writev(int fd, const iovec* parts, int count) {
  fuse_out_header header{};
  if (count == 2 && parts[0].iov_len == sizeof header) {
    std::memcpy(&header, parts[0].iov_base, sizeof header);
    if (header.unique != 0 && header.unique == init_unique_) return answer_init(fd, parts, count);
  }
  return ::writev(fd, parts, count);
}

ssize_t DeviceFilter::answer_init(int fd, const iovec* parts, int count) {
  init_unique_ = 0;
  InitAnswer answer{};
  if (parts[1].iov_len != sizeof answer.out) return ::writev(fd, parts, count);
  std::memcpy(&answer.out, parts[1].iov_base, sizeof answer.out);
  const std::uint64_t offered = offered_;
  std::uint64_t flags = answer.out.flags | std::uint64_t{answer.out.flags2} << 32;
  flags |= offered & (kParallelDirOps | kHandleKillPrivV2);
  if (stack_depth_ != 0 && (offered & kPassthrough) != 0) {
    flags |= kInitExt | kPassthrough;
    answer.max_stack_depth() = stack_depth_;
    passthrough_ = true;
  }
  answer.out.flags = static_cast<std::uint32_t>(flags);
  answer.out.flags2 = static_cast<std::uint32_t>(flags >> 32);
  const std::array<iovec, 2> amended{{parts[0], {&answer.out, sizeof answer.out}}};
  return ::writev(fd, amended.data(), static_cast<int>(amended.size()));
}

}  // namespace neffs::fs
