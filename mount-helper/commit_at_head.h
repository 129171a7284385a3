// One commit on whatever the head is by then.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "hub/push_repo.h"
#include "hub/remote_repo.h"

namespace neffs::mount_helper {

// What is to be committed on this head; nullopt if it has everything already. The parent is filled in.
using ChangeOf = std::function<std::optional<hub::CommitRequest>(const std::string& head)>;

// Makes the commit and returns it, or the head if nothing was to be done; reader and writer are of the
// same branch. Where the head moves meanwhile, or the answer is lost, the change is asked for anew at the
// head. Throws HubError, and what `change_of` throws.
std::string commit_at_head(hub::RemoteRepo& reader, hub::PushRepo& writer,
                           const ChangeOf& change_of, const hub::CallLimits& limits);

}  // namespace neffs::mount_helper
