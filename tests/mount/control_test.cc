// What people and programs are told of a mount, and what nobody is told.
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "fs/control_request.h"
#include "tests/mount/mount_test.h"

namespace neffs::test {
namespace {

namespace stdfs = std::filesystem;
using nlohmann::json;

constexpr std::size_t kMostText = sizeof fs::ControlRequest{}.text;

const std::string kNeffPath = sample::kTrainingModule + "/model.neff";

class ControlTest : public MountTest {
 protected:
  json explain(const std::string& subject, const Mount& mounted) const {
    const Ended ended =
        neffs({"explain", subject, "--mountpoint", mounted.root().string(), "--json"});
    EXPECT_EQ(ended.exit_code, 0) << ended.err;
    return json::parse(ended.out);
  }

  static int ioctl_error(int fd, unsigned long command, void* argument) {
    return ::ioctl(fd, command, argument) == 0 ? 0 : errno;
  }

  // What the daemon answers to a request that no command makes.
  static json ask(const Mount& mounted, const std::string& text) {
    auto request = fs::ControlRequest::of(text);
    const auto file = open_file(mounted / ".neffs-control", O_RDONLY);
    EXPECT_EQ(ioctl_error(file.get(), fs::kAskControl, &request.value()), 0);
    return json::parse(read_all_of(file.get()).text);
  }

  Ended as_nobody(std::vector<std::string> words) const {
    // The program may lie where only root may go.
    const std::string program = (scratch_ / "neffs").string();
    stdfs::copy_file(NEFFS_PROGRAM, program, stdfs::copy_options::skip_existing);
    const std::vector<std::string> become{"setpriv", "--reuid=65534", "--regid=65534",
                                          "--clear-groups", program};
    words.insert(words.begin(), become.begin(), become.end());
    return command(words);
  }

  TestRepo& repo_ = sample::create(hub_);
};

// Before anything is mounted, too.
TEST_F(ControlTest, DoctorLooksAtTheHostAndTheHub) {
  const auto doctor = [&](const std::filesystem::path& at, const Variables& more = {}) {
    const Ended ended = neffs({"doctor", at.string(), "--json"}, more);
    const json findings = json::parse(ended.out).at("findings");
    EXPECT_EQ(ended.exit_code, findings.empty() ? 0 : 1) << ended.err;
    std::string said;
    for (const auto& finding : findings)
      said += finding.at("check").get<std::string>() + " " + finding.at("what").get<std::string>() +
              " (" + finding.at("mend").get<std::string>() + ")\n";
    return said;
  };
  EXPECT_EQ(doctor(scratch_ / "none"), "mount not mounted (neffs mount mounts it)\n");
  const auto mounted = mount();
  EXPECT_EQ(doctor(mounted->root()), "");
  EXPECT_NE(doctor(mounted->root(), {{"NEURON_CC_FLAGS", "--cache_dir=/elsewhere"}})
                .find("programs use /elsewhere"),
            std::string::npos);
  EXPECT_NE(doctor(scratch_ / "none", {{"CUSTOM_CACHE_REPO", "lab/none"}}).find("hf auth login"),
            std::string::npos);
  hub_.create_repo("lab/private", {.is_private = true});
  hub_.add_token("hf_r", {.user = "bob", .roles = {{"lab/private", Role::kRead}}});
  write_file(scratch_ / "token", "hf_r");
  const auto with_token = mount_as({.source = "lab/private",
                                    .options = {"token_file=" + (scratch_ / "token").string()},
                                    .directory = "private"});
  EXPECT_EQ(doctor(with_token->root()), "") << "the command has no token, the mount has";
  EXPECT_NE(doctor(scratch_ / "none", {{"HF_TOKEN", "hf_wrong"}}).find("accept the token"),
            std::string::npos)
      << "also where the source is public";
  const auto dead = mount_as({.directory = "dead"});
  dead->kill();
  EXPECT_NE(doctor(dead->root()).find("its daemon is gone"), std::string::npos);
  hub_.stop();
  EXPECT_NE(doctor(mounted->root()).find("HTTPS_PROXY"), std::string::npos);
  EXPECT_EQ(doctor(mounted->root(), {{"HF_HUB_OFFLINE", "1"}}), "");
}

TEST_F(ControlTest, MetricsAreInAFileAndAtHand) {
  const auto file = scratch_ / "neffs.prom";
  const auto mounted = mount({"metrics=" + file.string()});
  ASSERT_EQ(read_file(*mounted / kNeffPath).error, 0);
  const auto metrics = [&] {
    const Ended ended = neffs({"status", "--metrics", mounted->root().string()});
    EXPECT_EQ(ended.exit_code, 0) << ended.err;
    return ended.out;
  };
  const auto has = [&](const std::string& line) {
    return metrics().find(line) != std::string::npos;
  };
  EXPECT_TRUE(has("\nneffs_requests_total{endpoint=\"head\",status=\"200\"} ")) << metrics();
  EXPECT_TRUE(has("\nneffs_requests_total{endpoint=\"storage\",status=\"200\"} ") ||
              has("\nneffs_requests_total{endpoint=\"storage\",status=\"206\"} "))
      << metrics();
  EXPECT_TRUE(has("\nneffs_rate_limit_remaining{bucket=\"resolvers\"} ")) << metrics();
  EXPECT_TRUE(eventually([&] { return stat_error(file) == 0; }));
  EXPECT_EQ(mounted->unmount(), 0);
  EXPECT_EQ(stat_error(file), ENOENT) << "old figures would be taken for new ones";
  EXPECT_EQ(neffs({"status", "--metrics", mounted->root().string()}).exit_code, 1);
}

// Section 5: every key, with a value of its kind.
TEST_F(ControlTest, StatusHasEveryKey) {
  const auto mounted = mount();
  ASSERT_EQ(read_file(*mounted / kNeffPath).error, 0);
  EXPECT_EQ(stat_error(*mounted / (sample::kVersion + "/MODULE_1+e30acd3a")), ENOENT);
  ASSERT_TRUE(eventually([&] { return mounted->status().at("layer_files") == 2; }));
  const json status = mounted->status();
  EXPECT_EQ(status.at("version"), "0.1.0");
  EXPECT_EQ(status.at("mounted"), true);
  EXPECT_EQ(status.at("mountpoint"), mounted->root().string());
  EXPECT_EQ(status.at("layer"), mounted->root().string());
  EXPECT_EQ(status.at("pid"), mounted->daemon().pid());
  EXPECT_TRUE(status.at("uptime_s").is_number_float());
  EXPECT_TRUE(status.at("passthrough").is_boolean());
  EXPECT_EQ(status.at("offline"), false);
  const json& source = status.at("sources").at(0);
  EXPECT_EQ(source.at("repo"), sample::kRepo);
  EXPECT_EQ(source.at("revision"), "main");
  EXPECT_EQ(source.at("commit"), repo_.head());
  EXPECT_TRUE(source.at("checked_s_ago").is_number());
  EXPECT_EQ(source.at("state"), "ok");
  EXPECT_EQ(source.at("push"), false);
  EXPECT_TRUE(source.at("skipped_names").is_number_integer());
  for (const char* key : {"repo", "waiting", "queued", "uploading", "pushed", "superseded", "held",
                          "failed", "commits", "next_commit_in_s", "last_error", "modules"})
    EXPECT_TRUE(status.at("push").contains(key)) << key;
  EXPECT_EQ(status.at("layer_bytes"), 1577984);
  EXPECT_EQ(status.at("quota_bytes"), nullptr);
  const json& reads = status.at("reads");
  EXPECT_EQ(reads.at("fetched"), 2);
  EXPECT_EQ(reads.at("bytes_fetched"), 1577984);
  EXPECT_EQ(reads.at("misses"), 1);
  EXPECT_EQ(reads.at("errors"), 0);
  EXPECT_EQ(reads.at("in_flight"), 0);
  EXPECT_TRUE(reads.at("local").is_number_integer());
}

// Section 2: works without a running mount too.
TEST_F(ControlTest, StatusOfWhatIsNotMounted) {
  stdfs::create_directory(scratch_ / "mnt");
  const Ended ended = neffs({"status", (scratch_ / "mnt").string(), "--json"});
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_EQ(json::parse(ended.out)["mounted"], false);
  const auto mounted = mount_as({.directory = "other"});
  EXPECT_NE(neffs({"status", (scratch_ / "mnt").string()}).out.find(mounted->root().string()),
            std::string::npos)
      << "where something is mounted is told";
}

// What nobody can tell is no miss, by the bare name of a module neither.
TEST_F(ControlTest, ExplainTellsWhatItDoesNotKnow) {
  const auto mounted = mount();
  ASSERT_TRUE(stdfs::exists(*mounted / sample::kVersion));
  hub_.stop();
  const auto name = stdfs::path(sample::kTrainingModule).filename().string();
  for (const auto& subject : {sample::kTrainingModule, name}) {
    const Ended ended =
        neffs({"explain", subject, "--mountpoint", mounted->root().string(), "--json"});
    EXPECT_EQ(ended.exit_code, 1) << subject;
    EXPECT_EQ(json::parse(ended.out)["found"], "unknown") << ended.out;
  }
}

TEST_F(ControlTest, ExplainNamesWhatAModuleLacks) {
  hub_.create_repo("lab/cache", {.is_private = true});
  hub_.add_token("hf_w", {.user = "ada", .roles = {{"lab/cache", Role::kWrite}}});
  const auto mounted = mount_as({.source = "lab/cache", .variables = {{"HF_TOKEN", "hf_w"}}});
  const auto module = sample::kVersion + "/MODULE_55+e30acd3a";
  stdfs::create_directories(*mounted / module);
  write_file(*mounted / (module + "/model.neff"), "neff");
  const json half = explain(module, *mounted);
  EXPECT_EQ(half.value("in_layer", ""), "unfinished") << half;
  EXPECT_EQ(half.value("unfinished", ""), "no model.done") << half;
}

// Lesson 4 (optimum-neuron: "new instance ignores the cache"): hit or miss, from where, and why.
TEST_F(ControlTest, ExplainSaysWhatAndWhy) {
  const auto mounted = mount();
  EXPECT_EQ(explain(sample::kInferenceModule, *mounted)["found"], "remote");
  EXPECT_EQ(explain(sample::kInferenceModule, *mounted)["hit"], true);
  ASSERT_EQ(read_file(*mounted / kNeffPath).error, 0);
  const std::string neff = (*mounted / kNeffPath).string();
  // It is readable a moment before it has its name in the layer.
  EXPECT_TRUE(eventually([&] { return explain(neff, *mounted)["found"] == "local"; }));
  const json local = explain(neff, *mounted);
  EXPECT_EQ(local.value("origin", ""), "copy");
  EXPECT_EQ(local.value("commit", ""), repo_.head());
  const json failed = explain(sample::kFailedModule, *mounted);
  EXPECT_EQ(failed.at("found"), "absent");
  EXPECT_NE(failed.dump().find("model.log"), std::string::npos) << failed;
  EXPECT_NE(explain(sample::kHalfModule, *mounted).dump().find("model.neff"), std::string::npos);
  write_file(*mounted / "mine", "x");
  EXPECT_EQ(explain((*mounted / "mine").string(), *mounted)["origin"], "ours");
  const Ended text = neffs({"explain", (*mounted / kNeffPath).string()});
  EXPECT_EQ(text.exit_code, 0) << text.err;
  EXPECT_NE(text.out, "");
  EXPECT_NE(neffs({"explain", (scratch_ / "home").string()}).exit_code, 0);
}

// SEMANTICS 12: the two names at the root belong to neffs.
TEST_F(ControlTest, ReservedNamesCannotBeChanged) {
  const auto mounted = mount();
  const auto control = *mounted / ".neffs-control";
  const auto cache = *mounted / ".cache";
  write_file(*mounted / "file", "x");
  EXPECT_EQ(::unlink(control.c_str()) == 0 ? 0 : errno, EPERM);
  EXPECT_EQ(::rename((*mounted / "file").c_str(), control.c_str()) == 0 ? 0 : errno, EPERM);
  EXPECT_EQ(::rename(control.c_str(), (*mounted / "moved").c_str()) == 0 ? 0 : errno, EPERM);
  EXPECT_EQ(::link((*mounted / "file").c_str(), cache.c_str()) == 0 ? 0 : errno, EPERM);
  EXPECT_EQ(::mkdir(control.c_str(), 0777) == 0 ? 0 : errno, EEXIST);
  EXPECT_EQ(stat_error(cache), ENOENT);
  EXPECT_EQ(::mkdir(cache.c_str(), 0777) == 0 ? 0 : errno, EPERM);
  EXPECT_EQ(open_error(cache, O_WRONLY | O_CREAT), EPERM);
  EXPECT_EQ(::symlink("/etc", cache.c_str()) == 0 ? 0 : errno, EPERM);
  EXPECT_EQ(::rename((*mounted / "file").c_str(), cache.c_str()) == 0 ? 0 : errno, EPERM);
  EXPECT_EQ(stat_error(*mounted / ".cache/huggingface/neffs/index.sqlite"), ENOENT);
  for (const std::string& name : names_in(mounted->root()))
    EXPECT_TRUE(name != ".cache" && name != ".neffs-control") << name;
  EXPECT_EQ(mounted->status()["mounted"], true);
  // Deeper they are names as any other.
  stdfs::create_directory(*mounted / "d");
  EXPECT_EQ(::mkdir((*mounted / "d/.cache").c_str(), 0777), 0);
}

// What is asked of the control file by mistake or malice gets an error as its answer.
TEST_F(ControlTest, NonsenseIsAnsweredWithAnError) {
  const auto mounted = mount();
  for (const std::string& request :
       {std::string("nonsense"), std::string(), std::string(R"({"request":"no such"})"),
        std::string(R"({"request":"explain"})"), std::string(R"({"request":7})"),
        std::string(R"({"request":"explain","path":"../../etc/passwd"})"),
        std::string(kMostText, '[')}) {
    const json answer = ask(*mounted, request);
    EXPECT_TRUE(answer.is_object() && answer.contains("error"))
        << request.substr(0, 100) << ": " << answer;
  }
  EXPECT_EQ(mounted->status()["mounted"], true);
}

TEST_F(ControlTest, TheLongestRequestIsReadToItsEnd) {
  const auto mounted = mount();
  const std::string start = R"({"request":")";
  const std::string verb(kMostText - start.size() - 2, 'v');
  EXPECT_EQ(ask(*mounted, start + verb + R"("})")["error"],
            "this daemon does not know the request '" + verb + "'");
}

// Who only wants to know whether it lives, and as which process, need not wait for a full status.
TEST_F(ControlTest, HelloTellsVersionAndProcess) {
  const auto mounted = mount();
  json answer;
  ASSERT_TRUE(eventually([&] {
    answer = ask(*mounted, R"({"request":"hello"})");
    return answer["counting"] == false;
  }));
  EXPECT_EQ(answer, (json{{"version", "0.1.0"},
                          {"pid", mounted->daemon().pid()},
                          {"held", 0},
                          {"counting", false},
                          {"of_run", false}}));
}

// The control file is for reading and one ioctl; other files have none, as on the disk.
TEST_F(ControlTest, NothingElseCanBeDoneToTheControlFile) {
  const auto mounted = mount();
  for (const int flags : {O_WRONLY, O_RDWR, O_WRONLY | O_TRUNC})
    EXPECT_EQ(open_error(*mounted / ".neffs-control", flags), EPERM) << flags;
  const auto control = open_file(*mounted / ".neffs-control", O_RDONLY);
  EXPECT_EQ(read_all_of(control.get()), (Bytes{0, ""}));
  fs::ControlRequest request = *fs::ControlRequest::of("{}");
  EXPECT_EQ(ioctl_error(control.get(), _IOW('N', 2, fs::ControlRequest), &request), ENOTTY);
  EXPECT_EQ(ioctl_error(control.get(), _IOW('N', 1, int), &request), ENOTTY);
  request.size = kMostText + 1;
  EXPECT_EQ(ioctl_error(control.get(), fs::kAskControl, &request), EINVAL);
  EXPECT_EQ(read_all_of(control.get()), (Bytes{0, ""}));
  const auto file = open_file(*mounted / kNeffPath, O_RDONLY);
  EXPECT_EQ(ioctl_error(file.get(), fs::kAskControl, &request), ENOTTY);
  const auto directory = open_file(mounted->root(), O_RDONLY | O_DIRECTORY);
  EXPECT_EQ(ioctl_error(directory.get(), fs::kAskControl, &request), ENOTTY);
}

// Section 2: `mount` returns when the mount answers, and this one is not for writing.
TEST_F(ControlTest, AReadOnlyMountAnswersToo) {
  const std::string mountpoint = (scratch_ / "mnt").string();
  stdfs::create_directory(mountpoint);
  const Ended mounted = neffs({"mount", sample::kRepo, mountpoint, "-o", "ro"});
  ASSERT_EQ(mounted.exit_code, 0) << mounted.err;
  EXPECT_NE(mounted.out.find("held     "), std::string::npos) << mounted.out;
  const Ended status = neffs({"status", mountpoint, "--json"});
  ASSERT_EQ(status.exit_code, 0) << status.err;
  EXPECT_EQ(json::parse(status.out)["mounted"], true);
  const Ended explained = neffs({"explain", mountpoint + "/" + sample::kTrainingModule, "--json"});
  ASSERT_EQ(explained.exit_code, 0) << explained.err;
  EXPECT_EQ(json::parse(explained.out)["hit"], true);
  EXPECT_EQ(open_error(mountpoint + "/new", O_WRONLY | O_CREAT), EROFS);
  EXPECT_EQ(as_nobody({"status", mountpoint, "--json"}).exit_code, 0);
  const Ended unmounted = neffs({"umount", mountpoint});
  EXPECT_EQ(unmounted.exit_code, 0) << unmounted.err;
  EXPECT_EQ(scratch_.processes(), std::vector<pid_t>{});
  EXPECT_EQ(scratch_.mounts(), std::vector<std::string>{});
}

// Everybody may ask; only root and who mounted may change something by asking.
TEST_F(ControlTest, AUserWithoutRightsMayAskOnly) {
  const auto mounted = mount();
  const Ended status = as_nobody({"status", mounted->root().string(), "--json"});
  ASSERT_EQ(status.exit_code, 0) << status.err;
  EXPECT_EQ(json::parse(status.out)["pid"], mounted->daemon().pid());
  const Ended restored = as_nobody({"restore", (*mounted / kNeffPath).string()});
  EXPECT_EQ(restored.exit_code, 1);
  EXPECT_NE(restored.err.find("only root"), std::string::npos) << restored.err;
}

// Section 3: a token is never in argv, logs, state or status.
TEST_F(ControlTest, TheTokenIsNowhereToBeSeen) {
  const std::string token = "hf_VerySecretIndeed";
  hub_.add_token(token, {.elsewhere = Role::kRead});
  const auto secret = scratch_ / "home" / "token";
  write_file(secret, token + "\n");
  const auto mounted = mount({"token_file=" + secret.string(), "log=debug", "fetch_timeout=1"});
  ASSERT_EQ(read_file(*mounted / kNeffPath).error, 0);
  hub_.faults().add({.kind = Kind::kResolveGet}, Fault::answer(403, token));
  EXPECT_NE(read_file(*mounted / (sample::kPreviousModule + "/model.neff")).error, 0);
  EXPECT_GT(hub_.traffic().log({.kind = Kind::kInfo}).at(0).authorized, 0);

  const auto expect_without = [&](const std::string& where, const std::string& text) {
    EXPECT_EQ(text.find(token), std::string::npos) << where;
  };
  expect_without("status", mounted->status().dump());
  expect_without("output", mounted->daemon().out());
  expect_without("log", mounted->daemon().err());
  const stdfs::path process = "/proc/" + std::to_string(mounted->daemon().pid());
  for (const char* file : {"cmdline", "environ", "mountinfo"})
    expect_without(file, read_file(process / file).text);
  for (const std::string& file : files_below(mounted->layer(".cache")))
    expect_without(file, read_file(mounted->layer(".cache") / file).text);
}

// Default SOURCE: what optimum-cli has written down for this user.
TEST_F(ControlTest, TheDefaultSourceIsTheUsersOwn) {
  const auto home = scratch_ / "home";
  stdfs::create_directories(home / ".cache/huggingface");
  sample::create(hub_, "team/own");
  write_file(home / ".cache/huggingface/optimum_neuron_custom_cache", "team/own");
  {
    const auto mounted = mount_as({.source = ""});
    EXPECT_EQ(mounted->status()["sources"][0]["repo"], "team/own");
  }
  const auto mounted = mount_as({.source = "", .variables = {{"CUSTOM_CACHE_REPO", "none"}}});
  EXPECT_EQ(mounted->status()["sources"][0]["repo"], sample::kRepo);
}

// Section 2: it shows as type fuse.neffs with SOURCE as its device.
TEST_F(ControlTest, TheMountTableShowsTypeAndSource) {
  const auto mounted = mount_as({.source = sample::kRepo + "@v1"});
  const std::string table = read_file("/proc/self/mounts").text;
  EXPECT_NE(table.find(sample::kRepo + "@v1 " + mounted->root().string() + " fuse.neffs "),
            std::string::npos);
}

}  // namespace
}  // namespace neffs::test
