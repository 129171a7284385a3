// Where the cases play: a plain directory, and two mounts, each made once for all cases.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "tests/hub/test_hub.h"
#include "tests/mount/mount_test.h"
#include "tests/mount/scratch.h"
#include "tests/posix/place.h"

namespace neffs::test::posix {

enum class Ground {
  kPlain,        // a directory of the disk, mounted onto itself so that it has a mountpoint too
  kCopying,      // a mount with passthrough=off
  kPassthrough,  // a mount with passthrough=auto
};
enum class Corner {
  kRoot,    // the case's directory is right below the root
  kModule,  // … is a module of a compiler folder
};

struct Surroundings {
  const char* name;
  Ground ground;
  Corner corner;
};

// Owns the Hub and the mounts, which come when they are first asked for. For one thread.
class Stage {
 public:
  Stage();
  ~Stage();
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;

  // A fresh place. Throws std::runtime_error or std::system_error.
  std::unique_ptr<Place> place(const Surroundings& surroundings);
  // Takes the mounts down; what their daemons have done wrong fails the test that is running.
  void clear();

 private:
  std::filesystem::path root_of(Ground ground);
  std::filesystem::path plain();
  Mount& mounted(const std::string& name, const std::string& way);

  Scratch scratch_;
  TestHub hub_;
  bool has_plain_ = false;
  std::map<std::string, std::unique_ptr<Mount>> mounts_;
  int places_ = 0;
};

}  // namespace neffs::test::posix
