// Where neffs keeps its own files inside a layer, and the lock that lets one daemon use a layer.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "fs/unique_fd.h"
#include "mount-helper/command_error.h"

namespace neffs::mount_helper {

// Relative to the layer. The Hub's own clients never upload what is in `.cache/huggingface`.
inline constexpr const char* kStatePath = ".cache/huggingface/neffs";
inline constexpr const char* kIndexName = "index.sqlite";

// LAYER/.cache/huggingface/neffs, ours alone while this lives.
struct StateDirectory {
  fs::UniqueFd directory;
  // The flock on `lock`: it ends when the last copy of the descriptor is closed, so a daemon keeps
  // it through its forks.
  fs::UniqueFd lock;
  // Full names of what was found in the way and renamed.
  std::vector<std::string> set_aside;

  // A path of `name` in it that stays right when the layer is mounted over.
  std::filesystem::path path_of(const std::string& name) const;
  // Notes this process as the owner, for the message that the next one gets. A daemon repeats it
  // after its fork.
  void write_pid() const;
};

// Another daemon has it, or is about to mount it.
class LayerInUse : public CommandError {
 public:
  LayerInUse(const std::string& layer_name, std::string pid);
  // Of that daemon, as its namespace counts; "" if unknown.
  const std::string& pid() const { return pid_; }

 private:
  std::string pid_;
};

// Opens it below `layer`, an open directory, or makes it (0700; what is above it 0755), and locks
// it. No symlink is followed. What stands in the place of one of the three directories and is none,
// and a state directory of another owner or mode, was put there by somebody else: it is renamed to
// `<name>.set-aside-<now>` and never looked into. layer_name: for messages. Throws CommandError, also
// if one of the three is not on the filesystem of the layer: a file that is fetched is renamed from here
// to its place. LayerInUse if another daemon has the lock and keeps it for some seconds.
StateDirectory take_state_directory(int layer, const std::string& layer_name,
                                    std::chrono::sys_seconds now);

// A path of the index below `layer` for somebody who only reads; "" if there is none, or if what is
// there is not to be trusted by the rules above. Changes nothing and takes no lock. The path is good
// as long as `directory` is.
std::filesystem::path find_index(const std::filesystem::path& layer, fs::UniqueFd& directory);

// The type of the filesystem that `directory` is on if its files live on another machine, where
// SQLite's WAL and atomic renames cannot be relied on; "" if it is local.
std::string network_filesystem_of(int directory);
// The same for a type as the mount table names it. Of FUSE filesystems only the known local ones
// count as local.
bool is_network_filesystem(std::string_view type);

// Throws CommandError that names layer=DIR if `directory` is on a network filesystem.
void check_layer_is_local(int directory, const std::string& layer_name);

}  // namespace neffs::mount_helper
