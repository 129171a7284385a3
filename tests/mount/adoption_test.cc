// An existing cache directory is mounted over: it is simply there, its modules are held, and an
// ordinary cache directory is left by whatever end.
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "tests/mount/mount_test.h"

namespace neffs::test {
namespace {

namespace stdfs = std::filesystem;
using nlohmann::json;

const std::string kComplete = sample::kVersion + "/MODULE_1+e30acd3a";
const std::string kWrapped = sample::kVersion + "/MODULE_2+e30acd3a";
const std::string kTraced = sample::kVersion + "/MODULE_0123456789abcdef0123";
const std::string kOld = sample::kOldVersion + "/MODULE_3+2c2d707e";
const std::string kHalf = sample::kVersion + "/MODULE_4+e30acd3a";
const std::string kFailed = sample::kVersion + "/MODULE_5+e30acd3a";

class AdoptionTest : public MountTest {
 protected:
  // What people have in their cache directories.
  void make_cache() const {
    for (const std::string& module : {kComplete, kWrapped}) {
      put(module + "/model.hlo_module.pb", "hlo");
      put(module + "/compile_flags.json", "[]");
      put(module + "/model.neff", std::string(5000, 'n'));
      put(module + "/model.done", "");
    }
    put(kWrapped + "/wrapped_neff.hlo", std::string(6000, 'w'));
    put(kTraced + "/config.json", "{}");
    put(kTraced + "/unet/model.neuron", std::string(7000, 't'));
    put(kOld + "/model.neff", std::string(8000, '\x01'));
    put(kHalf + "/model.hlo_module.pb", "hlo");
    put(kHalf + "/model.hlo_module.pb.lock", "");
    put(kFailed + "/model.log", "Failed compilation with [x]\n");
    put("lock", "");
    stdfs::create_symlink("/etc/hostname", root_ / "a-link");
  }
  void put(const std::string& path, const std::string& text) const {
    stdfs::create_directories((root_ / path).parent_path());
    write_file(root_ / path, text);
  }
  // Every name with what it holds, but what belongs to neffs.
  static std::map<std::string, std::string> content_of(const stdfs::path& root) {
    std::map<std::string, std::string> content;
    for (auto entry = stdfs::recursive_directory_iterator(root);
         entry != stdfs::recursive_directory_iterator(); ++entry) {
      const std::string path = entry->path().lexically_relative(root).string();
      if (path == ".cache") {
        entry.disable_recursion_pending();
        continue;
      }
      if (entry->is_symlink())
        content[path] = "-> " + stdfs::read_symlink(entry->path()).string();
      else
        content[path] = entry->is_directory() ? "/" : read_file(entry->path()).text;
    }
    return content;
  }
  static json counted(const Mount& mounted) {
    EXPECT_TRUE(eventually([&] { return mounted.status().at("push").at("counting") == false; }));
    return mounted.status().at("push");
  }

  const stdfs::path root_ = scratch_ / "mnt";
  TestRepo& repo_ = sample::create(hub_);
};

// SEMANTICS 17: everything is simply there; what is complete is held, and counted.
TEST_F(AdoptionTest, AnExistingCacheIsThereAndItsModulesAreHeld) {
  make_cache();
  const auto before = content_of(root_);
  const auto mounted = mount();
  for (const auto& [path, text] : before) {
    if (text == "/" || text.starts_with("->")) continue;
    EXPECT_EQ(read_file(*mounted / path), (Bytes{0, text})) << path;
  }
  const auto names = names_in(*mounted / sample::kVersion);
  for (const std::string& module : {kComplete, kWrapped, kTraced, kHalf, kFailed})
    EXPECT_TRUE(names.contains(stdfs::path(module).filename())) << module;
  const json push = counted(*mounted);
  EXPECT_EQ(push.at("held"), 4);
  std::map<std::string, json> modules;
  for (const auto& module : push.at("modules")) {
    EXPECT_EQ(module.at("state"), "held");
    modules[module.at("path")] = {module.at("files"), module.at("bytes")};
  }
  EXPECT_EQ(modules, (std::map<std::string, json>{{kComplete, {4, 5005}},
                                                  {kWrapped, {5, 11005}},
                                                  {kTraced, {2, 7002}},
                                                  {kOld, {1, 8000}}}));
  ASSERT_EQ(mounted->status().at("failures").size(), 1U);
  EXPECT_EQ(mounted->status().at("failures").at(0).at("path"), kFailed);
  const json explained =
      json::parse(neffs({"explain", (*mounted / kComplete).string(), "--json"}).out);
  EXPECT_EQ(explained.at("in_layer"), "complete");
  EXPECT_EQ(explained.at("origin"), "held");
  EXPECT_EQ(explained.at("hit"), true);
  const std::string status = neffs({"status", mounted->root().string()}).out;
  EXPECT_NE(status.find("4 modules held"), std::string::npos) << status;
}

// SEMANTICS 17: by whatever end, what is left is the directory that was there.
TEST_F(AdoptionTest, EveryEndLeavesTheCacheAsItWas) {
  make_cache();
  const auto before = content_of(root_);
  auto mounted = mount();
  EXPECT_EQ(mounted->unmount(), 0);
  mounted.reset();
  EXPECT_EQ(content_of(root_), before);
  mounted = mount();
  counted(*mounted);
  EXPECT_EQ(mounted->terminate(), 0);
  mounted.reset();
  EXPECT_EQ(content_of(root_), before);
  for (const bool waits : {false, true}) {
    mounted = mount({"adopt=push"});
    if (waits) counted(*mounted);
    mounted->kill();
    mounted.reset();
    EXPECT_EQ(content_of(root_), before);
  }
}

// What was fetched is a copy, what is compiled through the mount is ours: neither is held, also not
// after the next mount.
TEST_F(AdoptionTest, CopiesAndOursAreNotHeld) {
  make_cache();
  auto mounted = mount();
  for (const char* file : {"model.neff", "model.done", "compile_flags.json", "model.hlo_module.pb"})
    ASSERT_EQ(read_file(*mounted / (sample::kTrainingModule + "/" + file)).error, 0);
  const std::string ours = sample::kVersion + "/MODULE_99+e30acd3a";
  stdfs::create_directory(*mounted / ours);
  for (const char* file : {"model.neff", "model.done"}) write_file(*mounted / ours / file, "x");
  EXPECT_TRUE(eventually(
      [&] { return stat_error(mounted->layer(sample::kTrainingModule + "/model.done")) == 0; }));
  EXPECT_EQ(counted(*mounted).at("held"), 4);
  EXPECT_EQ(mounted->terminate(), 0);
  mounted.reset();
  mounted = mount();
  EXPECT_EQ(counted(*mounted).at("held"), 4);
}

// SEMANTICS 17: with adopt=push they are ours.
TEST_F(AdoptionTest, AdoptedModulesAreOurs) {
  make_cache();
  auto mounted = mount({"adopt=push"});
  EXPECT_EQ(counted(*mounted).at("held"), 0);
  const auto origin = [&](const std::string& path) {
    return json::parse(neffs({"explain", (*mounted / path).string(), "--json"}).out)
        .value("origin", "");
  };
  EXPECT_EQ(origin(kComplete), "ours");
  EXPECT_EQ(origin(kTraced + "/unet/model.neuron"), "ours");
  EXPECT_EQ(origin(kHalf + "/model.hlo_module.pb"), "held");
  EXPECT_EQ(mounted->terminate(), 0);
  mounted.reset();
  mounted = mount();
  EXPECT_EQ(counted(*mounted).at("held"), 0) << "it was said once";
}

// `mount` says how many are held.
TEST_F(AdoptionTest, MountTellsWhatIsHeld) {
  make_cache();
  const Ended mounted = neffs({"mount", sample::kRepo, root_.string()});
  ASSERT_EQ(mounted.exit_code, 0) << mounted.err;
  const bool is_told = mounted.out.find("held     4 modules") != std::string::npos ||
                       mounted.out.find("held     being counted") != std::string::npos;
  EXPECT_TRUE(is_told) << mounted.out;
  EXPECT_EQ(neffs({"umount", root_.string()}).exit_code, 0);
}

// SEMANTICS 17: nothing waits for the walk over the layer. Here it never ends: a folder in the layer
// belongs to a filesystem that does not answer.
TEST_F(AdoptionTest, NothingWaitsForTheScan) {
  make_cache();
  const auto slow = root_ / "neuronxcc-9.9.9+00000000";
  stdfs::create_directory(slow);
  fs::UniqueFd device(::open("/dev/fuse", O_RDWR | O_CLOEXEC));
  ASSERT_TRUE(device);
  const std::string options =
      "fd=" + std::to_string(device.get()) + ",rootmode=40000,user_id=0,group_id=0";
  ASSERT_EQ(::mount("silent", slow.c_str(), "fuse.silent", MS_NOSUID | MS_NODEV, options.c_str()),
            0);
  const auto mounted = mount();
  EXPECT_EQ(read_file(*mounted / (kComplete + "/model.neff")).text, std::string(5000, 'n'));
  EXPECT_EQ(read_file(*mounted / (sample::kTrainingModule + "/model.neff")).error, 0);
  write_file(*mounted / (kHalf + "/model.neff"), "x");
  EXPECT_EQ(mounted->status().at("push").at("counting"), true);
  device.reset();  // now it fails instead
  EXPECT_EQ(counted(*mounted).at("held"), 4);
  EXPECT_EQ(mounted->terminate(), 0);
  EXPECT_EQ(::umount2(slow.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW), 0);
}

}  // namespace
}  // namespace neffs::test
