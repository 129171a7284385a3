// What the parts of a daemon are given, by the options of its mount.
#pragma once

#include "fs/cache_fs.h"
#include "fs/fetch_order.h"
#include "fs/fuse/session.h"
#include "fs/keep_options.h"
#include "hub/hub_client.h"
#include "mount-helper/daemon.h"

namespace neffs::mount_helper {

// By its options or its environment.
bool is_offline(const DaemonPlan& plan);
hub::HubClient::Options hub_options(const DaemonPlan& plan);
fs::FsOptions fs_options(const MountOptions& options);
fs::FetchOptions fetch_options(const MountOptions& options);
// Who only browses finds everything as it was left.
fs::KeepOptions keep_options(const MountOptions& options);
fs::MountSpec mount_spec(const DaemonPlan& plan);

}  // namespace neffs::mount_helper
