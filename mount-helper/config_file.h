// neffs.conf: what mounts have for options where nothing else is said, see neffs.conf(5).
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "mount-helper/invoker.h"
#include "mount-helper/options.h"

namespace neffs::mount_helper {

// Beside the options: which repos are mounted.
inline constexpr std::string_view kSourceLine = "source";
inline constexpr const char* kSystemConfig = "/etc/neffs.conf";

// Whether the section of this mountpoint, as it was written, is the one that is asked for.
using IsMeant = std::function<bool(const std::string& section)>;

// The lines of `text` that stand above the first section, then those in the sections that are meant.
// Everything in it is checked, whatever is meant. Throws CommandError (wrong usage) that begins with
// "NAME:LINE".
std::vector<OptionLine> parse_config(std::string_view text, const std::string& name,
                                     const IsMeant& is_meant);

// Where there are such files: the system's, then the user's, which wins. Under sudo the invoking user's
// where root has none.
std::vector<std::filesystem::path> config_files(const Invoker& invoker,
                                                const std::filesystem::path& system);

// What these files say of a mount over `mount_point`, those of a later file behind those of an earlier
// one. `environment` is for ~ and $NAME. Throws as parse_config(), and CommandError if one cannot be read.
std::vector<OptionLine> read_config(const std::vector<std::filesystem::path>& files,
                                    const std::filesystem::path& mount_point,
                                    const hub::Environment& environment);

}  // namespace neffs::mount_helper
