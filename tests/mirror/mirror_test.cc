// The mirror of packaging/mirror: one copy for all hosts, each token on its own, and what is here goes on.
#include <cerrno>
#include <set>
#include <string>

#include "tests/hub/test_client.h"
#include "tests/mirror/nginx.h"
#include "tests/mount/mount_test.h"
#include "tests/publish/modules.h"

namespace neffs::test {
namespace {

using std::chrono::seconds;

const std::string kTeam = "team/cache";
const std::string kWriter = "hf_writer";
const std::string kReader = "hf_reader";
const std::string kStranger = "hf_stranger";
const std::string kNeff = sample::kTrainingModule + "/model.neff";

class MirrorTest : public MountTest {
 protected:
  void SetUp() override {
    MountTest::SetUp();
    if (IsSkipped()) return;
    if (const auto why = nginx_is_missing()) GTEST_SKIP() << *why;
    Behaviour like_the_real_one;
    like_the_real_one.public_endpoint = "https://huggingface.co";
    hub_.set_behaviour(like_the_real_one);
    sample::create(hub_);
    hub_.create_repo(kTeam, {.is_private = true});
    hub_.repo(kTeam).commit(sample::files());
    hub_.add_token(kWriter, {.user = "ada", .roles = {{kTeam, Role::kWrite}}});
    hub_.add_token(kReader, {.user = "bob", .roles = {{kTeam, Role::kRead}}});
    hub_.add_token(kStranger, {.user = "eve"});
    nginx_.emplace(scratch_, hub_);
  }

  std::unique_ptr<Mount> mount_by_mirror(const std::string& directory, const std::string& token,
                                         const std::string& source = kTeam,
                                         std::vector<std::string> options = {}) {
    MountSetup setup{.source = source, .options = std::move(options), .directory = directory};
    if (!token.empty()) setup.variables["HF_TOKEN"] = token;
    return std::make_unique<Mount>(scratch_, nginx_->endpoint(), setup);
  }
  // Every file of the module as the repo has it.
  static void expect_whole(const Mount& mounted, const std::string& module) {
    for (const NewFile& file : sample::files()) {
      if (!file.path.starts_with(module + "/")) continue;
      EXPECT_EQ(read_file(mounted / file.path), (Bytes{0, sample::bytes_of(file.path)}))
          << file.path;
    }
  }
  Reply ask_mirror(const std::string& target, const std::string& token,
                   const std::string& method = "GET", std::vector<std::string> headers = {}) {
    return ask(nginx_->endpoint() + target,
               {.method = method, .token = token, .headers = std::move(headers)});
  }
  std::string at_commit(const std::string& path, const std::string& repo = kTeam) {
    std::string encoded;
    for (const char c : path) encoded += c == '+' ? std::string("%2B") : std::string(1, c);
    return "/" + repo + "/resolve/" + hub_.repo(repo).head() + "/" + encoded;
  }
  // Requests that bring content, or the way to it.
  std::size_t reads() {
    std::size_t count = 0;
    for (const Kind kind : {Kind::kTree, Kind::kResolveGet, Kind::kResolveCache, Kind::kCdnGet})
      count += hub_.traffic().count(kind);
    return count;
  }

  std::optional<Nginx> nginx_;
};

TEST_F(MirrorTest, TheConfigurationAsItIsShippedIsOne) {
  EXPECT_EQ(complaints_of_shipped_configuration(scratch_), "");
}

TEST_F(MirrorTest, ASecondMountCostsTheHubNoBytes) {
  for (const std::string& token : {kReader, std::string()}) {
    const std::string source = token.empty() ? sample::kRepo : kTeam;
    const auto first = mount_by_mirror("first" + token, token, source);
    expect_whole(*first, sample::kTrainingModule);
    expect_whole(*first, sample::kTracedModule);
    EXPECT_GT(hub_.traffic().count(Kind::kCdnGet), 0U);
    hub_.traffic().reset();
    const auto second = mount_by_mirror("second" + token, token, source);
    expect_whole(*second, sample::kTrainingModule);
    expect_whole(*second, sample::kTracedModule);
    EXPECT_EQ(reads(), 0U) << requests();
  }
}

TEST_F(MirrorTest, AnotherTokenSeesNothing) {
  {
    const auto mounted = mount_by_mirror("mnt", kReader);
    expect_whole(*mounted, sample::kTrainingModule);
  }
  const std::string storage = [&] {
    const Reply reply = ask_mirror(at_commit(kNeff), kReader);
    EXPECT_EQ(reply.status, 302);
    const std::string location = reply.header("Location");
    EXPECT_TRUE(location.starts_with(nginx_->endpoint() + "/_storage/")) << location;
    return location.substr(nginx_->endpoint().size());
  }();
  const std::string unsigned_storage = storage.substr(0, storage.find('?'));
  // The very requests that were answered a moment ago, as the log of the Hub has them.
  std::set<std::string> asked{at_commit(kNeff), unsigned_storage};
  for (const LoggedRequest& request : hub_.traffic().log({.host = Host::kHub}))
    if (request.method == "GET") asked.insert(request.target);
  EXPECT_GT(asked.size(), 4U);
  for (const std::string& token : {kStranger, std::string(), std::string("hf_nobody")}) {
    for (const std::string& target : asked) {
      const Reply reply = ask_mirror(target, token);
      EXPECT_GE(reply.status, 400) << target;
      EXPECT_EQ(reply.body.find(sample::bytes_of(kNeff).substr(0, 64)), std::string::npos)
          << target;
    }
    EXPECT_THROW(mount_by_mirror("other", token), std::runtime_error);
  }
  const std::string written = nginx_->everything_written();
  for (const std::string& token : {kReader, kStranger})
    EXPECT_EQ(written.find(token), std::string::npos) << token;
  EXPECT_EQ(read_file(scratch_ / "nginx/access.log").text.find("Signature"), std::string::npos);
}

TEST_F(MirrorTest, TheStorageIsNoWayToOtherHosts) {
  const std::string hub = hub_.endpoint().substr(hub_.endpoint().find("//") + 2);
  const auto before = hub_.traffic().total();
  EXPECT_EQ(ask_mirror("/_storage/" + hub + "/api/models/" + sample::kRepo, "").status, 404);
  EXPECT_EQ(ask_mirror("/_storage/127.0.0.1/", "").status, 404);
  EXPECT_EQ(hub_.traffic().total(), before);
}

TEST_F(MirrorTest, RangesAndSizesAreThoseOfTheFile) {
  const auto large = generated_content(7, 20'000'000);
  hub_.repo(kTeam).commit({{sample::kTrainingModule + "/wrapped_neff.hlo", large}});
  const std::string bytes = read_all(*large);
  const Reply redirect =
      ask_mirror(at_commit(sample::kTrainingModule + "/wrapped_neff.hlo"), kReader, "HEAD");
  EXPECT_EQ(redirect.status, 302);
  EXPECT_EQ(redirect.header("X-Linked-Size"), "20000000");
  EXPECT_EQ(redirect.header("X-Repo-Commit"), hub_.repo(kTeam).head());
  const std::string at = redirect.header("Location").substr(nginx_->endpoint().size());
  // Over the border of two slices, before and after they are kept.
  for (int round = 0; round < 2; ++round) {
    const Reply part = ask_mirror(at, kReader, "GET", {"Range: bytes=8388600-8388700"});
    EXPECT_EQ(part.status, 206);
    EXPECT_EQ(part.header("Content-Range"), "bytes 8388600-8388700/20000000");
    EXPECT_EQ(part.body, bytes.substr(8388600, 101));
    if (round == 0) hub_.traffic().reset();
  }
  EXPECT_EQ(hub_.traffic().total(), 0U) << requests();
  const auto mounted = mount_by_mirror("mnt", kReader);
  const Bytes read = read_file(*mounted / (sample::kTrainingModule + "/wrapped_neff.hlo"));
  EXPECT_EQ(read.error, 0);
  EXPECT_TRUE(read.text == bytes);
  EXPECT_EQ(hub_.traffic().bytes_sent({.kind = Kind::kCdnGet, .text = "wrapped_neff"}),
            bytes.size() - 2 * 8388608U)
      << requests();
}

TEST_F(MirrorTest, APushGoesThrough) {
  const auto mounted =
      mount_by_mirror("mnt", kWriter, kTeam, {"settle=0.2", "commit_interval=0.1"});
  const auto reader = mount_by_mirror("reader", kReader, kTeam, {"poll=1"});
  const MadeModule module = made_module(1);
  ASSERT_EQ(stat_error(*reader / (module.path + "/model.done")), ENOENT);
  compile_into(mounted->root(), module);
  const Ended flushed = neffs({"flush", mounted->root().string(), "--timeout", "30"});
  ASSERT_EQ(flushed.exit_code, 0) << flushed.err;
  for (const auto& [name, bytes] : module.files)
    EXPECT_TRUE(hub_.repo(kTeam).find(hub_.repo(kTeam).head(), module.path + "/" + name)) << name;
  EXPECT_EQ(hub_.traffic().count(Kind::kCommit), 1U);
  EXPECT_TRUE(eventually([&] { return stat_error(*reader / (module.path + "/model.done")) == 0; }));
  EXPECT_EQ(files_in(reader->root(), module), module.files);
}

TEST_F(MirrorTest, WhileTheHubIsAwayWhatIsKeptGoesOn) {
  const auto first = mount_by_mirror("first", kReader);
  const auto second =
      mount_by_mirror("second", kReader, kTeam, {"hub_timeout=1", "poll=1", "miss_check=1"});
  expect_whole(*first, sample::kTrainingModule);
  ASSERT_EQ(stat_error(*second / kNeff), 0);
  const std::string target = at_commit(kNeff);
  hub_.stop();
  expect_whole(*second, sample::kTrainingModule);
  EXPECT_EQ(ask_mirror(target, kReader).status, 302);
  // The head is told for as long as it is fresh, and then not at all.
  EXPECT_TRUE(eventually([&] {
    return ask_mirror("/" + kTeam + "/resolve/main/.gitattributes", kReader, "HEAD").status >= 500;
  }));
  const std::string later = sample::kVersion + "/MODULE_77+e30acd3a/model.done";
  EXPECT_EQ(second->within(seconds(10), [&] { return stat_error(*second / later); }), ENOENT);
  start_hub_again();
  hub_.repo(kTeam).commit(
      {{later, ""}, {sample::kVersion + "/MODULE_77+e30acd3a/model.neff", std::string(4000, 'n')}});
  EXPECT_TRUE(eventually([&] { return stat_error(*second / later) == 0; }, seconds(60)));
}

TEST_F(MirrorTest, ARefusalOfTheStorageIsAFailureAndNoRefusal) {
  const int rule = hub_.faults().add({.kind = Kind::kCdnGet}, Fault::answer(403), 3);
  const Reply redirect = ask_mirror(at_commit(kNeff), kReader);
  const std::string at = redirect.header("Location").substr(nginx_->endpoint().size());
  EXPECT_EQ(ask_mirror(at, kReader).status, 502);
  const auto mounted = mount_by_mirror("mnt", kReader);
  EXPECT_EQ(read_file(*mounted / kNeff), (Bytes{0, sample::bytes_of(kNeff)}));
  EXPECT_EQ(hub_.faults().struck(rule), 3U);
}

}  // namespace
}  // namespace neffs::test
