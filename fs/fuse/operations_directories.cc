// Listings.
#include <sys/stat.h>

#include <string>
#include <vector>

#include "fs/fuse/operation_parts.h"

namespace neffs::fs {
namespace {

void opendir(fuse_req_t request, fuse_ino_t node, fuse_file_info* info) {
  context_of(request).fs->opendir(node, caller_of(request), later_directory(request, *info));
}

void releasedir(fuse_req_t request, fuse_ino_t /*node*/, fuse_file_info* info) {
  context_of(request).fs->releasedir(info->fh);
  ::fuse_reply_err(request, 0);
}

void fsyncdir(fuse_req_t request, fuse_ino_t node, int /*data_only*/, fuse_file_info* /*info*/) {
  answer(request, [&] {
    context_of(request).fs->fsyncdir(node);
    ::fuse_reply_err(request, 0);
  });
}

// Fills one reply. Offsets 0 and 1 are "." and "..", which are not looked up.
class ListingBuffer {
 public:
  ListingBuffer(fuse_req_t request, size_t size, bool plus)
      : request_(request), buffer_(size), plus_(plus) {}

  // False, and nothing is counted, if the name does not fit.
  bool add(CacheFs& fs, fuse_ino_t directory, const Names::Child& child, off_t next) {
    const size_t left = buffer_.size() - used_;
    if (size_of(child.name) > left) return false;
    fuse_entry_param param{};
    param.attr.st_ino = child.ino;
    param.attr.st_mode = static_cast<mode_t>(child.type) << 12;
    if (plus_ && child.name != "." && child.name != "..") {
      if (const auto entry = fs.readdir_entry(directory, child); entry.node != 0) {
        param.ino = entry.node;
        param.attr = entry.st;
        param.entry_timeout = entry.entry_timeout_s;
        param.attr_timeout = entry.attr_timeout_s;
      }
    }
    used_ += write(child.name, param, left, next);
    return true;
  }

  void reply() { ::fuse_reply_buf(request_, buffer_.data(), used_); }

 private:
  size_t size_of(const std::string& name) const {
    return plus_ ? ::fuse_add_direntry_plus(request_, nullptr, 0, name.c_str(), nullptr, 0)
                 : ::fuse_add_direntry(request_, nullptr, 0, name.c_str(), nullptr, 0);
  }
  size_t write(const std::string& name, const fuse_entry_param& param, size_t left, off_t next) {
    auto* at = buffer_.data() + used_;
    return plus_ ? ::fuse_add_direntry_plus(request_, at, left, name.c_str(), &param, next)
                 : ::fuse_add_direntry(request_, at, left, name.c_str(), &param.attr, next);
  }

  const fuse_req_t request_;
  std::vector<char> buffer_;
  size_t used_ = 0;
  const bool plus_;
};

void list(fuse_req_t request, fuse_ino_t node, size_t size, off_t offset,
          const fuse_file_info* info, bool plus) {
  answer(request, [&] {
    auto& fs = *context_of(request).fs;
    ListingBuffer buffer(request, size, plus);
    const Names::Child dots[2] = {{".", node, S_IFDIR >> 12}, {"..", node, S_IFDIR >> 12}};
    for (auto at = offset;; ++at) {
      const auto* child =
          at < 2 ? &dots[at] : fs.readdir(info->fh, static_cast<std::uint64_t>(at - 2));
      if (child == nullptr || !buffer.add(fs, node, *child, at + 1)) break;
    }
    buffer.reply();
  });
}

void readdir(fuse_req_t request, fuse_ino_t node, size_t size, off_t offset, fuse_file_info* info) {
  list(request, node, size, offset, info, false);
}

void readdirplus(fuse_req_t request, fuse_ino_t node, size_t size, off_t offset,
                 fuse_file_info* info) {
  list(request, node, size, offset, info, true);
}

}  // namespace

void add_directory_operations(fuse_lowlevel_ops& ops) {
  ops.opendir = opendir;
  ops.readdir = readdir;
  ops.readdirplus = readdirplus;
  ops.releasedir = releasedir;
  ops.fsyncdir = fsyncdir;
}

}  // namespace neffs::fs
