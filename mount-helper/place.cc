#include "mount-helper/place.h"

#include <fmt/format.h>

#include <optional>
#include <system_error>
#include <utility>

#include "mount-helper/command_error.h"
#include "mount-helper/mount_point.h"
#include "mount-helper/output.h"
#include "mount-helper/state_directory.h"

namespace neffs::mount_helper {
namespace {

namespace stdfs = std::filesystem;

std::string without_slash_at_end(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

// Relative to `above`; "" if it is not in there.
std::string path_below(const stdfs::path& path, const stdfs::path& above) {
  const std::string relative = path.lexically_relative(above).string();
  const bool is_outside = relative.empty() || relative == ".." || relative.starts_with("../");
  return is_outside || relative == "." ? "" : relative;
}

// The directory that was a mount, by what neffs has left in it.
std::optional<stdfs::path> cache_around(const stdfs::path& path) {
  for (auto at = path; at.has_relative_path(); at = at.parent_path()) {
    std::error_code unknown;
    if (stdfs::is_directory(at / kStatePath, unknown)) return at;
  }
  return std::nullopt;
}

}  // namespace

bool is_neffs_mounted_at(const std::vector<MountEntry>& table, const stdfs::path& mount_point) {
  const auto entry = mount_at(table, mount_point);
  return entry && entry->type == kFilesystemType;
}

Place place_of(const std::string& given, const std::string& wanted_mount,
               const std::vector<MountEntry>& table, const stdfs::path& current) {
  const std::string subject = without_slash_at_end(given);
  const bool is_path = subject.starts_with('/') || subject.starts_with('.');
  const stdfs::path path = without_slash_at_end((current / subject).lexically_normal());
  stdfs::path mount_point = wanted_mount.empty() ? kDefaultMountPoint : wanted_mount;
  mount_point = mount_path(mount_point, table);
  if (!is_path) return {mount_point, subject};
  if (wanted_mount.empty()) {
    const auto around = mount_containing(table, path);
    if (around && around->type == kFilesystemType) mount_point = around->mount_point;
  }
  std::string below = path_below(path, mount_point);
  if (below.empty() && path != mount_point && wanted_mount.empty()) {
    mount_point = cache_around(path).value_or(mount_point);
    below = path_below(path, mount_point);
  }
  if (below.empty() && path != mount_point) {
    throw usage_error(path.string(), fmt::format("not inside {}", mount_point.string()),
                      "name the mount with --mountpoint");
  }
  return {mount_point, std::move(below)};
}

Places places_of(const std::vector<std::string>& given, const std::string& wanted_mount,
                 const std::vector<MountEntry>& table, const stdfs::path& current) {
  Places places;
  if (given.empty())
    places.mount_point =
        mount_path(wanted_mount.empty() ? kDefaultMountPoint : wanted_mount, table);
  for (const auto& subject : given) {
    auto place = place_of(subject, wanted_mount, table, current);
    if (!places.mount_point.empty() && places.mount_point != place.mount_point)
      throw usage_error(printable(subject), "in another mount than the paths before it",
                        "name those of one mount at a time");
    places.mount_point = place.mount_point;
    places.paths.push_back(std::move(place.path));
  }
  return places;
}

}  // namespace neffs::mount_helper
