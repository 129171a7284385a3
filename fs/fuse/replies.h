// Answers to the kernel. A request is a fuse_req_t until it is replied to, and nothing afterwards.
#pragma once

#define FUSE_USE_VERSION 314
#include <fuse_lowlevel.h>

#include "fs/cache_fs.h"
#include "fs/fuse/operations.h"

namespace neffs::fs {

OperationsContext& context_of(fuse_req_t request);
Caller caller_of(fuse_req_t request);

// One errno for whatever was thrown.
void reply_failed(fuse_req_t request, const std::exception_ptr& error);
// An entry, or a negative one. If the kernel does not take it any more, its lookup is undone.
void reply_entry(fuse_req_t request, const Entry& entry);
void reply_opened(fuse_req_t request, const Opened& opened, int flags);
void reply_created(fuse_req_t request, const Created& created, int flags);

// The Reply objects of the verbs that may answer later.
ReplyPtr<Entry> later_entry(fuse_req_t request);
ReplyPtr<Opened> later_opened(fuse_req_t request, int flags);
ReplyPtr<HandleId> later_directory(fuse_req_t request, const fuse_file_info& info);
ReplyPtr<Attributes> later_attributes(fuse_req_t request);
ReplyPtr<Done> later_done(fuse_req_t request);

// Runs `verb`, which replies by itself unless it throws.
template <typename Verb>
void answer(fuse_req_t request, Verb verb) {
  try {
    verb();
  } catch (...) {
    reply_failed(request, std::current_exception());
  }
}

}  // namespace neffs::fs
