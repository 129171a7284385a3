// Files that change while they are published, and traced models, whose end nothing marks.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <ctime>
#include <memory>
#include <optional>
#include <string>

#include "tests/mount/disk.h"
#include "tests/publish/publishing.h"

namespace neffs::test {
namespace {

class ChangesTest : public PublishTest {
 protected:
  static void append_to_neff(const Mount& mounted, MadeModule& module) {
    const auto neff = open_file(mounted / (module.path + "/model.neff"), O_WRONLY | O_APPEND);
    ASSERT_EQ(::write(neff.get(), "more", 4), 4);
    module.files["model.neff"] += "more";
  }
};

TEST_F(ChangesTest, WhatChangesWhileItIsUploadedIsPublishedAsItIsThen) {
  const auto mounted = mount_writing();
  Gate gate = hub_.hold({.kind = Kind::kLfsPut}, HoldPoint::kBeforeAnswering);
  auto module = made_module(1);
  compile_into(mounted->root(), module);
  ASSERT_TRUE(gate.wait_held(1, std::chrono::seconds(20)));
  append_to_neff(*mounted, module);
  gate.open();
  EXPECT_TRUE(eventually([&] { return history().commits() > 0; }));
  expect_flushed(*mounted);
  expect_published_alone(module);
}

// The commit has what was whole when it was sent. The first writer wins, also over ourselves; what is
// here is not taken for a copy of it.
TEST_F(ChangesTest, WhatChangesWhileItIsCommittedStaysHere) {
  const auto before = made_module(1);
  auto module = before;
  {
    const auto mounted = mount_writing();
    Gate gate = hub_.hold({.kind = Kind::kCommit}, HoldPoint::kWhileCommitting);
    compile_into(mounted->root(), module);
    ASSERT_TRUE(gate.wait_held(1, std::chrono::seconds(20)));
    append_to_neff(*mounted, module);
    gate.open();
    EXPECT_TRUE(eventually([&] { return history().commits() > 0; }));
    expect_flushed(*mounted);
    EXPECT_EQ(files_in(mounted->root(), module), module.files);
  }
  expect_published_alone(before);
  EXPECT_EQ(files_in(scratch_ / "mnt", module), module.files);
  const auto mounted = mount_writing();
  expect_flushed(*mounted);
  EXPECT_EQ(files_in(mounted->root(), module), module.files);
  expect_published_alone(before);
}

// Stores through a mapping count from its end on. With passthrough the mapping is one of the layer's own
// file, of which the daemon does not hear.
TEST_F(ChangesTest, WhatIsMappedForWritingWaits) {
  const auto mounted = mount_writing({"passthrough=off"});
  auto module = made_module(1);
  put_files(mounted->root(), module);
  auto file = open_file(*mounted / (module.path + "/model.neff"), O_RDWR);
  const auto size = module.files["model.neff"].size();
  void* mapped = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  ASSERT_NE(mapped, MAP_FAILED);
  file = fs::UniqueFd();
  EXPECT_EQ(flush(*mounted, "1").exit_code, 1);
  EXPECT_EQ(history().commits(), 0U);
  static_cast<char*>(mapped)[100] = 'm';
  module.files["model.neff"][100] = 'm';
  ::munmap(mapped, size);
  expect_flushed(*mounted);
  expect_published_alone(module);
}

// A traced model as its export writes it, component by component.
MadeModule traced_model() {
  MadeModule module;
  module.path = sample::kTracedModule;
  for (const auto& file : sample::files())
    if (file.path.starts_with(module.path + "/"))
      module.files[file.path.substr(module.path.size() + 1)] = read_all(*file.content);
  return module;
}

// Nothing but a minute of quiet says that it is whole. On a disk of its own, the times of its files can
// be set back, so that nobody has to wait for it.
class TracedTest : public ChangesTest {
 protected:
  void SetUp() override {
    ChangesTest::SetUp();
    const auto missing = Disk::missing_for("ext4");
    if (!IsSkipped() && !missing.empty()) GTEST_SKIP() << missing;
  }
  // The disk is taken away meanwhile, as nothing else can set the time of a change.
  //   to: as debugfs takes it
  void set_back_times(const MadeModule& module, const std::string& to) const {
    const auto root = (scratch_ / "mnt").string();
    const std::string device = device_at(root);
    std::string orders;
    for (const auto& [name, bytes] : module.files)
      for (const char* field : {"mtime", "ctime"})
        orders += "set_inode_field /" + module.path + "/" + name + " " + field + " " + to + "\n";
    write_file(scratch_ / "orders", orders);
    expect_done({"umount", root});
    expect_done({"/usr/sbin/debugfs", "-w", "-f", (scratch_ / "orders").string(), device});
    expect_done({"mount", device, root});
  }
  void expect_done(const std::vector<std::string>& words) const {
    const Ended ended = command(words);
    EXPECT_EQ(ended.exit_code, 0) << words.front() << ": " << ended.err;
  }
  static std::string device_at(const std::string& root) {
    const std::string mounts = read_file("/proc/self/mounts").text;
    const auto at = mounts.find(" " + root + " ");
    const auto line = at == std::string::npos ? at : mounts.rfind('\n', at);
    return at == std::string::npos ? "none" : mounts.substr(line + 1, at - line - 1);
  }
};

TEST_F(TracedTest, WaitsForAMinuteOfQuiet) {
  const auto mounted = mount_writing({"settle=0"});
  const auto traced = traced_model();
  put_files(mounted->root(), traced);
  compile_into(mounted->root(), made_module(1));
  const Ended ended = flush(*mounted, "1");
  EXPECT_EQ(ended.exit_code, 1);
  EXPECT_NE(ended.err.find(traced.path + " is waiting: written to "), std::string::npos)
      << ended.err;
  expect_published_alone(made_module(1));
}

// Of a model that was made in an earlier life, and whose files say that they are of that time.
class EarlierTracedTest : public TracedTest {
 protected:
  void TearDown() override {
    disk_.reset();
    TracedTest::TearDown();
  }
  std::unique_ptr<Mount> mount_later(const std::string& time) {
    disk_.emplace("ext4", std::uint64_t{64} << 20, scratch_ / "mnt");
    {
      const auto mounted = mount_writing();
      put_files(mounted->root(), traced_);
    }
    set_back_times(traced_, time);
    auto mounted = mount_writing();
    expect_flushed(*mounted);
    return mounted;
  }

  const MadeModule traced_ = traced_model();

 private:
  std::optional<Disk> disk_;
};

TEST_F(EarlierTracedTest, IsPublishedAfterIt) {
  const auto quiet = std::time(nullptr) - 90;
  mount_later("@" + std::to_string(quiet));
  expect_published_alone(traced_);
}

// Nobody knows whether its bytes were on the disk when the power went.
TEST_F(EarlierTracedTest, IsHeldIfTheMachineWasStartedSince) {
  const auto mounted = mount_later("20200101000000");
  EXPECT_EQ(history().commits(), 0U);
  EXPECT_EQ(mounted->status().at("push").at("held"), 1);
}

}  // namespace
}  // namespace neffs::test
