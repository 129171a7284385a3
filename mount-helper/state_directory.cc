#include "mount-helper/state_directory.h"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <optional>
#include <string_view>
#include <system_error>
#include <thread>

#include "fs/layer.h"
#include "mount-helper/command_error.h"
#include "mount-helper/mount_table.h"

namespace neffs::mount_helper {
namespace {

constexpr std::chrono::milliseconds kPatienceWithPredecessor{2'500};
constexpr std::chrono::milliseconds kBetweenTries{20};

constexpr std::array<std::string_view, 22> kNetworkTypes = {
    "nfs",       "nfs4",    "cifs",  "smb3",   "smbfs",  "9p",      "lustre",   "ceph",
    "gpfs",      "beegfs",  "afs",   "coda",   "wekafs", "panfs",   "orangefs", "pvfs2",
    "glusterfs", "quobyte", "davfs", "vboxsf", "prl_fs", "virtiofs"};

constexpr std::array<std::string_view, 8> kLocalFuseTypes = {
    "fuseblk",    "fuse.fuse-overlayfs", "fuse.mergerfs",  "fuse.bindfs",
    "fuse.exfat", "fuse.ntfs-3g",        "fuse.gocryptfs", "fuse.unionfs-fuse"};

constexpr int kTries = 5;  // somebody may put things in the way while we look

template <typename Types>
bool is_among(const Types& types, std::string_view type) {
  return std::find(types.begin(), types.end(), type) != types.end();
}

std::string reason(int error) {
  return std::generic_category().message(error);
}

bool is_ours_alone(int directory) {
  struct stat found {};
  return ::fstat(directory, &found) == 0 && found.st_uid == ::geteuid() &&
         (found.st_mode & 07777) == 0700;
}

// Whether a rename from one into the other can work: the kernel refuses it between mounts, even of
// one filesystem, and btrfs between subvolumes, which only the device tells apart.
bool are_on_one_filesystem(int one, int other) {
  struct stat first {};
  struct stat second {};
  return ::fstat(one, &first) == 0 && ::fstat(other, &second) == 0 &&
         first.st_dev == second.st_dev && mount_id_of(one) == mount_id_of(other);
}

std::string path_below(int directory, const std::string& name) {
  return fmt::format("/proc/self/fd/{}/{}", directory, name);
}

// Makes the directories one by one, each reached from the one above it.
class Walk {
 public:
  Walk(int layer, const std::string& layer_name, std::chrono::sys_seconds now,
       StateDirectory& state)
      : at_(::fcntl(layer, F_DUPFD_CLOEXEC, 0)),
        path_(layer_name),
        layer_name_(layer_name),
        now_(now),
        state_(state) {
    if (!at_) fail(path_, errno);
  }

  // Goes down to `name`, which has to be a real directory; a private one (mode 0700, of our own
  // user) for `is_private`.
  void enter(const std::string& name, bool is_private) {
    for (int attempt = 0; attempt < kTries; ++attempt) {
      if (::mkdirat(at_.get(), name.c_str(), is_private ? 0700 : 0755) != 0 && errno != EEXIST) {
        fail(path_ + "/" + name, errno);
      }
      fs::UniqueFd found(
          ::openat(at_.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
      if (found) check_stays_with_layer(found.get(), name);
      if (found && (!is_private || is_ours_alone(found.get()))) {
        at_ = std::move(found);
        path_ += "/" + name;
        return;
      }
      if (!found && errno != ENOTDIR && errno != ELOOP) fail(path_ + "/" + name, errno);
      set_aside(name);
    }
    throw CommandError(path_ + "/" + name, "something is put in its place again and again",
                       "find out who does it, or use another layer=DIR");
  }

  fs::UniqueFd arrived() { return std::move(at_); }

 private:
  void check_stays_with_layer(int found, const std::string& name) const {
    if (are_on_one_filesystem(at_.get(), found)) return;
    throw CommandError(path_ + "/" + name,
                       fmt::format("on another filesystem than its layer {}, which fetched files "
                                   "are renamed into",
                                   layer_name_),
                       "unmount what is mounted there, or use another layer=DIR");
  }

  void set_aside(const std::string& name) {
    const std::string stem = fmt::format("{}.set-aside-{:%Y%m%dT%H%M%SZ}", name,
                                         fmt::gmtime(std::chrono::system_clock::to_time_t(now_)));
    std::string target = stem;
    for (int number = 2;
         ::renameat2(at_.get(), name.c_str(), at_.get(), target.c_str(), RENAME_NOREPLACE) != 0;
         ++number) {
      if (errno == ENOENT) return;  // it has gone by itself
      if (errno != EEXIST) fail(path_ + "/" + name, errno);
      target = fmt::format("{}-{}", stem, number);
    }
    state_.set_aside.push_back(path_ + "/" + target);
  }

  [[noreturn]] static void fail(const std::string& path, int error) {
    throw CommandError(path, "neffs keeps its state there and cannot: " + reason(error),
                       "mount as the user who owns it, or use another layer=DIR");
  }

  fs::UniqueFd at_;
  std::string path_;
  const std::string& layer_name_;
  const std::chrono::sys_seconds now_;
  StateDirectory& state_;
};

std::string pid_written_in(int lock) {
  std::array<char, 32> text{};
  const ssize_t size = ::pread(lock, text.data(), text.size() - 1, 0);
  const std::string_view digits(text.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
  return std::string(digits.substr(0, digits.find_first_not_of("0123456789")));
}

[[noreturn]] void fail_to_lock(const std::string& layer_name, int error) {
  throw CommandError(layer_name, "cannot be locked: " + reason(error),
                     "make it writable, or use another layer=DIR");
}

fs::UniqueFd take_lock(int directory, const std::string& layer_name) {
  fs::UniqueFd lock(::openat(directory, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!lock) fail_to_lock(layer_name, errno);
  // The daemon of a mount that was taken away a moment ago may take two seconds to end.
  const auto deadline = std::chrono::steady_clock::now() + kPatienceWithPredecessor;
  int result = ::flock(lock.get(), LOCK_EX | LOCK_NB);
  while (result != 0 && errno == EWOULDBLOCK && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(kBetweenTries);
    result = ::flock(lock.get(), LOCK_EX | LOCK_NB);
  }
  if (result == 0) return lock;
  if (errno != EWOULDBLOCK) fail_to_lock(layer_name, errno);
  throw LayerInUse(layer_name, pid_written_in(lock.get()));
}

}  // namespace

LayerInUse::LayerInUse(const std::string& layer_name, std::string pid)
    : CommandError(fmt::format("layer {}", layer_name),
                   "in use by another neffs" + (pid.empty() ? "" : fmt::format(", pid {}", pid)),
                   "unmount that one, or use another layer=DIR"),
      pid_(std::move(pid)) {}

std::filesystem::path StateDirectory::path_of(const std::string& name) const {
  return path_below(directory.get(), name);
}

void StateDirectory::write_pid() const {
  const std::string text = fmt::format("{}\n", ::getpid());
  // For messages only: without it the lock holds just the same.
  if (::ftruncate(lock.get(), 0) == 0) {
    [[maybe_unused]] const ssize_t written = ::pwrite(lock.get(), text.data(), text.size(), 0);
  }
}

StateDirectory take_state_directory(int layer, const std::string& layer_name,
                                    std::chrono::sys_seconds now) {
  StateDirectory state;
  Walk walk(layer, layer_name, now, state);
  walk.enter(".cache", false);
  walk.enter("huggingface", false);
  walk.enter("neffs", true);
  state.directory = walk.arrived();
  state.lock = take_lock(state.directory.get(), layer_name);
  state.write_pid();
  return state;
}

std::filesystem::path find_index(const std::filesystem::path& layer, fs::UniqueFd& directory) {
  const fs::Layer below(fs::UniqueFd(::open(layer.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)));
  try {
    directory = below.open(kStatePath, O_RDONLY | O_DIRECTORY);
  } catch (const std::system_error&) {
    return {};
  }
  return is_ours_alone(directory.get()) ? path_below(directory.get(), kIndexName) : "";
}

bool is_network_filesystem(std::string_view type) {
  const bool is_fuse = type == "fuse" || type.starts_with("fuse.");
  return is_fuse ? !is_among(kLocalFuseTypes, type) : is_among(kNetworkTypes, type);
}

std::string network_filesystem_of(int directory) {
  const auto id = mount_id_of(directory);
  for (const MountEntry& entry : read_mount_table()) {
    if (entry.id == id) return is_network_filesystem(entry.type) ? entry.type : "";
  }
  return "";
}

void check_layer_is_local(int directory, const std::string& layer_name) {
  const std::string type = network_filesystem_of(directory);
  if (type.empty()) return;
  throw CommandError(fmt::format("layer {}", layer_name),
                     fmt::format("on a network filesystem ({}), where neither its database nor "
                                 "atomic renames can be relied on",
                                 type),
                     "give a local directory with -o layer=DIR");
}

}  // namespace neffs::mount_helper
