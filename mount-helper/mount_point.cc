#include "mount-helper/mount_point.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <optional>
#include <system_error>

#include "mount-helper/command_error.h"
#include "mount-helper/control.h"
#include "mount-helper/holders.h"
#include "mount-helper/mount_table.h"
#include "mount-helper/unmount.h"

namespace neffs::mount_helper {
namespace {

constexpr int kMostDeadMounts = 16;  // one above the other, left by a crash loop

std::string reason(int error) {
  return std::generic_category().message(error);
}

// Detaches one dead mount; false if nothing of ours is mounted there.
bool detach_if_dead(const std::filesystem::path& path, MountPoint& mount_point) {
  const auto mounted = mount_at(read_mount_table(), path);
  if (!mounted || mounted->type != kFilesystemType) return false;
  const auto health = ask(path, hello_request()).health;
  // What was unmounted meanwhile has not answered either.
  const auto now = mount_at(read_mount_table(), path);
  if (!now || now->id != mounted->id) return true;
  switch (health) {
    case MountHealth::kDead:
      unmount(path.string(), true);
      mount_point.warnings.push_back(
          fmt::format("{}: its daemon was gone, the dead mount is detached", path.string()));
      return true;
    case MountHealth::kSilent:
      throw CommandError(path.string(), "mounted already, and its daemon does not answer",
                         "neffs umount --lazy detaches it");
    default:
      throw MountedAlready(path.string(), mounted->source);
  }
}

// True if it had to be made. umask would take bits away that all users of the cache need.
bool make_default(const std::filesystem::path& path) {
  if (path != kDefaultMountPoint || ::mkdir(path.c_str(), 0777) != 0) return false;
  const fs::UniqueFd made(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!made || ::fchmod(made.get(), 0777) != 0) throw CommandError(path.string(), reason(errno));
  return true;
}

fs::UniqueFd open_directory(const std::filesystem::path& path) {
  fs::UniqueFd directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory) return directory;
  if (errno == ENOENT) {
    throw CommandError(path.string(), "there is no such directory",
                       fmt::format("mkdir {}", path.string()));
  }
  throw CommandError(path.string(), errno == ENOTDIR ? "not a directory" : reason(errno));
}

// False if it was the root of a mount that somebody else has made meanwhile, or is below one.
bool is_there_now(const MountPoint& mount_point) {
  struct stat opened {};
  struct stat now {};
  if (::fstat(mount_point.directory.get(), &opened) != 0)
    throw CommandError(mount_point.path.string(), reason(errno));
  const auto mounted = mount_at(read_mount_table(), mount_point.path);
  if (mounted && mounted->type == kFilesystemType) return false;
  return ::stat(mount_point.path.c_str(), &now) == 0 && now.st_dev == opened.st_dev &&
         now.st_ino == opened.st_ino;
}

void warn_of_holders(MountPoint& mount_point) {
  auto holders = holders_below(mount_point.path);
  // Another one that waits for its turn.
  std::erase_if(holders, [](const Holder& holder) { return holder.command == "neffs"; });
  if (holders.empty()) return;
  mount_point.warnings.push_back(
      fmt::format("{}: in use by {}: what works in it already will not see the mount (start it "
                  "again, or let it change into the directory anew)",
                  mount_point.path.string(), holders_text(holders)));
}

}  // namespace

MountPoint prepare_mount_point(const std::filesystem::path& typed) {
  MountPoint mount_point;
  mount_point.path = mount_path(typed, read_mount_table());
  for (int round = 0; round < kMostDeadMounts; ++round) {
    if (detach_if_dead(mount_point.path, mount_point)) continue;
    mount_point.was_created |= make_default(mount_point.path);
    mount_point.directory = open_directory(mount_point.path);
    if (is_there_now(mount_point)) break;
  }
  if (!mount_point.directory)
    throw CommandError(mount_point.path.string(), "too many dead mounts, one above the other",
                       "neffs umount --lazy detaches one");
  if (!mount_point.was_created) warn_of_holders(mount_point);
  return mount_point;
}

}  // namespace neffs::mount_helper
