#include "tests/bench/many_sources.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <vector>

#include "tests/bench/measure.h"
#include "tests/bench/mounted.h"
#include "tests/eventually.h"

namespace neffs::test {
namespace {

constexpr int kSources = 8;
constexpr int kModules = 10'000;  // the most that the Hub has in a folder
constexpr std::chrono::seconds kBetweenCommits{1};

std::string module_path(const std::string& version, int number) {
  return fmt::format("{}/MODULE_{}+e30acd3a", version, 1'000'000 + number);
}

std::string make_repos(TestHub& hub, const std::string& version) {
  std::vector<NewFile> files;
  for (int number = 0; number < kModules; ++number)
    files.emplace_back(module_path(version, number) + "/model.done", "");
  std::string sources;
  for (int number = 0; number < kSources; ++number) {
    const auto name = fmt::format("lab/source{}", number);
    hub.create_repo(name).commit(
        number + 1 < kSources ? std::vector<NewFile>{{version + "/README.md", name}} : files);
    sources += (sources.empty() ? "" : ",") + name;
  }
  return sources;
}

// Somebody who commits to the sources in turn, once a second.
class Committer {
 public:
  Committer(TestHub& hub, std::string version)
      : hub_(hub), version_(std::move(version)), thread_([this] { run(); }) {}
  ~Committer() {
    {
      const std::lock_guard lock(mutex_);
      over_ = true;
    }
    over_cv_.notify_all();
    thread_.join();
  }
  Committer(const Committer&) = delete;
  Committer& operator=(const Committer&) = delete;

 private:
  void run() {
    std::unique_lock lock(mutex_);
    for (int number = 0; !over_cv_.wait_for(lock, kBetweenCommits, [this] { return over_; });
         ++number)
      hub_.repo(fmt::format("lab/source{}", number % (kSources - 1)))
          .commit({{module_path(version_, 5'000'000 + number) + "/model.done", ""}});
  }

  TestHub& hub_;
  const std::string version_;
  std::mutex mutex_;
  std::condition_variable over_cv_;
  bool over_ = false;
  std::thread thread_;  // last: it uses all of the above
};

// Names that nobody has looked up before, so that the kernel knows nothing of them.
class Absent {
 public:
  Absent(std::filesystem::path root, std::string version)
      : root_(std::move(root)), version_(std::move(version)) {}
  void look_up(int times) {
    struct stat st {};
    for (int i = 0; i < times; ++i) {
      const auto path = root_ / module_path(version_, 20'000'000 + next_++);
      if (::stat(path.c_str(), &st) == 0) throw std::runtime_error(path.string() + " is there");
    }
  }

 private:
  const std::filesystem::path root_;
  const std::string version_;
  int next_ = 0;
};

void expect_listed(TestHub& hub, Absent& names) {
  const bool is_listed = eventually([&] {
    const auto before = hub.traffic().count(Kind::kTree);
    names.look_up(1);
    return hub.traffic().count(Kind::kTree) == before && hub.traffic().wait_until_idle();
  });
  if (!is_listed) throw std::runtime_error("the folders are never listed");
}

}  // namespace

void print_many_sources(TestHub& hub, const std::filesystem::path& root, const std::string& version,
                        bool quick) {
  const std::string sources = make_repos(hub, version);
  const std::string last = fmt::format("lab/source{}", kSources - 1);
  const Mounted one_mounted(last, root / "one", "push=none,poll=5");
  const Mounted many_mounted(sources, root / "many", "push=none,poll=1");
  Absent one(root / "one", version);
  Absent many(root / "many", version);
  expect_listed(hub, one);
  expect_listed(hub, many);
  const Committer committer(hub, version);
  const int times = quick ? 2'000 : 10'000;
  const auto before = hub.traffic().total();
  const auto begun = std::chrono::steady_clock::now();
  const Pair pair = measure(
      quick ? 5 : 21, [&] { one.look_up(times); }, [&] { many.look_up(times); });
  const double took =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  fmt::print(
      "\nmany sources\n\n| against one source whose head stays | ratio | to reach "
      "|\n|---|---|---|\n");
  fmt::print(
      "| look-up of an absent module, {} sources, {} modules in a folder, a commit a second | "
      "{:.2f} | 0.9 |\n",
      kSources, kModules, pair.ratio());
  fmt::print("| the same, a second | {:.0f} | |\n| requests a second, both mounts | {:.1f} | |\n",
             times / pair.mount_s, static_cast<double>(hub.traffic().total() - before) / took);
  std::fflush(stdout);
}

}  // namespace neffs::test
