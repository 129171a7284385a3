// neffs add: has a trainer compile a model, so that its modules are in the repo.
#pragma once

#include <string>
#include <vector>

#include "mount-helper/commands/run.h"
#include "mount-helper/mount_point.h"
#include "mount-helper/trainer.h"

namespace neffs::mount_helper {

struct AddRequest {
  TrainingArguments arguments;
  std::string repo;  // "" for the default
  std::string mount_point = kDefaultMountPoint;
  MountOptions options;  // of the mount, where push is decided already
  double flush_timeout_s = kDefaultFlushTimeout;
  std::vector<std::string> command;  // empty: the template in $NEFFS_TRAINER
};

// Whoever would find it out after an hour of compilation is told before: wrong arguments, no trainer, no
// login, no right to write. Then the trainer runs as under `run`, whose status this returns, and what has
// come into the repo meanwhile is said on stderr. Throws CommandError, HubError; then nothing was run.
int add_command(const AddRequest& request);

}  // namespace neffs::mount_helper
