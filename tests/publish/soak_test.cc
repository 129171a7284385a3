// A day in the life, in short: others commit, change and remove modules, this host compiles, readers read,
// the Hub fails in every way, and daemons are killed, all at once. What may be relied on is asserted all
// the time, and in the end everything is where it belongs.
//   NEFFS_SOAK_SECONDS=86400  how long (20 if unset); NEFFS_SOAK_SEED  repeats the choices of a run
#include <fmt/format.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <cstdlib>
#include <future>
#include <iostream>
#include <map>
#include <mutex>
#include <random>
#include <shared_mutex>
#include <string>
#include <system_error>
#include <vector>

#include "tests/publish/publishing.h"

namespace neffs::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr unsigned kTheirs = 12;   // modules that others change
constexpr unsigned kHidden = 900;  // numbers of modules that nobody may see
constexpr unsigned kOurs = 500;    // numbers of those that are compiled here
constexpr unsigned kVersions =
    10'000;  // the next version of a module has the files of this number more
constexpr int kMostTries = 30;
constexpr std::chrono::seconds kMixedNoLonger{4};
constexpr std::chrono::seconds kNoLonger{
    12};  // any one thing that somebody does, however bad the Hub is

std::uint64_t number_in(const char* variable, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::stoull(text);
}

MadeModule version_of(unsigned number, unsigned version) {
  MadeModule module = made_module(number);
  module.files = made_module(number + version * kVersions).files;
  return module;
}

// A mount that is killed and made again while others use it.
class Host {
 public:
  using Make = std::function<std::unique_ptr<Mount>()>;
  explicit Host(Make make) : make_(std::move(make)), mounted_(make_()), root_(mounted_->root()) {}

  const std::filesystem::path& root() const { return root_; }
  // Of the life that it is in; another one while and after it is killed.
  unsigned life() const { return life_; }
  Mount& mounted() { return *mounted_; }
  void kill_and_mount() {
    ++life_;
    mounted_->kill();
    mounted_.reset();
    // A Hub that refuses for good ends a mount at once.
    for (int tries = 0; !mounted_ && tries < kMostTries; ++tries) try {
        mounted_ = make_();
      } catch (const std::runtime_error& error) {
        std::cout << error.what();
      }
    if (!mounted_) throw std::runtime_error("it cannot be mounted again");
    ++life_;
  }

 private:
  const Make make_;
  std::unique_ptr<Mount> mounted_;
  const std::filesystem::path root_;
  std::atomic<unsigned> life_{0};
};

class SoakTest : public PublishTest {
 protected:
  SoakTest() {
    hub_.advance_clock(std::chrono::hours(-2));
    constexpr std::int64_t kNoLimit = 1'000'000'000;
    hub_.set_rate_policy(
        {.with_token = {kNoLimit, kNoLimit, kNoLimit}, .commits_per_hour = kNoLimit});
    std::cout << "NEFFS_SOAK_SEED=" << seed_ << std::endl;
    hide_some();
    for (unsigned number = 0; number < kTheirs; ++number) change_one_of_theirs(number);
  }

  // --- what goes on -------------------------------------------------------------------------------

  void others_commit() {
    std::mt19937_64 random(seed_ + 1);
    while (goes_on(milliseconds(150))) {
      const auto number = static_cast<unsigned>(random() % kTheirs);
      if (random() % 5 == 0)
        remove_one_of_theirs(number);
      else
        change_one_of_theirs(number);
    }
  }

  void we_compile() {
    while (goes_on(milliseconds(300))) {
      const unsigned life = writer_->life();
      const MadeModule module = made_module(kOurs + compiled_);
      try {
        std::filesystem::remove(writer_->root() / module.path / "model.hlo_module.pb.lock");
        compile_into(writer_->root(), module);
        // While nothing is mounted there it is the layer that is written to, and the module is held.
        if (life % 2 == 0 && writer_->life() == life) ++compiled_;
      } catch (const std::system_error& error) {
        EXPECT_TRUE(life % 2 == 1 || writer_->life() != life)
            << "a compile failed: " << error.what();
      }
    }
  }

  void somebody_reads(std::uint64_t who) {
    std::mt19937_64 random(seed_ + 10 + who);
    // When each was last of one commit, or had changed since the look before.
    struct Seen {
      unsigned versions = 0;
      steady_clock::time_point at{};
    };
    std::map<std::pair<const Host*, unsigned>, Seen> of_one_commit;
    while (goes_on(milliseconds(1))) {
      Host& host = random() % 2 == 0 ? *reader_ : *writer_;
      const auto number = static_cast<unsigned>(random() % kTheirs);
      const auto begun = steady_clock::now();
      // Files that are opened one after the other see the head move between them, for a moment.
      auto& last = of_one_commit[{&host, number}];
      const bool is_mixed_now = is_mixed(host, number);
      const unsigned versions = versions_of(number);
      if (!is_mixed_now || versions != last.versions) last = {versions, begun};
      EXPECT_LT(begun - last.at, kMixedNoLonger)
          << "module " << number << " is never of one commit";
      expect_hidden(host);
      expect_local_works(host, who);
      EXPECT_LT(steady_clock::now() - begun, kNoLonger);
      ++passes_;
    }
  }

  void the_hub_fails() {
    const std::vector<Fault> faults = {
        Fault::answer(503),   Fault::answer(429, "", {{"Retry-After", "1"}}),
        Fault::html(502),     Fault::html(200),
        Fault::answer(401),   Fault::answer(403),
        Fault::answer(404),   Fault::hang_up(),
        Fault::truncate(700), Fault::corrupt(300),
        Fault::resize(-1),    Fault::ignore_range(),
        Fault::invalid_json()};
    const std::vector<Kind> kinds = {Kind::kResolveHead, Kind::kCompare, Kind::kTree,
                                     Kind::kResolveGet,  Kind::kCdnGet,  Kind::kCommit,
                                     Kind::kPreupload,   Kind::kLfsPut};
    std::mt19937_64 random(seed_ + 2);
    while (goes_on(milliseconds(400))) {
      if (random() % 8 == 0) {
        hub_.stop();
        goes_on(milliseconds(300));
        start_hub_again();
        continue;
      }
      hub_.faults().add({.kind = kinds[random() % kinds.size()]}, faults[random() % faults.size()],
                        1 + random() % 3);
      if (random() % 3 == 0) hub_.faults().clear();
    }
    hub_.faults().clear();
  }

  void daemons_are_killed() {
    std::mt19937_64 random(seed_ + 3);
    while (goes_on(milliseconds(2500))) {
      (random() % 2 == 0 ? reader_ : writer_)->kill_and_mount();
      ++kills_;
    }
  }

  // --- the parts ----------------------------------------------------------------------------------

  // False when it is over; rests for that time at most.
  bool goes_on(milliseconds rest) {
    std::unique_lock lock(over_mutex_);
    return !over_cv_.wait_for(lock, rest, [this] { return over_; });
  }

  void hide_some() {
    const auto failed = made_module(kHidden);
    const auto half = made_module(kHidden + 1);
    repo_.commit({{failed.path + "/model.log", "failed"},
                  {failed.path + "/compile_flags.json", "[]"},
                  {half.path + "/model.hlo_module.pb", "hlo"},
                  {half.path + "/model.hlo_module.pb.lock", ""}});
  }

  void change_one_of_theirs(unsigned number) {
    const std::lock_guard lock(theirs_mutex_);
    auto& [versions, is_there] = theirs_[number];
    const MadeModule module = version_of(number, versions);
    repo_.commit(files_to_commit(module));
    ++versions;
    is_there = true;
  }
  void remove_one_of_theirs(unsigned number) {
    const std::lock_guard lock(theirs_mutex_);
    auto& is_there = theirs_[number].is_there;
    if (is_there) repo_.commit({}, {made_module(number).path + "/"});
    is_there = false;
  }

  unsigned versions_of(unsigned number) {
    const std::lock_guard lock(theirs_mutex_);
    return theirs_[number].versions;
  }
  // Which version these bytes are of; nothing else is ever to be seen.
  std::optional<unsigned> version_with(unsigned number, const std::string& name,
                                       const std::string& bytes) {
    for (unsigned version = versions_of(number) + 1; version-- > 0;)  // one may be on its way
      if (version_of(number, version).files.at(name) == bytes) return version;
    return std::nullopt;
  }

  // Promises 1 and 2: whole and known bytes, and where the mark is, all files, of one commit.
  bool is_mixed(Host& host, unsigned number) {
    const unsigned life = host.life();
    const MadeModule module = made_module(number);
    if (stat_error(host.root() / module.path / "model.done") != 0) return false;
    std::optional<unsigned> first;
    for (const char* name : {"compile_flags.json", "model.neff", "model.hlo_module.pb"}) {
      const Bytes read = read_file(host.root() / module.path / name);
      if (read.error != 0) {
        const bool may_be = read.error == EIO || read.error == EACCES || read.error == ENOENT ||
                            read.error == ESTALE || host.life() != life || life % 2 == 1;
        EXPECT_TRUE(may_be) << "errno " << read.error;
        return false;  // the Hub failed, or it was removed
      }
      const auto version = version_with(number, name, read.text);
      EXPECT_TRUE(version) << module.path << '/' << name << " has bytes that nobody committed";
      if (first && version && *first != *version) return true;
      if (!first) first = version;
    }
    return false;
  }

  // Promise 3.
  static void expect_hidden(const Host& host) {
    for (const unsigned number : {kHidden, kHidden + 1}) {
      const int error = stat_error(host.root() / made_module(number).path);
      EXPECT_NE(error, 0) << "a failed or unfinished module is seen";
    }
  }

  // Promise 9: the plain directory goes on.
  static void expect_local_works(const Host& host, std::uint64_t who) {
    const unsigned life = host.life();
    const auto path = host.root() / fmt::format("local{}", who);
    Bytes read;
    try {
      write_file(path, "local");
      read = read_file(path);
      std::filesystem::remove(path);
    } catch (const std::system_error& error) {
      read.error = error.code().value();
    }
    const bool is_well = read == Bytes{0, "local"};
    EXPECT_TRUE(is_well || life % 2 == 1 || host.life() != life) << "errno " << read.error;
  }

  void end() {
    {
      const std::lock_guard lock(over_mutex_);
      over_ = true;
    }
    over_cv_.notify_all();
  }

  static bool is_so(const Host& host, const MadeModule& module,
                    const std::map<std::string, std::string>& wanted) try {
    if (wanted.empty()) return stat_error(host.root() / module.path) == ENOENT;
    return files_in(host.root(), module) == wanted;
  } catch (const std::filesystem::filesystem_error&) {  // it was removed in the middle of it
    return false;
  }
  void expect_all_is_where_it_belongs();

  struct Theirs {
    unsigned versions = 0;
    bool is_there = false;
  };

  const std::uint64_t seed_ = number_in("NEFFS_SOAK_SEED", std::random_device()());
  std::mutex theirs_mutex_;
  std::map<unsigned, Theirs> theirs_;
  std::atomic<unsigned> compiled_{0};
  std::atomic<std::uint64_t> passes_{0};
  std::atomic<unsigned> kills_{0};
  std::unique_ptr<Host> writer_;
  std::unique_ptr<Host> reader_;
  std::mutex over_mutex_;
  std::condition_variable over_cv_;
  bool over_ = false;
};

void SoakTest::expect_all_is_where_it_belongs() {
  Ended flushed;
  EXPECT_TRUE(eventually(
      [&] {
        flushed = flush(writer_->mounted());
        return flushed.exit_code == 0;
      },
      std::chrono::seconds(60)))
      << flushed.err;
  const auto past = history();
  for (unsigned number = 0; number < compiled_; ++number)
    past.expect_once(made_module(kOurs + number));
  // Promise 4.
  for (const auto& path : past.touched()) {
    EXPECT_EQ(path.find("local"), std::string::npos) << path << " was published";
    const bool is_others = path.starts_with(made_module(kHidden).path) ||
                           path.starts_with(made_module(kHidden + 1).path);
    const bool is_never = path.ends_with(".lock") || path.ends_with("/model.log");
    EXPECT_TRUE(is_others || !is_never) << path << " was published";
  }
  for (Host* host : {writer_.get(), reader_.get()}) {
    for (const auto& [number, theirs] : theirs_) {
      const MadeModule newest = version_of(number, theirs.versions - 1);
      const auto wanted = theirs.is_there ? newest.files : decltype(newest.files)();
      EXPECT_TRUE(
          eventually([&] { return is_so(*host, newest, wanted); }, std::chrono::seconds(45)))
          << newest.path << " on " << host->root() << " should " << (theirs.is_there ? "" : "not ")
          << "be there, of version " << theirs.versions - 1 << "; a file has errno "
          << read_file(host->root() / newest.path / "model.neff").error << ' '
          << host->mounted().status().at("sources").dump();
    }
    expect_hidden(*host);
  }
  std::cout << fmt::format("{} passes of readers, {} modules compiled, {} commits, {} kills\n",
                           passes_.load(), compiled_.load(), past.commits(), kills_.load());
}

TEST_F(SoakTest, WhatMayBeReliedOnHoldsAllTheTime) {
  const auto reading = [this] {
    auto setup = writing_setup(
        {"push=none", "poll=0.2", "miss_check=0.2", "hub_timeout=0.5", "fetch_timeout=2"}, kReader);
    setup.directory = "reader";
    return mount_as(setup);
  };
  writer_ = std::make_unique<Host>([this] {
    return mount_writing({"poll=0.2", "miss_check=0.2", "hub_timeout=0.5", "fetch_timeout=2"});
  });
  reader_ = std::make_unique<Host>(reading);
  std::vector<std::future<void>> all;
  all.push_back(in_background([this] { others_commit(); }));
  all.push_back(in_background([this] { we_compile(); }));
  for (std::uint64_t who = 0; who < 3; ++who)
    all.push_back(in_background([this, who] { somebody_reads(who); }));
  all.push_back(in_background([this] { the_hub_fails(); }));
  auto killing = in_background([this] { daemons_are_killed(); });
  const std::chrono::seconds how_long(number_in("NEFFS_SOAK_SECONDS", 20));
  eventually([] { return HasFailure(); }, how_long);
  end();
  killing.get();
  for (auto& one : all) one.get();
  writer_->kill_and_mount();  // one that may publish, whatever the Hub said to the last one
  if (!HasFailure()) expect_all_is_where_it_belongs();
  writer_.reset();
  reader_.reset();
}

}  // namespace
}  // namespace neffs::test
