#include "tests/mount/scratch.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <sstream>
#include <system_error>

#include "tests/eventually.h"

namespace neffs::test {
namespace {

namespace stdfs = std::filesystem;

constexpr const char* kKnownLeaks = "known-leaks";
constexpr const char* kMarker = "NEFFS_TEST_SCRATCH";

stdfs::path make_directory() {
  std::string name = (stdfs::temp_directory_path() / "neffs-test-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr)
    throw std::system_error(errno, std::generic_category(), name);
  ::chmod(name.c_str(), 0755);
  return stdfs::canonical(name);
}

std::string text_of(const stdfs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// By what they were started with, which no process can lose by accident.
std::vector<pid_t> processes_of(const std::string& path) {
  const std::string wanted = std::string(kMarker) + "=" + path + '\0';
  std::vector<pid_t> result;
  for (const auto& entry : stdfs::directory_iterator("/proc")) {
    const std::string name = entry.path().filename().string();
    pid_t pid = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (error != std::errc() || *end != '\0') continue;
    if (text_of(entry.path() / "environ").find(wanted) != std::string::npos) result.push_back(pid);
  }
  return result;
}

// The newest first.
std::vector<std::string> mounts_below(const std::string& path) {
  std::vector<std::string> result;
  std::istringstream table(text_of("/proc/self/mounts"));
  for (std::string line; std::getline(table, line);) {
    std::istringstream fields(line);
    std::string device;
    std::string mountpoint;
    fields >> device >> mountpoint;
    if (mountpoint.starts_with(path)) result.push_back(mountpoint);
  }
  std::reverse(result.begin(), result.end());
  return result;
}

}  // namespace

void clean_up(const std::string& path) {
  for (const std::string& mountpoint : mounts_below(path))
    ::umount2(mountpoint.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW);
  for (const pid_t pid : processes_of(path)) ::kill(pid, SIGKILL);
  eventually([&] { return processes_of(path).empty(); });
  std::error_code ignored;
  stdfs::remove_all(path, ignored);
}

Scratch::Scratch() : path_(make_directory()) {
  stdfs::create_directory(path_ / "home");
  stdfs::create_directory(path_ / "reports");
  ::chmod((path_ / "reports").c_str(), 0777);
  // libfuse frees the mountpoint's name in fuse_session_unmount, which a daemon must not call once
  // it has detached: something else may be mounted there by then.
  std::ofstream(path_ / kKnownLeaks) << "leak:fuse_session_mount\n";
  guardian_ = std::make_unique<Child>(
      Child::Start{{NEFFS_CACHE_USER, "guard", path_.string()}, {{"PATH", "/usr/bin:/bin"}}});
  guardian_->wait();  // it goes on in the background
}

Scratch::~Scratch() {
  clean_up(path_.string());
}

Variables Scratch::variables() const {
  const std::string report = (path_ / "reports" / "report").string();
  return {{"PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
          {"HOME", (path_ / "home").string()},
          {"NO_PROXY", "127.0.0.1"},
          {kMarker, path_.string()},
          {"ASAN_OPTIONS", "detect_leaks=1:log_path=" + report},
          {"LSAN_OPTIONS", "print_suppressions=0:suppressions=" + (path_ / kKnownLeaks).string()},
          {"UBSAN_OPTIONS", "print_stacktrace=1:log_path=" + report},
          {"TSAN_OPTIONS", "second_deadlock_stack=1:log_path=" + report}};
}

std::string Scratch::sanitizer_reports() const {
  std::string text;
  for (const auto& entry : stdfs::directory_iterator(path_ / "reports"))
    text += text_of(entry.path());
  return text;
}

std::vector<pid_t> Scratch::processes() const {
  return processes_of(path_.string());
}

std::vector<std::string> Scratch::mounts() const {
  return mounts_below(path_.string());
}

}  // namespace neffs::test
