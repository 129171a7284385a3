// What the housekeeper offers to be published, of modules and registries in a real directory.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <set>

#include "fs/housekeeper.h"
#include "index/database.h"
#include "tests/unit/fs/made_up_proc.h"

namespace neffs::test {
namespace {

namespace stdfs = std::filesystem;
using fs::KeepOptions;
using fs::LocalModule;
using fs::PublishState;
using index::SeenFile;
using std::chrono::milliseconds;
using Paths = std::vector<std::string>;

// Takes what is offered, and remembers it.
class FakeSink : public fs::UploadSink {
 public:
  bool settled(const std::string& path, std::vector<SeenFile> files) override {
    const std::lock_guard lock(mutex_);
    if (refuses_ > 0 && refuses_-- > 0) return false;
    offers_[path].push_back(std::move(files));
    return true;
  }
  void gone(const std::string& path) override {
    const std::lock_guard lock(mutex_);
    gone_.insert(path);
  }
  bool is_written(const std::string& path) override {
    const std::lock_guard lock(mutex_);
    asked_.insert(path);
    return written_.contains(path);
  }

  std::vector<std::vector<SeenFile>> offers(const std::string& path) const {
    const std::lock_guard lock(mutex_);
    const auto found = offers_.find(path);
    return found == offers_.end() ? std::vector<std::vector<SeenFile>>() : found->second;
  }
  Paths offered() const {
    const std::lock_guard lock(mutex_);
    Paths paths;
    for (const auto& [path, offers] : offers_) paths.push_back(path);
    return paths;
  }
  bool is_gone(const std::string& path) const {
    const std::lock_guard lock(mutex_);
    return gone_.contains(path);
  }
  bool was_asked(const std::string& path) const {
    const std::lock_guard lock(mutex_);
    return asked_.contains(path);
  }
  void set_written(const std::string& path, bool is_written) {
    const std::lock_guard lock(mutex_);
    is_written ? void(written_.insert(path)) : void(written_.erase(path));
  }
  void refuse(int times) {
    const std::lock_guard lock(mutex_);
    refuses_ = times;
  }
  void forget() {
    const std::lock_guard lock(mutex_);
    offers_.clear();
    gone_.clear();
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::vector<std::vector<SeenFile>>> offers_;
  std::set<std::string> gone_;
  std::set<std::string> asked_;
  std::set<std::string> written_;
  int refuses_ = 0;
};

const std::string kOldModule = kOldVersion + "/MODULE_1+abcdef01";
const std::string kRegistry = kVersion + "/0_REGISTRY/0.4.5";
const std::string kRegistered = kRegistry + "/0a1b/x.json";
const std::string kAlias = kRegistry + "/llama/org/model/x.json";
const std::string kMountpoint = "/mnt/cache";

class PublishingTest : public ::testing::Test {
 protected:
  void start(KeepOptions options = {}) {
    options.publishes = true;
    options.settle = milliseconds(5);
    options.mountpoint = kMountpoint;
    start_as(options);
  }
  void start_as(const KeepOptions& options) {
    keeper_ = std::make_unique<fs::Housekeeper>(
        layer_, *index_, fs::ProcessTable(proc_.path()), options,
        [](const std::string& /*path*/, fs::LayerId /*id*/) { return false; });
    keeper_->publish_to(sink_);
    keeper_->start();
  }
  void leave(const std::string& path, const std::string& text = "x") const {
    stdfs::create_directories((directory_ / path).parent_path());
    write_file(directory_ / path, text);
  }
  void tell(const std::string& path) const {
    if (keeper_) keeper_->changed(path);
  }
  // As through the mount.
  void write(const std::string& path, const std::string& text = "x") {
    index_->mark_ours(path);
    leave(path, text);
    tell(path);
  }
  void remove(const std::string& path) {
    stdfs::remove(directory_ / path);
    index_->forget_file(path);
    tell(path);
  }
  void link(const std::string& path, const std::string& target) const {
    stdfs::create_directories((directory_ / path).parent_path());
    stdfs::create_symlink(target, directory_ / path);
    tell(path);
  }
  void rename(const std::string& from, const std::string& to) {
    index_->foretell_move(from, to);
    stdfs::rename(directory_ / from, directory_ / to);
    index_->finish_move(from, to);
    keeper_->moved(from, to);
  }
  void compile(const std::string& module) {
    for (const auto& [path, bytes] : module_files(module)) write(path, bytes);
  }
  void leave_module(const std::string& module) const {
    for (const auto& [path, bytes] : module_files(module)) leave(path, bytes);
  }
  void make_copy(const std::string& path) {
    const auto st = layer_.stat(path);
    index_->forget_file(path);
    index::LayerFile copy;
    copy.path = path;
    index_->intend_copy(copy);
    index_->place_copy(path, static_cast<std::uint64_t>(st->st_size), fs::mtime_ns(*st));
  }
  bool is_offered(const std::string& path) {
    return eventually([&] { return !sink_.offers(path).empty(); });
  }
  bool is_gone(const std::string& path) {
    return eventually([&] { return sink_.is_gone(path); });
  }
  std::string why(const std::string& path) const {
    for (const auto& one : keeper_->waiting())
      if (one.path == path) return (one.is_failed ? "failed: " : "") + one.why;
    return "";
  }
  bool waits_because(const std::string& path, const std::string& reason) const {
    return eventually([&] { return why(path) == reason; });
  }
  std::vector<SeenFile> seen(Paths paths) const {
    std::sort(paths.begin(), paths.end());
    std::vector<SeenFile> files;
    for (const auto& path : paths) files.push_back({path, fs::snapshot_of(*layer_.stat(path))});
    return files;
  }
  static Paths paths_of(const std::string& module) {
    Paths paths;
    for (const auto& [path, bytes] : module_files(module)) paths.push_back(path);
    return paths;
  }

  MadeUpProc proc_;
  TempDirectory directory_;
  std::unique_ptr<index::Index> index_ = open_index(directory_.path());
  const fs::Layer layer_{directory_.open()};
  FakeSink sink_;
  std::unique_ptr<fs::Housekeeper> keeper_;  // last: its thread uses the others
};

// --- modules ---------------------------------------------------------------------------------------

TEST_F(PublishingTest, AModuleIsOfferedWithItsPublishedFiles) {
  start();
  write(kModuleA + "/model.log", "of the first try");
  write(kModuleA + "/.hidden");
  write(kModuleA + "/tmp1/x");
  write(kModuleA + "/sub/more");
  compile(kModuleA);
  ASSERT_TRUE(is_offered(kModuleA));
  auto paths = paths_of(kModuleA);
  paths.push_back(kModuleA + "/sub/more");
  EXPECT_TRUE(eventually([&] { return sink_.offers(kModuleA).back() == seen(paths); }));
  EXPECT_TRUE(eventually([&] { return keeper_->waiting().empty(); }));
}

TEST_F(PublishingTest, AfterAStartEverythingOfOursIsOfferedOnce) {
  compile(kModuleA);
  write(kTraced + "/config.json", "{}");
  leave_module(kModuleB);
  const auto copied = kVersion + "/MODULE_3+abcdef01";
  const auto mixed = kVersion + "/MODULE_4+abcdef01";
  const auto aside = kVersion + "/MODULE_5+abcdef01.bad";
  const auto unfinished = kVersion + "/MODULE_6+abcdef01";
  compile(copied);
  for (const auto& path : paths_of(copied)) make_copy(path);
  compile(mixed);
  leave(mixed + "/wrapped_neff.hlo");
  compile(aside);
  write(unfinished + "/model.neff");
  write(kOldModule + "/model.neff", std::string(2000, '\0'));
  start();
  ASSERT_TRUE(is_offered(kModuleA));
  for (const auto& path : {kModuleB, kTraced, copied, mixed, aside, unfinished, kOldModule})
    EXPECT_TRUE(is_gone(path)) << path;
  EXPECT_EQ(sink_.offered(), Paths{kModuleA});
  EXPECT_EQ(sink_.offers(kModuleA).size(), 1U);
  EXPECT_FALSE(sink_.is_gone(kModuleA));
  EXPECT_TRUE(keeper_->waiting().empty());
}

// Whatever was written before the machine was started last.
class AfterAPowerCut : public PublishingTest {
 protected:
  static constexpr std::int64_t kFuture = 4'102'444'800;  // everything is older than this start
  void start_machine() {
    keeper_.reset();
    sink_.forget();
    proc_.set_booted(kFuture);
    start();
  }
  // As cp -a does: the mark gets its name before the bytes of the others are there.
  void copy_mark_first(const std::string& module) {
    const auto mark = module + "/model.done";
    write(mark, "");
    for (const auto& [path, bytes] : module_files(module))
      if (path != mark) write(path, bytes);
    write_later_than(changed_at(mark), module + "/model.neff");
  }
  std::int64_t changed_at(const std::string& path) const {
    return fs::snapshot_of(*layer_.stat(path)).ctime_ns;
  }
  // A file's times are those of the kernel's last tick.
  void write_later_than(std::int64_t time_ns, const std::string& path) const {
    ASSERT_TRUE(eventually([&] {
      write_file(directory_ / path, std::string(2000, '\0'));
      return changed_at(path) > time_ns;
    }));
  }
  bool is_held(const std::string& module) {
    return eventually([&] { return keeper_->is_counted(); }) &&
           keeper_->look(module)->whose == fs::Whose::kHeld;
  }
};

TEST_F(AfterAPowerCut, AMarkTellsThatTheOthersAreOnTheDisk) {
  compile(kModuleA);
  stdfs::remove(directory_ / kModuleA / "model.done");
  write(kModuleA + "/model.done", "");
  start_machine();
  EXPECT_TRUE(is_offered(kModuleA));
}

TEST_F(AfterAPowerCut, WhatMayHaveLostItsBytesIsHeld) {
  copy_mark_first(kModuleA);
  write(kTraced + "/config.json", "{}");
  write(kTraced + "/model.neuron", "x");
  start_machine();
  EXPECT_TRUE(is_held(kModuleA));
  EXPECT_TRUE(is_held(kTraced));
  EXPECT_EQ(keeper_->held().size(), 2U);
  EXPECT_TRUE(sink_.offered().empty());
  keeper_->adopt_held();
  EXPECT_TRUE(is_offered(kModuleA)) << "on somebody's word";
}

TEST_F(AfterAPowerCut, WhatWasQueuedAsItIsWasSyncedBefore) {
  copy_mark_first(kModuleA);
  const index::UploadTarget target{"http://hub", "team/cache", "main"};
  index_->queue_upload(kModuleA, target, seen(paths_of(kModuleA)), 1);
  start_machine();
  EXPECT_TRUE(is_offered(kModuleA));
  write_later_than(changed_at(kModuleA + "/model.neff"), kModuleA + "/model.neff");
  start_machine();
  EXPECT_TRUE(is_held(kModuleA)) << "it is another file now";
}

TEST_F(AfterAPowerCut, WhatIsWrittenSinceIsNotInDoubt) {
  proc_.set_booted(1);
  copy_mark_first(kModuleA);
  start();
  EXPECT_TRUE(is_offered(kModuleA));
}

TEST_F(PublishingTest, AFileThatComesLateIsOfferedWithTheModule) {
  compile(kModuleA);
  start();
  ASSERT_TRUE(is_offered(kModuleA));
  for (const auto& path : paths_of(kModuleA)) make_copy(path);  // pushed
  write(kModuleA + "/late.hlo");
  EXPECT_TRUE(eventually([&] { return sink_.offers(kModuleA).size() == 2; }));
  auto paths = paths_of(kModuleA);
  paths.push_back(kModuleA + "/late.hlo");
  EXPECT_EQ(sink_.offers(kModuleA).back(), seen(paths));
}

TEST_F(PublishingTest, WhatWasTouchedIsOfferedAgain) {
  compile(kModuleA);
  start();
  ASSERT_TRUE(is_offered(kModuleA));
  tell(kModuleA + "/model.neff");
  EXPECT_TRUE(eventually([&] { return sink_.offers(kModuleA).size() == 2; }));
}

TEST_F(PublishingTest, ALockedModuleWaits) {
  const auto lock = kModuleA + "/model.hlo_module.pb.lock";
  leave(lock, "");
  compile(kModuleA);
  start();
  ASSERT_TRUE(waits_because(kModuleA, "locked"));
  EXPECT_EQ(keeper_->waiting().at(0).files, module_files(kModuleA).size());
  compile(kModuleB);
  ASSERT_TRUE(is_offered(kModuleB));
  EXPECT_EQ(sink_.offered(), Paths{kModuleB});
  remove(lock);
  EXPECT_TRUE(is_offered(kModuleA));
}

TEST_F(PublishingTest, AnOpenFileWaits) {
  const auto neff = kModuleA + "/model.neff";
  sink_.set_written(neff, true);
  compile(kModuleA);
  start();
  ASSERT_TRUE(waits_because(kModuleA, "open for writing"));
  EXPECT_TRUE(sink_.offered().empty());
  sink_.set_written(neff, false);
  EXPECT_TRUE(is_offered(kModuleA)) << "whether or not anything is told";
}

TEST_F(PublishingTest, WhatCannotBeTakenIsOfferedAgain) {
  sink_.refuse(1);
  compile(kModuleA);
  start();
  ASSERT_TRUE(waits_because(kModuleA, "it cannot be queued now"));
  EXPECT_TRUE(is_offered(kModuleA));
  EXPECT_TRUE(eventually([&] { return keeper_->waiting().empty(); }));
}

TEST_F(PublishingTest, WhatIsNoMoreIsGone) {
  compile(kModuleA);
  compile(kModuleB);
  const auto copied = kVersion + "/MODULE_3+abcdef01";
  const auto deleted = kVersion + "/MODULE_4+abcdef01";
  compile(copied);
  compile(deleted);
  start();
  for (const auto& module : {kModuleA, kModuleB, copied, deleted}) ASSERT_TRUE(is_offered(module));
  rename(kModuleA, kModuleA + ".bad");
  EXPECT_TRUE(is_gone(kModuleA));
  EXPECT_TRUE(is_gone(kModuleA + ".bad"));
  remove(kModuleB + "/model.done");
  EXPECT_TRUE(is_gone(kModuleB));
  for (const auto& path : paths_of(copied)) make_copy(path);
  tell(copied);
  EXPECT_TRUE(is_gone(copied));
  for (const auto& path : paths_of(deleted)) remove(path);
  EXPECT_TRUE(is_gone(deleted));
  rename(kModuleA + ".bad", kModuleA);
  EXPECT_TRUE(eventually([&] { return sink_.offers(kModuleA).size() == 2; }));
}

TEST_F(PublishingTest, ASymlinkMakesItFail) {
  compile(kModuleA);
  start();
  ASSERT_TRUE(is_offered(kModuleA));
  link(kModuleA + "/more", "/etc/passwd");
  EXPECT_TRUE(waits_because(kModuleA, "failed: holds a symlink: more"));
  EXPECT_TRUE(is_gone(kModuleA));
  remove(kModuleA + "/more");
  EXPECT_TRUE(eventually([&] { return sink_.offers(kModuleA).size() == 2; }));
  EXPECT_EQ(why(kModuleA), "");
}

TEST_F(PublishingTest, ATracedModuleIsQuietForAMinute) {
  start();
  write(kTraced + "/config.json", "{}");
  write(kTraced + "/model.neuron", "x");
  compile(kModuleA);
  ASSERT_TRUE(is_offered(kModuleA));
  EXPECT_TRUE(eventually([&] { return why(kTraced).starts_with("written to "); }));
  EXPECT_EQ(sink_.offered(), Paths{kModuleA});
}

TEST_F(PublishingTest, NothingIsOfferedUnlessTold) {
  compile(kModuleA);
  write(kRegistered, "{}");
  start_as({.settle = milliseconds(1)});
  ASSERT_TRUE(eventually([&] { return keeper_->is_counted(); }));
  EXPECT_TRUE(keeper_->adopt_held().empty());
  EXPECT_TRUE(keeper_->waiting().empty());
  EXPECT_TRUE(sink_.offered().empty());
  EXPECT_FALSE(sink_.is_gone(kModuleA));
  EXPECT_EQ(keeper_->look(kModuleA)->publishing.state, PublishState::kNever);
}

TEST_F(PublishingTest, AnIndexThatCannotBeReadDelaysOnly) {
  index::Database database(directory_ / "index.sqlite", index::Database::Access::kWrite);
  start();
  ASSERT_TRUE(eventually([&] { return keeper_->is_counted(); }));
  compile(kModuleA);
  ASSERT_TRUE(is_offered(kModuleA));
  database.run_script("ALTER TABLE layer_files RENAME TO lost");
  tell(kModuleA);
  // The thread does one of these a turn: in between it has looked at the module, in vain.
  keeper_->adopt_held();
  keeper_->adopt_held();
  database.run_script("ALTER TABLE lost RENAME TO layer_files");
  EXPECT_TRUE(eventually([&] { return sink_.offers(kModuleA).size() == 2; }));
}

// --- adopting --------------------------------------------------------------------------------------

TEST_F(PublishingTest, AdoptedWhenMounting) {
  leave_module(kModuleA);
  leave(kOldModule + "/model.neff", std::string(2000, '\0'));
  leave(kRegistered, "{}");
  link(kAlias, kMountpoint + "/" + kRegistered);
  start({.adopts = true});
  for (const auto& path : {kModuleA, kRegistered, kAlias}) EXPECT_TRUE(is_offered(path)) << path;
  EXPECT_TRUE(eventually([&] { return keeper_->unmarked().size() == 1; }));
  EXPECT_EQ(keeper_->unmarked().at(0).path, kOldModule);
  EXPECT_TRUE(keeper_->held().empty());
  EXPECT_TRUE(sink_.offers(kOldModule).empty());
}

TEST_F(PublishingTest, AdoptedOnPurpose) {
  leave_module(kModuleA);
  leave_module(kModuleB + ".bad");
  leave(kOldModule + "/model.neff", std::string(2000, '\0'));
  write(kOldVersion + "/MODULE_2+abcdef01/model.neff", std::string(2000, '\0'));
  leave(kRegistered, "{}");
  start();
  ASSERT_TRUE(eventually([&] { return keeper_->is_counted(); }));
  EXPECT_EQ(keeper_->held().size(), 3U) << "files of registries are no modules";
  EXPECT_EQ(keeper_->unmarked().size(), 1U);
  EXPECT_TRUE(sink_.offered().empty());
  const Paths adopted = {kOldModule, kOldVersion + "/MODULE_2+abcdef01", kRegistered, kModuleA};
  EXPECT_EQ(keeper_->adopt_held(), adopted);
  for (const auto& path : adopted) EXPECT_TRUE(is_offered(path)) << path;
  EXPECT_TRUE(eventually([&] { return keeper_->unmarked().empty(); }));
  EXPECT_EQ(keeper_->held().size(), 1U);
}

TEST_F(PublishingTest, WhatWasAdoptedOnceStaysSo) {
  write(kOldModule + "/model.neff", std::string(2000, '\0'));
  index_->queue_upload(kOldModule, {"http://hub.test", "team/cache", "main"},
                       seen({kOldModule + "/model.neff"}), 1);
  start();
  EXPECT_TRUE(is_offered(kOldModule));
  EXPECT_FALSE(sink_.is_gone(kOldModule));
}

// --- registries ------------------------------------------------------------------------------------

TEST_F(PublishingTest, FilesOfARegistryAreOfferedOneByOne) {
  start();
  write(kRegistered, "{}");
  write(kRegistry + "/0a1b/.y.json", "{}");
  write(kRegistry + "/0a1b/y.txt", "{}");
  write(kRegistry + "/0a1b/half.json", "{");
  leave(kRegistry + "/0a1b/held.json", "{}");
  tell(kRegistry + "/0a1b/held.json");
  link(kAlias, kMountpoint + "/" + kRegistered);
  link(kRegistry + "/llama/out.json", "/etc/passwd");
  link(kRegistry + "/llama/held.json", "../0a1b/held.json");
  for (const auto& path : {kRegistered, kAlias}) ASSERT_TRUE(is_offered(path)) << path;
  for (const auto* name :
       {"/0a1b/half.json", "/0a1b/held.json", "/llama/out.json", "/llama/held.json"})
    EXPECT_TRUE(is_gone(kRegistry + name)) << name;
  EXPECT_EQ(sink_.offered(), (Paths{kRegistered, kAlias}));
  EXPECT_EQ(sink_.offers(kRegistered).back(), seen({kRegistered}));
  const auto alias = sink_.offers(kAlias).back();
  ASSERT_EQ(alias.size(), 1U);
  EXPECT_EQ(alias[0].path, kAlias);
  EXPECT_EQ(alias[0].snapshot, seen({kRegistered})[0].snapshot);
  EXPECT_FALSE(sink_.was_asked(kAlias)) << "its bytes are the other file's";
}

TEST_F(PublishingTest, AFileOfARegistryIsGone) {
  write(kRegistered, "{}");
  write(kRegistry + "/0a1b/y.json", "{}");
  link(kAlias, kMountpoint + "/" + kRegistered);
  start();
  for (const auto& path : {kRegistered, kAlias, kRegistry + "/0a1b/y.json"})
    ASSERT_TRUE(is_offered(path)) << path;
  sink_.forget();
  remove(kRegistry + "/0a1b/y.json");
  EXPECT_TRUE(is_gone(kRegistry + "/0a1b/y.json"));
  rename(kRegistry + "/0a1b", kRegistry + "/0c1d");
  EXPECT_TRUE(is_gone(kRegistered));
  EXPECT_TRUE(is_offered(kRegistry + "/0c1d/x.json"));
  tell(kAlias);
  EXPECT_TRUE(is_gone(kAlias)) << "it leads nowhere any more";
}

TEST_F(PublishingTest, AnAliasOfACopyIsOursOnlyByItsOwnRecord) {
  write(kRegistered, "{}");
  make_copy(kRegistered);
  link(kAlias, "../../../0a1b/x.json");
  start();
  EXPECT_TRUE(is_gone(kAlias));
  EXPECT_TRUE(sink_.offered().empty());
  index_->mark_ours(kAlias);
  tell(kAlias);
  EXPECT_TRUE(is_offered(kAlias));
  index_->forget_file(kAlias);
  sink_.forget();
  tell(kAlias);
  EXPECT_TRUE(is_gone(kAlias));
}

TEST_F(PublishingTest, AWholeCompilerFolderMayMove) {
  compile(kModuleA);
  write(kRegistered, "{}");
  start();
  for (const auto& path : {kModuleA, kRegistered}) ASSERT_TRUE(is_offered(path)) << path;
  const std::string other = "neuronxcc-9.9+ffffffff";
  rename(kVersion, other);
  for (const auto& path : {kModuleA, kRegistered}) {
    EXPECT_TRUE(is_gone(path)) << path;
    EXPECT_TRUE(is_offered(other + path.substr(kVersion.size()))) << path;
  }
}

TEST_F(PublishingTest, FindsTheBytesOfAnAlias) {
  write(kRegistered, "{}");
  link(kAlias, kMountpoint + "/" + kRegistered);
  link(kRegistry + "/again.json", "llama/org/model/x.json");
  EXPECT_EQ(fs::find_bytes(layer_, kRegistered, kMountpoint), kRegistered);
  EXPECT_EQ(fs::find_bytes(layer_, kAlias, kMountpoint), kRegistered);
  EXPECT_EQ(fs::find_bytes(layer_, kAlias, "/elsewhere"), std::nullopt);
  EXPECT_EQ(fs::find_bytes(layer_, kRegistry + "/again.json", kMountpoint), std::nullopt)
      << "an alias of an alias";
  EXPECT_EQ(fs::find_bytes(layer_, kRegistry, kMountpoint), std::nullopt);
  EXPECT_EQ(fs::find_bytes(layer_, kRegistry + "/absent.json", kMountpoint), std::nullopt);
  stdfs::remove(directory_ / kRegistered);
  EXPECT_EQ(fs::find_bytes(layer_, kAlias, kMountpoint), std::nullopt);
}

}  // namespace
}  // namespace neffs::test
