#include "tests/mount/disk.h"

#include <fcntl.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "tests/eventually.h"
#include "tests/mount/files.h"

namespace neffs::test {
namespace {

constexpr int kTries = 50;  // another test may be quicker to take the device that was free
constexpr unsigned long kShutDown = _IOR('X', 125, std::uint32_t);  // ext4 and xfs agree on it
constexpr std::uint32_t kWithoutFlush = 2;
constexpr const char* kFiller = "filler";

void check(long result, const std::string& what) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), what);
}

void make_filesystem(const std::string& type, const std::filesystem::path& image) {
  std::vector<std::string> words{"mkfs." + type, "-q"};
  if (type == "ext4")
    words.insert(words.end(), {"-F", "-m", "0", "-b", "4096", "-E", "packed_meta_blocks=1"});
  words.push_back(image.string());
  const Ended ended = run({words, {{"PATH", "/usr/sbin:/usr/bin:/sbin:/bin"}}});
  if (ended.exit_code != 0) throw std::system_error(EIO, std::generic_category(), ended.err);
}

// The device's name.
std::string configure_loop(int image, fs::UniqueFd& loop) {
  const auto control = open_file("/dev/loop-control", O_RDWR);
  for (int i = 0; i < kTries; ++i) {
    const int number = ::ioctl(control.get(), LOOP_CTL_GET_FREE);
    check(number, "LOOP_CTL_GET_FREE");
    std::string name = "loop" + std::to_string(number);
    loop = open_file("/dev/" + name, O_RDWR);
    loop_config config{};
    config.fd = static_cast<std::uint32_t>(image);
    config.info.lo_flags = LO_FLAGS_AUTOCLEAR;
    if (::ioctl(loop.get(), LOOP_CONFIGURE, &config) == 0) return name;
    if (errno != EBUSY) break;
  }
  check(-1, "LOOP_CONFIGURE");
  return {};
}

// Pieces that get smaller, so that not one byte is left.
void fill_up(int fd) {
  std::string piece(1U << 16, 'f');
  while (!piece.empty()) {
    if (::write(fd, piece.data(), piece.size()) < 0) {
      if (errno != ENOSPC) check(-1, kFiller);
      piece.resize(piece.size() / 4);
    }
  }
}

}  // namespace

std::string Disk::missing_for(const std::string& type) {
  if (type == "tmpfs") return "";
  if (::access("/dev/loop-control", R_OK | W_OK) != 0) return "there are no loop devices";
  if (!std::filesystem::exists("/usr/sbin/mkfs." + type)) return "there is no mkfs." + type;
  const std::string known = read_file("/proc/filesystems").text;
  return known.find("\t" + type + "\n") == std::string::npos ? "the kernel has no " + type : "";
}

Disk::Disk(const std::string& type, std::uint64_t bytes, const std::filesystem::path& at)
    : root_(at), type_(type) {
  std::filesystem::create_directories(root_);
  if (type == "tmpfs") {
    const std::string options = "mode=0777,size=" + std::to_string(bytes);
    check(::mount(type.c_str(), root_.c_str(), type.c_str(), 0, options.c_str()), "mount");
    return;
  }
  attach(bytes);
  mount();
  check(::chmod(root_.c_str(), 0777), "chmod");
}

Disk::~Disk() {
  ::umount2(root_.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW);
  if (!image_.empty()) ::unlink(image_.c_str());
}

void Disk::mount() const {
  const char* options = type_ == "ext4" ? "errors=remount-ro" : "nouuid";
  check(::mount(("/dev/" + device_).c_str(), root_.c_str(), type_.c_str(), 0, options), "mount");
}

void Disk::attach(std::uint64_t bytes) {
  image_ = root_.string() + ".image";
  const auto image = open_file(image_, O_RDWR | O_CREAT | O_TRUNC);
  check(::ftruncate(image.get(), static_cast<off_t>(bytes)), "ftruncate");
  make_filesystem(type_, image_);
  device_ = configure_loop(image.get(), loop_);
}

void Disk::fill() {
  const auto filler = open_file(root_ / kFiller, O_WRONLY | O_CREAT | O_APPEND);
  do {  // what was promised to other writers may come free when it is really written
    fill_up(filler.get());
    check(::fsync(filler.get()), kFiller);
  } while (::write(filler.get(), "f", 1) == 1);
}

void Disk::make_room() {
  check(::unlink((root_ / kFiller).c_str()), kFiller);
}

void Disk::become_read_only() {
  write_file("/sys/fs/ext4/" + device_ + "/trigger_fs_error", "as a test wants it");
}

void Disk::cut(std::uint64_t bytes) {
  check(::truncate(image_.c_str(), static_cast<off_t>(bytes)), "truncate");
  check(::ioctl(loop_.get(), LOOP_SET_CAPACITY), "LOOP_SET_CAPACITY");
}

void Disk::shut_down() {
  const auto directory = open_file(root_, O_RDONLY | O_DIRECTORY);
  std::uint32_t how = kWithoutFlush;
  check(::ioctl(directory.get(), kShutDown, &how), "shutdown");
}

void Disk::come_back() {
  // Descriptors of a killed process are closed a moment after it was reaped.
  if (!eventually([&] { return ::umount2(root_.c_str(), UMOUNT_NOFOLLOW) == 0; }))
    check(-1, "umount");
  mount();
}

}  // namespace neffs::test
