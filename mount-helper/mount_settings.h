// What a mount is made of when everything that can be said about it has been heard: an option wins over
// the environment, that over neffs.conf.
#pragma once

#include <string>
#include <vector>

#include "hub/environment.h"
#include "mount-helper/invoker.h"
#include "mount-helper/options.h"

namespace neffs::mount_helper {

struct MountSettings {
  std::string sources;  // as SOURCE; "" for the default ones
  MountOptions options;
};

// sources, lists: as typed. lines: of the files, see read_config(). Throws CommandError (wrong usage).
MountSettings settle_settings(std::string sources, const std::vector<std::string>& lists,
                              std::vector<OptionLine> lines, const hub::Environment& environment);

// The same with the files of this machine and this user.
MountSettings read_settings(const std::string& sources, const std::vector<std::string>& lists,
                            const std::string& mount_point, const Invoker& invoker);

}  // namespace neffs::mount_helper
