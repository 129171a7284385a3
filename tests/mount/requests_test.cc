// How many requests a mount makes, and that nobody waits for those of others.
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <future>
#include <string>
#include <vector>

#include "tests/hub/digest.h"
#include "tests/mount/mount_test.h"

namespace neffs::test {
namespace {

using std::chrono::seconds;

std::string numbered_module(int number) {
  return sample::kVersion + "/MODULE_" + std::to_string(2000 + number) + "+e30acd3a";
}

std::string numbered_neff(int number) {
  return read_all(*generated_content(static_cast<std::uint64_t>(number) + 1, 60'000));
}

class RequestsTest : public MountTest {
 protected:
  void add_modules(int count) {
    std::vector<NewFile> files;
    for (int number = 0; number < count; ++number) {
      files.emplace_back(numbered_module(number) + "/model.neff", numbered_neff(number), true);
      files.emplace_back(numbered_module(number) + "/model.done", "");
    }
    repo_.commit(files);
  }

  TestRepo& repo_ = sample::create(hub_);
  const std::string neff_ = sample::kTrainingModule + "/model.neff";
};

// Pitfall 7 (thundering herd): many processes that read one cold file cause one download.
TEST_F(RequestsTest, ManyReadersOfAColdFileCauseOneDownload) {
  const auto mounted = mount();
  const Match download{.kind = Kind::kCdnGet, .text = neff_};
  Gate gate = hub_.hold(download);
  std::vector<std::unique_ptr<Child>> readers;
  for (int i = 0; i < 32; ++i) readers.push_back(start_user({"read", (*mounted / neff_).string()}));
  ASSERT_TRUE(gate.wait_held(1));
  gate.open();
  const std::string expected = digest_hex(DigestKind::kSha256, sample::bytes_of(neff_)) + "\n";
  for (const auto& reader : readers) {
    ASSERT_TRUE(reader->wait());
    EXPECT_EQ(reader->out(), expected);
  }
  EXPECT_EQ(hub_.traffic().count(download), 1U) << requests(download);
  EXPECT_EQ(hub_.traffic().count({.kind = Kind::kResolveGet, .text = neff_}), 1U);
}

// Pitfall 6 (miss storms): absence is known from the folder's listing.
TEST_F(RequestsTest, AbsentNamesCauseNoRequestAfterTheFirstListing) {
  const auto mounted = mount();
  EXPECT_EQ(stat_error(*mounted / numbered_module(0)), ENOENT);
  ASSERT_TRUE(hub_.traffic().wait_for(Kind::kTree, 2));
  ASSERT_TRUE(hub_.traffic().wait_until_idle());
  // The listing is here; a moment later it is known.
  ASSERT_TRUE(eventually([&] {
    const std::size_t before = hub_.traffic().total();
    static int number = 1'000'000;
    stat_error(*mounted / numbered_module(++number));
    return hub_.traffic().total() == before;
  }));
  hub_.traffic().reset();
  for (int number = 1; number <= 10'000; ++number)
    ASSERT_EQ(stat_error(*mounted / numbered_module(number)), ENOENT);
  EXPECT_EQ(hub_.traffic().total(), 0U) << requests();
}

// Pitfall 5 (scans): what walks over everything downloads nothing.
TEST_F(RequestsTest, LookUpsAndListingsDownloadNothing) {
  const auto mounted = mount({"list=all"});
  for (const std::vector<std::string>& scan :
       {std::vector<std::string>{"find", mounted->root().string(), "-size", "+1k"},
        {"ls", "-lR", mounted->root().string()},
        {"du", "-a", mounted->root().string()}}) {
    const Ended ended = command(scan);
    EXPECT_EQ(ended.exit_code, 0) << ended.err;
    EXPECT_NE(ended.out, "");
  }
  ASSERT_TRUE(hub_.traffic().wait_until_idle());
  EXPECT_EQ(mounted->status()["reads"]["fetched"], 0);
  // But for the first bytes of NEFFs that might be the text of a failure, which is asked once.
  EXPECT_EQ(hub_.traffic().count(Kind::kCdnGet), 2U) << requests({.kind = Kind::kCdnGet});
  EXPECT_LE(hub_.traffic().bytes_sent({.kind = Kind::kCdnGet}), 2U * 512);
  EXPECT_EQ(hub_.traffic().count({.kind = Kind::kCdnGet, .text = sample::kOldVersion}), 2U);
}

// Section 9: the first open inside a module starts the other files that a hit reads, and the mark
// gets its name last.
TEST_F(RequestsTest, TheFirstOpenBringsTheWholeHit) {
  const auto mounted = mount();
  const auto layer = [&](const std::string& name) {
    return stat_error(mounted->layer(sample::kInferenceModule + "/" + name));
  };
  Gate gate = hub_.hold({.kind = Kind::kCdnGet, .text = "wrapped_neff.hlo"});
  EXPECT_EQ(read_file(*mounted / (sample::kInferenceModule + "/compile_flags.json")).error, 0);
  ASSERT_TRUE(gate.wait_held(1));
  ASSERT_TRUE(eventually([&] { return layer("model.neff") == 0; }));
  // The mark is visible, as it is in the repo, and can be opened; the layer is no hit yet.
  EXPECT_EQ(read_file(*mounted / (sample::kInferenceModule + "/model.done")), Bytes{});
  EXPECT_EQ(layer("wrapped_neff.hlo"), ENOENT);
  EXPECT_EQ(layer("model.done"), ENOENT);
  gate.open();
  ASSERT_TRUE(eventually([&] { return layer("model.done") == 0; }));
  EXPECT_EQ(layer("wrapped_neff.hlo"), 0);
  EXPECT_EQ(hub_.traffic().count({.kind = Kind::kResolveGet, .text = "model.hlo_module.pb"}), 0U);
}

// Section 9, SEMANTICS 1: a module without a mark gets its name when it is whole.
TEST_F(RequestsTest, AModuleWithoutAMarkIsPlacedWhole) {
  const auto mounted = mount();
  Gate gate = hub_.hold({.kind = Kind::kCdnGet, .text = "text_encoder/model.neuron"});
  EXPECT_EQ(read_file(*mounted / (sample::kTracedModule + "/unet/model.neuron")).text,
            sample::bytes_of(sample::kTracedModule + "/unet/model.neuron"));
  ASSERT_TRUE(gate.wait_held(1));
  EXPECT_EQ(stat_error(mounted->layer(sample::kTracedModule)), ENOENT);
  gate.open();
  ASSERT_TRUE(eventually([&] { return stat_error(mounted->layer(sample::kTracedModule)) == 0; }));
  for (const NewFile& file : sample::files()) {
    if (!file.path.starts_with(sample::kTracedModule)) continue;
    EXPECT_EQ(read_file(mounted->layer(file.path)), (Bytes{0, sample::bytes_of(file.path)}));
  }
}

// "It must reach": info, the root's listing, the module's listing, the redirect, then the bytes.
TEST_F(RequestsTest, AColdStartTakesFourQuestions) {
  Gate folder = hub_.hold({.kind = Kind::kTree, .text = sample::kVersion + "?"});
  const auto mounted = mount();
  EXPECT_EQ(read_file(*mounted / neff_), (Bytes{0, sample::bytes_of(neff_)}));
  EXPECT_EQ(hub_.traffic().count(Kind::kInfo), 1U) << requests();
  // The folder's listing is on its way for the misses to come; nobody has waited for it.
  EXPECT_LE(hub_.traffic().count(Kind::kTree), 3U) << requests();
  EXPECT_EQ(hub_.traffic().count({.kind = Kind::kResolveGet, .text = neff_}), 1U);
  EXPECT_EQ(hub_.traffic().count({.kind = Kind::kCdnGet, .text = neff_}), 1U);
  EXPECT_EQ(hub_.traffic().count(Kind::kResolveHead), 0U);
  EXPECT_TRUE(folder.wait_held(1));
}

// SEMANTICS 9: what can be answered from here never waits behind a download, nor behind many.
TEST_F(RequestsTest, LocalFilesNeverWaitBehindDownloads) {
  constexpr int kDownloads = 16;
  add_modules(kDownloads + 1);
  const auto mounted = mount();
  write_file(*mounted / "notes.txt", "local");
  EXPECT_EQ(stat_error(*mounted / numbered_module(kDownloads)), 0);
  Gate gate = hub_.hold({.kind = Kind::kCdnGet});
  std::vector<std::future<Bytes>> downloads;
  for (int number = 0; number < kDownloads; ++number)
    downloads.push_back(in_background(
        [path = *mounted / (numbered_module(number) + "/model.neff")] { return read_file(path); }));
  ASSERT_TRUE(gate.wait_held(8));

  auto local = in_background([&] {
    EXPECT_EQ(read_file(*mounted / "notes.txt").text, "local");
    EXPECT_EQ(stat_error(*mounted / (numbered_module(kDownloads) + "/model.done")), 0);
    EXPECT_EQ(stat_error(*mounted / numbered_module(99'999)), ENOENT);
    EXPECT_EQ(stat_error(*mounted / (sample::kTrainingModule + "/model.done")), 0);
    EXPECT_EQ(names_in(*mounted / numbered_module(0)).size(), 2U);
    write_file(*mounted / (numbered_module(0) + "/model.hlo_module.pb.lock"), "");
    EXPECT_EQ(::unlink((*mounted / (numbered_module(0) + "/model.hlo_module.pb.lock")).c_str()), 0);
    EXPECT_GT(mounted->status()["reads"]["in_flight"], 0);
  });
  EXPECT_TRUE(is_there(local, seconds(10)));
  gate.open();
  local.get();
  for (int number = 0; number < kDownloads; ++number)
    EXPECT_EQ(downloads[static_cast<std::size_t>(number)].get(), (Bytes{0, numbered_neff(number)}));
}

// SEMANTICS 9: a listing that takes its time holds up nobody but who asked for it.
TEST_F(RequestsTest, NobodyWaitsBehindSomebodyElsesListing) {
  const auto mounted = mount();
  EXPECT_EQ(stat_error(*mounted / sample::kVersion), 0);
  Gate gate = hub_.hold({.kind = Kind::kTree, .text = sample::kPreviousVersion + "/0_REGISTRY"});
  auto listing = in_background(
      [&] { return names_in(*mounted / (sample::kPreviousVersion + "/0_REGISTRY")); });
  ASSERT_TRUE(gate.wait_held(1));
  auto others = in_background([&] {
    EXPECT_EQ(stat_error(*mounted / (sample::kPreviousModule + "/model.done")), 0);
    EXPECT_EQ(open_error(*mounted / "lock", O_WRONLY | O_CREAT | O_TRUNC), 0);
  });
  EXPECT_TRUE(is_there(others, seconds(10)));
  EXPECT_FALSE(is_there(listing, seconds(0)));
  gate.open();
  EXPECT_EQ(listing.get(), std::set<std::string>{"0.1.0"});
}

// 64 threads of one process open different cold files: each gets its own.
TEST_F(RequestsTest, ManyThreadsOpenDifferentColdFiles) {
  constexpr int kThreads = 64;
  add_modules(kThreads);
  const auto mounted = mount();
  std::vector<std::future<Bytes>> reads;
  for (int number = 0; number < kThreads; ++number)
    reads.push_back(in_background(
        [path = *mounted / (numbered_module(number) + "/model.neff")] { return read_file(path); }));
  for (int number = 0; number < kThreads; ++number)
    EXPECT_EQ(reads[static_cast<std::size_t>(number)].get(), (Bytes{0, numbered_neff(number)}));
  EXPECT_EQ(hub_.traffic().count({.kind = Kind::kCdnGet, .text = "model.neff"}), 64U);
}

}  // namespace
}  // namespace neffs::test
