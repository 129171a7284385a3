#include "fs/fuse/replies.h"

#include <fcntl.h>
#include <linux/fuse.h>

#include <cerrno>
#include <cmath>
#include <cstring>

#include <spdlog/spdlog.h>

#include "fs/fuse/errno_of.h"

namespace neffs::fs {
namespace {

// OPEN's answer in the kernel's own words: libfuse before 3.17 knows no backing id, which took the
// place of the padding.
fuse_open_out open_out(const Opened& opened, int flags) {
  fuse_open_out out{};
  out.fh = opened.handle;
  if (opened.backing_id != 0) {
    out.open_flags = kOpenPassthrough;
    std::memcpy(&out.padding, &opened.backing_id, sizeof opened.backing_id);
  } else {
    out.open_flags = FOPEN_KEEP_CACHE;  // a node's content changes through the kernel only
  }
  // What the kernel writes itself is in the layer at once: one request less at the close. Else a flush
  // brings stores through a mapping here.
  if (opened.backing_id != 0 || (flags & O_ACCMODE) == O_RDONLY) out.open_flags |= FOPEN_NOFLUSH;
  return out;
}

void set_timeout(double seconds, std::uint64_t& whole, std::uint32_t& nanoseconds) {
  const double floor = std::floor(seconds);
  whole = static_cast<std::uint64_t>(floor);
  nanoseconds = static_cast<std::uint32_t>((seconds - floor) * 1e9);
}

fuse_entry_out entry_out(const Entry& entry) {
  fuse_entry_out out{};
  const auto& st = entry.st;
  out.nodeid = entry.node;
  set_timeout(entry.entry_timeout_s, out.entry_valid, out.entry_valid_nsec);
  set_timeout(entry.attr_timeout_s, out.attr_valid, out.attr_valid_nsec);
  out.attr.ino = st.st_ino;
  out.attr.size = static_cast<std::uint64_t>(st.st_size);
  out.attr.blocks = static_cast<std::uint64_t>(st.st_blocks);
  out.attr.atime = static_cast<std::uint64_t>(st.st_atim.tv_sec);
  out.attr.mtime = static_cast<std::uint64_t>(st.st_mtim.tv_sec);
  out.attr.ctime = static_cast<std::uint64_t>(st.st_ctim.tv_sec);
  out.attr.atimensec = static_cast<std::uint32_t>(st.st_atim.tv_nsec);
  out.attr.mtimensec = static_cast<std::uint32_t>(st.st_mtim.tv_nsec);
  out.attr.ctimensec = static_cast<std::uint32_t>(st.st_ctim.tv_nsec);
  out.attr.mode = st.st_mode;
  out.attr.nlink = static_cast<std::uint32_t>(st.st_nlink);
  out.attr.uid = st.st_uid;
  out.attr.gid = st.st_gid;
  out.attr.rdev = static_cast<std::uint32_t>(st.st_rdev);
  out.attr.blksize = static_cast<std::uint32_t>(st.st_blksize);
  return out;
}

void on_interrupt(fuse_req_t request, void* data) {
  context_of(request).fs->waits().interrupted(reinterpret_cast<std::uintptr_t>(data));
}

template <typename Answer>
class LaterReply : public Reply<Answer> {
 public:
  explicit LaterReply(fuse_req_t request) : request_(request) {}
  void failed(std::exception_ptr error) override { reply_failed(request_, error); }
  void parked(WaitId id) override {
    // The data is the wait's number, not a pointer: it may be over when the signal comes.
    void* number = reinterpret_cast<void*>(id);  // NOLINT(performance-no-int-to-ptr)
    ::fuse_req_interrupt_func(request_, on_interrupt, number);
  }

 protected:
  const fuse_req_t request_;
};

class LaterEntry : public LaterReply<Entry> {
 public:
  using LaterReply::LaterReply;
  void ok(const Entry& entry) override { reply_entry(request_, entry); }
};

class LaterOpened : public LaterReply<Opened> {
 public:
  LaterOpened(fuse_req_t request, int flags) : LaterReply(request), flags_(flags) {}
  void ok(const Opened& opened) override { reply_opened(request_, opened, flags_); }

 private:
  const int flags_;
};

class LaterDirectory : public LaterReply<HandleId> {
 public:
  LaterDirectory(fuse_req_t request, const fuse_file_info& info)
      : LaterReply(request), info_(info) {}
  void ok(const HandleId& handle) override {
    info_.fh = handle;
    auto& fs = *context_of(request_).fs;
    if (::fuse_reply_open(request_, &info_) == -ENOENT) fs.releasedir(handle);
  }

 private:
  fuse_file_info info_;
};

class LaterAttributes : public LaterReply<Attributes> {
 public:
  using LaterReply::LaterReply;
  void ok(const Attributes& answer) override {
    ::fuse_reply_attr(request_, &answer.st, answer.timeout_s);
  }
};

class LaterDone : public LaterReply<Done> {
 public:
  using LaterReply::LaterReply;
  void ok(const Done& /*done*/) override { ::fuse_reply_err(request_, 0); }
};

}  // namespace

OperationsContext& context_of(fuse_req_t request) {
  return *static_cast<OperationsContext*>(::fuse_req_userdata(request));
}

Caller caller_of(fuse_req_t request) {
  const auto* context = ::fuse_req_ctx(request);
  return {context->uid, context->gid, context->pid, context->umask & 0777};
}

void reply_failed(fuse_req_t request, const std::exception_ptr& error) {
  const int value = errno_of(error);
  if (value == EIO || value == EACCES) {
    try {
      std::rethrow_exception(error);
    } catch (const std::exception& failure) {
      spdlog::warn("a request failed: {}", failure.what());
    } catch (...) {
      spdlog::error("a request failed for an unknown reason");
    }
  }
  ::fuse_reply_err(request, value);
}

void reply_entry(fuse_req_t request, const Entry& entry) {
  auto& fs = *context_of(request).fs;
  if (entry.node == 0 && entry.entry_timeout_s <= 0) {
    ::fuse_reply_err(request, ENOENT);
    return;
  }
  fuse_entry_param param{};
  param.ino = entry.node;
  param.attr = entry.st;
  param.entry_timeout = entry.entry_timeout_s;
  param.attr_timeout = entry.attr_timeout_s;
  if (::fuse_reply_entry(request, &param) == -ENOENT && entry.node != 0) fs.forget(entry.node, 1);
}

void reply_opened(fuse_req_t request, const Opened& opened, int flags) {
  auto& fs = *context_of(request).fs;
  const auto out = open_out(opened, flags);
  if (::fuse_reply_buf(request, reinterpret_cast<const char*>(&out), sizeof out) == -ENOENT)
    fs.release(opened.handle);
}

void reply_created(fuse_req_t request, const Created& created, int flags) {
  auto& fs = *context_of(request).fs;
  const struct {
    fuse_entry_out entry;
    fuse_open_out open;
  } out{entry_out(created.entry), open_out(created.opened, flags)};
  static_assert(sizeof out == sizeof(fuse_entry_out) + sizeof(fuse_open_out));
  if (::fuse_reply_buf(request, reinterpret_cast<const char*>(&out), sizeof out) == -ENOENT) {
    fs.release(created.opened.handle);
    fs.forget(created.entry.node, 1);
  }
}

ReplyPtr<Entry> later_entry(fuse_req_t request) {
  return std::make_shared<LaterEntry>(request);
}

ReplyPtr<Opened> later_opened(fuse_req_t request, int flags) {
  return std::make_shared<LaterOpened>(request, flags);
}

ReplyPtr<HandleId> later_directory(fuse_req_t request, const fuse_file_info& info) {
  return std::make_shared<LaterDirectory>(request, info);
}

ReplyPtr<Attributes> later_attributes(fuse_req_t request) {
  return std::make_shared<LaterAttributes>(request);
}

ReplyPtr<Done> later_done(fuse_req_t request) {
  return std::make_shared<LaterDone>(request);
}

}  // namespace neffs::fs
