// For whom the program acts: its own user, and under sudo also the one who typed the command.
#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>

#include "hub/environment.h"

namespace neffs::mount_helper {

struct Invoker {
  // The process's own variables; HOME, which mount(8) may not pass, comes from the user database.
  hub::Environment own;
  // Under sudo: the same variables with the invoking user's home and the default places in it. Look
  // here for files that `own` does not lead to.
  std::optional<hub::Environment> behind_sudo;
};

using HomeOf = std::function<std::optional<std::string>(uid_t)>;

Invoker make_invoker(const hub::Environment& process, uid_t effective_user, const HomeOf& home_of);

Invoker invoker_of_process();

}  // namespace neffs::mount_helper
