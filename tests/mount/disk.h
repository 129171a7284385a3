// A filesystem of a test's own, which can become full, read-only, damaged or gone.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "fs/unique_fd.h"
#include "tests/mount/scratch.h"

namespace neffs::test {

// Mounted below the scratch directory for as long as it lives; what a killed test leaves is taken
// away with that directory, and the loop device detaches itself. Everything throws
// std::system_error. For root.
class Disk {
 public:
  // type: "tmpfs", or "ext4" or "xfs" on a loop device
  //   at: the mountpoint, made if it is missing, mode 0777
  Disk(const std::string& type, std::uint64_t bytes, const std::filesystem::path& at);
  ~Disk();
  Disk(const Disk&) = delete;
  Disk& operator=(const Disk&) = delete;

  // Why this machine cannot make such a disk; "" if it can.
  static std::string missing_for(const std::string& type);

  const std::filesystem::path& root() const { return root_; }
  // Takes all room there is, to the last byte, in a file of the root.
  void fill();
  void make_room();

  // ext4 only. As after a first error with errors=remount-ro: open files or not, nothing is written
  // any more.
  void become_read_only();
  // The device ends after `bytes`: what lies behind gives I/O errors. The metadata lies in front.
  void cut(std::uint64_t bytes);
  // ext4 and xfs. Every access is an I/O error, and what was not synced is lost: the power is cut.
  void shut_down();
  // The power is back: mounted anew from what the device has. Whoever had files open on it must have
  // ended.
  void come_back();

 private:
  void attach(std::uint64_t bytes);
  void mount() const;

  const std::filesystem::path root_;
  const std::string type_;
  std::filesystem::path image_;
  std::string device_;  // "loop3", "" for tmpfs
  fs::UniqueFd loop_;
};

}  // namespace neffs::test
