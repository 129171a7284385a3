#include "tests/mount/mount_test.h"

#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <iostream>
#include <stdexcept>

namespace neffs::test {
namespace {

// "Exit is quick" allows two seconds; a busy machine or a sanitizer gets some more before a test
// calls it broken.
constexpr std::chrono::seconds kExitLimit{10};

std::string joined(const std::vector<std::string>& options) {
  std::string text;
  for (const std::string& option : options) text += (text.empty() ? "" : ",") + option;
  return text;
}

Variables merged(Variables base, const Variables& more) {
  for (const auto& [name, value] : more) base[name] = value;
  return base;
}

std::filesystem::path made(const std::filesystem::path& directory) {
  if (std::filesystem::create_directories(directory)) ::chmod(directory.c_str(), 0777);
  return directory;
}

}  // namespace

Mount::Mount(const Scratch& scratch, const std::string& endpoint, const MountSetup& setup)
    : scratch_(scratch),
      root_(made(scratch / setup.directory)),
      below_(::open(root_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)) {
  std::vector<std::string> words{NEFFS_PROGRAM, "mount"};
  if (!setup.source.empty()) words.push_back(setup.source);
  words.insert(words.end(), {root_.string(), "-f"});
  if (!setup.options.empty()) words.insert(words.end(), {"-o", joined(setup.options)});
  daemon_ = std::make_unique<Child>(Child::Start{
      words, merged(merged(scratch.variables(), {{"HF_ENDPOINT", endpoint}}), setup.variables)});
  if (!daemon_->wait_for_out("data "))
    throw std::runtime_error("not mounted: " + daemon_->out() + daemon_->err());
}

Mount::~Mount() {
  if (daemon_->wait(std::chrono::milliseconds(0))) {
    ::umount2(root_.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW);  // what a killed one has left
    return;
  }
  EXPECT_EQ(terminate(), 0) << daemon_->err();
  if (::testing::Test::HasFailure()) std::cerr << "the daemon said:\n" << daemon_->err();
}

void Mount::expect_ended() {
  if (daemon_->wait(kExitLimit)) return;
  ADD_FAILURE() << "the daemon does not end: " << daemon_->err();
  daemon_->send(SIGKILL);
  daemon_->wait();
}

std::filesystem::path Mount::layer(const std::string& path) const {
  return std::filesystem::path("/proc/self/fd/" + std::to_string(below_.get())) / path;
}

nlohmann::json Mount::status() const {
  const Ended ended =
      run({{NEFFS_PROGRAM, "status", root_.string(), "--json"}, scratch_.variables()});
  if (ended.exit_code != 0) throw std::runtime_error("status: " + ended.err);
  return nlohmann::json::parse(ended.out);
}

int Mount::terminate() {
  daemon_->send(SIGTERM);
  expect_ended();
  return daemon_->exit_code();
}

int Mount::unmount() {
  const Ended ended = run({{NEFFS_PROGRAM, "umount", root_.string()}, scratch_.variables()});
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  expect_ended();
  return daemon_->exit_code();
}

void Mount::kill() {
  daemon_->send(SIGKILL);
  expect_ended();
}

void MountTest::SetUp() {
  if (::geteuid() != 0) GTEST_SKIP() << "mounting as root needs root";
  if (::access("/dev/fuse", R_OK | W_OK) != 0) GTEST_SKIP() << "there is no /dev/fuse";
}

void MountTest::TearDown() {
  EXPECT_EQ(scratch_.sanitizer_reports(), "");
  EXPECT_TRUE(eventually([&] { return scratch_.mounts().empty(); }));
  EXPECT_TRUE(eventually([&] { return scratch_.processes().empty(); }));
}

std::unique_ptr<Mount> MountTest::mount_as(const MountSetup& setup) {
  return std::make_unique<Mount>(scratch_, hub_.endpoint(), setup);
}

Variables MountTest::variables(const Variables& more) const {
  return merged(merged(scratch_.variables(), {{"HF_ENDPOINT", hub_.endpoint()}}), more);
}

Ended MountTest::neffs(const std::vector<std::string>& words, const Variables& more) const {
  std::vector<std::string> all{NEFFS_PROGRAM};
  all.insert(all.end(), words.begin(), words.end());
  return run({all, variables(more)});
}

Ended MountTest::command(const std::vector<std::string>& words) const {
  return run({words, variables()});
}

std::unique_ptr<Child> MountTest::start(const std::vector<std::string>& words) const {
  return std::make_unique<Child>(Child::Start{words, variables()});
}

std::unique_ptr<Child> MountTest::start_user(const std::vector<std::string>& words) const {
  std::vector<std::string> all{NEFFS_CACHE_USER};
  all.insert(all.end(), words.begin(), words.end());
  return start(all);
}

std::string MountTest::requests(const Match& match) {
  std::string text;
  for (const LoggedRequest& request : hub_.traffic().log(match))
    text += std::to_string(request.status) + ' ' + request.method + ' ' + request.decoded + ' ' +
            request.range + '\n';
  return text;
}

void MountTest::expect_misses_ask_nobody(const Mount& mounted) {
  int number = 0;
  const auto miss = [&] {
    const auto name = "/MODULE_" + std::to_string(++number) + "+e30acd3a";
    EXPECT_EQ(stat_error(mounted / (sample::kVersion + name)), ENOENT);
  };
  EXPECT_TRUE(eventually([&] {  // until the folders have been listed
    const auto before = hub_.traffic().total();
    miss();
    return hub_.traffic().total() == before;
  }));
  hub_.traffic().reset();
  for (int i = 0; i < 1000; ++i) miss();
  EXPECT_EQ(hub_.traffic().total(), 0U) << requests();
}

}  // namespace neffs::test
