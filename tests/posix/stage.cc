#include "tests/posix/stage.h"

#include <sys/mount.h>
#include <sys/stat.h>

#include <cerrno>
#include <system_error>

#include "tests/hub/sample_repo.h"

namespace neffs::test::posix {
namespace {

namespace stdfs = std::filesystem;

constexpr const char* kVersion = "neuronxcc-9.9";

}  // namespace

Stage::Stage() {
  sample::create(hub_);
  hub_.traffic().total();  // shows this thread what the Hub's threads were started with
}

Stage::~Stage() {
  clear();
}

std::unique_ptr<Place> Stage::place(const Surroundings& surroundings) {
  const stdfs::path root = root_of(surroundings.ground);
  const std::string number = std::to_string(++places_);
  if (surroundings.corner == Corner::kRoot) return std::make_unique<Place>(root, "case" + number);
  stdfs::create_directory(root / kVersion);
  return std::make_unique<Place>(root, std::string(kVersion) + "/MODULE_" + number + "+abcdef01");
}

void Stage::clear() {
  mounts_.clear();
  if (std::exchange(has_plain_, false))
    ::umount2((scratch_ / "plain").c_str(), MNT_DETACH | UMOUNT_NOFOLLOW);
  EXPECT_EQ(scratch_.sanitizer_reports(), "");
}

stdfs::path Stage::root_of(Ground ground) {
  if (ground == Ground::kPlain) return plain();
  if (ground == Ground::kCopying) return mounted("copying", "passthrough=off").root();
  return mounted("passthrough", "passthrough=auto").root();
}

stdfs::path Stage::plain() {
  stdfs::path root = scratch_ / "plain";
  if (has_plain_) return root;
  stdfs::create_directory(root);
  if (::mount(root.c_str(), root.c_str(), nullptr, MS_BIND, nullptr) != 0)
    throw std::system_error(errno, std::generic_category(), "mount --bind " + root.string());
  has_plain_ = true;
  return root;
}

Mount& Stage::mounted(const std::string& name, const std::string& way) {
  auto& mount = mounts_[name];
  if (!mount)
    mount = std::make_unique<Mount>(scratch_, hub_.endpoint(),
                                    MountSetup{.options = {way}, .directory = name});
  return *mount;
}

}  // namespace neffs::test::posix
