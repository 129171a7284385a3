// The kernel's requests, unpacked, handed to CacheFs, and replied to: nothing else.
#pragma once

#include "fs/cache_fs.h"
#include "fs/fuse/control_channel.h"
#include "fs/fuse/passthrough.h"

struct fuse_lowlevel_ops;

namespace neffs::fs {

// What libfuse hands to every operation as its user data. fs is null until the handshake is over.
struct OperationsContext {
  DeviceFilter* filter = nullptr;
  CacheFs* fs = nullptr;
  ControlChannel* control = nullptr;
  bool passthrough = false;
};

const fuse_lowlevel_ops& operations();

}  // namespace neffs::fs
