#include "mount-helper/cli.h"

#include "index/index.h"
#include "mount-helper/program.h"
#include "mount-helper/state_directory.h"
#include "tests/unit/mount-helper/mount_helper_kit.h"

namespace neffs::test {
namespace {

using namespace mount_helper;  // NOLINT(google-build-using-namespace): all of it is meant
using testing::HasSubstr;
using testing::StartsWith;
using Words = std::vector<std::string>;

MountRequest mount_of(const Words& words, const std::string& program = "neffs") {
  const Request request = parse_command_line(program, words);
  if (const auto* mount = std::get_if<MountRequest>(&request)) return *mount;
  ADD_FAILURE() << "no mount";
  return {};
}

TEST(CommandLine, OneWordOfMountIsASourceOrAMountPoint) {
  struct Row {
    Words words;
    const char* sources;
    const char* mount_point;
  };
  ::setenv("HOME", "/home/ada", 1);
  const Row rows[] = {
      {{"mount"}, "", kDefaultMountPoint},
      {{"mount", "lab/cache"}, "lab/cache", kDefaultMountPoint},
      {{"mount", "/mnt/x"}, "", "/mnt/x"},
      {{"mount", "./x"}, "", "./x"},
      {{"mount", "~/x"}, "", "/home/ada/x"},
      {{"mount", "lab/cache@v1,team/x", "mnt"}, "lab/cache@v1,team/x", "mnt"},
  };
  for (const Row& row : rows) {
    const MountRequest request = mount_of(row.words);
    EXPECT_EQ(request.sources, row.sources);
    EXPECT_EQ(request.mount_point, row.mount_point);
    EXPECT_FALSE(request.is_foreground);
  }
}

TEST(CommandLine, OptionsOfMountMayStandAnywhere) {
  const MountRequest request =
      mount_of({"mount", "-o", "ro,offline", "lab/cache", "-o", "log=warn", "/mnt/x", "-f"});
  EXPECT_EQ(request.sources, "lab/cache");
  EXPECT_EQ(request.mount_point, "/mnt/x");
  EXPECT_TRUE(request.options.is_read_only);
  EXPECT_TRUE(request.options.is_offline);
  EXPECT_EQ(request.options.log, LogLevel::kWarn);
  EXPECT_TRUE(request.is_foreground);
}

TEST(CommandLine, OtherCommands) {
  const auto umount = std::get<UmountRequest>(parse_command_line("neffs", {"umount", "--lazy"}));
  EXPECT_EQ(umount.mount_point, kDefaultMountPoint);
  EXPECT_TRUE(umount.is_lazy);
  const auto status =
      std::get<StatusRequest>(parse_command_line("neffs", {"status", "/mnt/x", "--json"}));
  EXPECT_EQ(status.mount_point, "/mnt/x");
  EXPECT_TRUE(status.is_json);
  const auto explain = std::get<ExplainRequest>(
      parse_command_line("neffs", {"explain", "MODULE_1+a", "--mountpoint", "/mnt/x"}));
  EXPECT_EQ(explain.subject, "MODULE_1+a");
  EXPECT_EQ(explain.mount_point, "/mnt/x");
  EXPECT_FALSE(explain.is_json);
  const auto doctor = std::get<DoctorRequest>(
      parse_command_line("neffs", {"doctor", "/mnt/x", "--clear-stale-locks", "--json"}));
  EXPECT_EQ(doctor.mount_point, "/mnt/x");
  EXPECT_TRUE(doctor.clears_stale_locks);
  EXPECT_TRUE(doctor.is_json);
  EXPECT_TRUE(std::holds_alternative<VersionRequest>(parse_command_line("neffs", {"version"})));
}

TEST(CommandLine, FlushWaitsAsLongAsItIsTold) {
  const auto flush_of = [](const Words& words) {
    return std::get<FlushRequest>(parse_command_line("neffs", words));
  };
  EXPECT_EQ(flush_of({"flush"}).mount_point, kDefaultMountPoint);
  EXPECT_EQ(flush_of({"flush"}).timeout_s, std::nullopt);
  EXPECT_EQ(flush_of({"flush", "/mnt/x", "--timeout", "1.5"}).mount_point, "/mnt/x");
  EXPECT_EQ(flush_of({"flush", "--timeout=0", "/mnt/x"}).timeout_s, 0);
  EXPECT_EQ(flush_of({"flush", "--timeout", "600"}).timeout_s, 600);
  EXPECT_FALSE(flush_of({"flush"}).adopts);
  EXPECT_TRUE(flush_of({"flush", "--adopted"}).adopts);
  EXPECT_FALSE(flush_of({"flush", "--adopted"}).is_sure);
  EXPECT_TRUE(flush_of({"flush", "--yes", "--adopted", "/mnt/x"}).is_sure);
}

TEST(CommandLine, RetractTakesModulesAndARepo) {
  const auto retract = std::get<RetractRequest>(parse_command_line(
      "neffs", {"retract", "MODULE_1+a", "--repo", "lab/cache@v1", "--yes", "v/MODULE_2+b"}));
  EXPECT_EQ(retract.subjects, Words({"MODULE_1+a", "v/MODULE_2+b"}));
  EXPECT_EQ(retract.repo, "lab/cache@v1");
  EXPECT_EQ(retract.mount_point, "");
  EXPECT_TRUE(retract.is_sure);
  const auto careful = std::get<RetractRequest>(
      parse_command_line("neffs", {"retract", "MODULE_1+a", "--mountpoint", "/mnt/x"}));
  EXPECT_EQ(careful.mount_point, "/mnt/x");
  EXPECT_FALSE(careful.is_sure);
}

TEST(CommandLine, CreateIsPrivateUnlessToldOtherwise) {
  const auto create_of = [](const Words& words) {
    return std::get<CreateRequest>(parse_command_line("neffs", words));
  };
  EXPECT_EQ(create_of({"create"}).name, "optimum-neuron-cache");
  EXPECT_FALSE(create_of({"create"}).is_public);
  EXPECT_EQ(create_of({"create", "-n", "lab/cache", "--public"}).name, "lab/cache");
  EXPECT_TRUE(create_of({"create", "--name=x", "--public"}).is_public);
}

RunRequest run_of(const Words& words) {
  return std::get<RunRequest>(parse_command_line("neffs", words));
}

TEST(CommandLine, RunLeavesTheCommandAsItIs) {
  const RunRequest bare = run_of({"run", "--", "train"});
  EXPECT_EQ(bare.mount.sources, "");
  EXPECT_EQ(bare.mount.mount_point, kDefaultMountPoint);
  EXPECT_FALSE(bare.has_options);
  EXPECT_EQ(bare.flush_timeout_s, 300);
  EXPECT_EQ(bare.command, Words({"train"}));

  const Words command{"train", "-o", "x", "--help", "--", "", "--flush-timeout=1", "a b"};
  Words words{"run",     "lab/cache",    "-o",     "push=none,log=warn", "-o",
              "offline", "--mountpoint", "/mnt/x", "--flush-timeout",    "1.5",
              "--"};
  words.insert(words.end(), command.begin(), command.end());
  const RunRequest full = run_of(words);
  EXPECT_EQ(full.mount.sources, "lab/cache");
  EXPECT_EQ(full.mount.mount_point, "/mnt/x");
  EXPECT_EQ(full.mount.options.push, PushMode::kNone);
  EXPECT_TRUE(full.mount.options.is_offline);
  EXPECT_FALSE(full.mount.is_foreground);
  EXPECT_TRUE(full.has_options);
  EXPECT_EQ(full.flush_timeout_s, 1.5);
  EXPECT_EQ(full.command, command);
  ::setenv("HOME", "/home/ada", 1);
  EXPECT_EQ(run_of({"run", "--mountpoint", "~/x", "--", "a"}).mount.mount_point, "/home/ada/x");
  EXPECT_EQ(run_of({"run", "--flush-timeout=0", "--", "a"}).flush_timeout_s, 0);
}

TEST(CommandLine, RunWantsACommandBehindTwoDashes) {
  for (const Words& words : {Words{"run"}, Words{"run", "--"}, Words{"run", "lab/cache", "train"}})
    EXPECT_EQ(refusal_of([&] { parse_command_line("neffs", words); }).text,
              "run: the command is missing (neffs run [SOURCE] -- COMMAND...)");
  for (const Words& words :
       {Words{"run", "lab/cache", "train", "--", "train"}, Words{"run", "/mnt/x", "--", "train"},
        Words{"run", "-f", "--", "train"}, Words{"run", "-o", "nonsense", "--", "train"},
        Words{"run", "--flush-timeout", "-1", "--", "train"},
        Words{"run", "--flush-timeout", "soon", "--", "train"}})
    EXPECT_EQ(refusal_of([&] { parse_command_line("neffs", words); }).exit_code, kWrongUsage)
        << testing::PrintToString(words);
  EXPECT_TRUE(std::holds_alternative<Printed>(
      parse_command_line("neffs", {"run", "--help", "--", "train"})));
}

TEST(CommandLine, UmountFlushesWithAndWithoutALimit) {
  struct Row {
    Words words;
    bool flushes;
    std::optional<double> seconds;
    const char* mount_point;
  };
  const Row rows[] = {
      {{"umount"}, false, std::nullopt, kDefaultMountPoint},
      {{"umount", "--flush"}, true, std::nullopt, kDefaultMountPoint},
      {{"umount", "--flush=0"}, true, 0, kDefaultMountPoint},
      {{"umount", "--flush=2.5", "/mnt/x"}, true, 2.5, "/mnt/x"},
      {{"umount", "/mnt/x", "--flush"}, true, std::nullopt, "/mnt/x"},
      {{"umount", "--flush", "--lazy"}, true, std::nullopt, kDefaultMountPoint},
      {{"umount", "--flush", "/mnt/x"}, true, std::nullopt, "/mnt/x"},
  };
  for (const Row& row : rows) {
    const auto umount = std::get<UmountRequest>(parse_command_line("neffs", row.words));
    EXPECT_EQ(umount.flushes, row.flushes) << testing::PrintToString(row.words);
    EXPECT_EQ(umount.flush_s, row.seconds) << testing::PrintToString(row.words);
    EXPECT_EQ(umount.mount_point, row.mount_point) << testing::PrintToString(row.words);
  }
}

TEST(CommandLine, MountHelperTakesTheArgumentsOfMount8) {
  const MountRequest request =
      mount_of({"lab/cache", "/mnt/x", "-n", "-v", "-s", "-o", "rw,noauto,nosuid,x-foo=1,list=all"},
               "/usr/sbin/mount.neffs");
  EXPECT_EQ(request.sources, "lab/cache");
  EXPECT_EQ(request.mount_point, "/mnt/x");
  EXPECT_EQ(request.options.list, ListMode::kAll);
  EXPECT_FALSE(request.is_foreground);
  EXPECT_TRUE(std::holds_alternative<Printed>(
      parse_command_line("mount.neffs", {"lab/cache", "/mnt/x", "-f"})))
      << "a fake mount mounts nothing";
  EXPECT_EQ(refusal_of([] { parse_command_line("mount.neffs", {"lab/cache"}); }).exit_code,
            kWrongUsage);
}

TEST(CommandLine, WrongUsageIsCalledSo) {
  const Words rows[] = {{},
                        {"mout"},
                        {"mount", "a/b", "/c", "/d"},
                        {"mount", "--force"},
                        {"mount", "-o"},
                        {"mount", "-o", "nonsense"},
                        {"umount", "/a", "/b"},
                        {"explain"},
                        {"doctor", "--clear-all"},
                        {"flush", "/a", "/b"},
                        {"flush", "--yes"},
                        {"retract"},
                        {"create", "lab/cache"},
                        {"set"},
                        {"set", "a", "b"},
                        {"retract", "--repo"},
                        {"flush", "--timeout", "soon"},
                        {"flush", "--timeout", "-1"},
                        {"umount", "--flush=soon"},
                        {"umount", "--flush=-1"},
                        {"completion"},
                        {"completion", "csh"},
                        {"version", "x"}};
  for (const Words& words : rows) {
    EXPECT_EQ(refusal_of([&] { parse_command_line("neffs", words); }).exit_code, kWrongUsage)
        << testing::PrintToString(words);
  }
}

TEST(CommandLine, UnknownCommandNamesTheNearest) {
  EXPECT_EQ(refusal_of([] {
              parse_command_line("neffs", {"unmount", "/x"});
            }).text,
            "command unmount: unknown (is umount meant? neffs --help lists them all)");
}

TEST(CommandLine, LookupTakesTheArgumentsOfOptimumCli) {
  const auto lookup = std::get<LookupRequest>(parse_command_line(
      "neffs", {"lookup", "org/model", "--task", "text-generation", "--instance_type", "trn1",
                "--dtype", "bfloat16", "--tensor_parallel_size", "2", "--batch_size", "4",
                "--sequence_length", "4096", "--repo_id", "lab/cache"}));
  EXPECT_EQ(lookup.model, "org/model");
  EXPECT_EQ(lookup.filter.task, "text-generation");
  EXPECT_EQ(lookup.filter.instance_type, "trn1");
  EXPECT_EQ(lookup.filter.dtype, "bfloat16");
  EXPECT_EQ(lookup.filter.tensor_parallel_size, 2U);
  EXPECT_EQ(lookup.filter.batch_size, 4U);
  EXPECT_EQ(lookup.filter.sequence_length, 4096U);
  EXPECT_EQ(lookup.repos, "lab/cache");
  const auto bare = std::get<LookupRequest>(parse_command_line("neffs", {"lookup", "m"}));
  EXPECT_FALSE(bare.filter.batch_size || bare.filter.sequence_length || bare.is_json);
}

TEST(CommandLine, ListTakesTheArgumentsThatOptimumCliHad) {
  const auto list = std::get<ListRequest>(
      parse_command_line("neffs", {"list", "lab/cache", "-m", "org/model", "-v", "2.21"}));
  EXPECT_EQ(list.repo, "lab/cache");
  EXPECT_EQ(list.model, "org/model");
  EXPECT_EQ(list.version, "2.21");
}

TEST(CommandLine, SynchronizeTakesTheArgumentsOfOptimumCli) {
  const auto synchronize_of = [](const Words& words) {
    return std::get<SynchronizeRequest>(parse_command_line("neffs", words));
  };
  const auto bare = synchronize_of({"synchronize"});
  EXPECT_EQ(bare.directory, kDefaultMountPoint);
  EXPECT_EQ(bare.repo, "");
  EXPECT_EQ(bare.settle_s, 5);
  const auto full = synchronize_of(
      {"synchronize", "--repo_id", "lab/cache", "--cache_dir", "/x", "--settle", "0.5", "--json"});
  EXPECT_EQ(full.directory, "/x");
  EXPECT_EQ(full.repo, "lab/cache");
  EXPECT_EQ(full.settle_s, 0.5);
  EXPECT_TRUE(full.is_json);
}

TEST(CommandLine, UnknownOptionNamesTheNearest) {
  const auto text_of = [](const Words& words) {
    return refusal_of([&] { parse_command_line("neffs", words); }).text;
  };
  EXPECT_EQ(text_of({"flush", "--timout=3"}),
            "option --timout: unknown (is --timeout meant? neffs flush --help lists them all)");
  EXPECT_EQ(text_of({"create", "--pubic"}),
            "option --pubic: unknown (is --public meant? neffs create --help lists them all)");
  EXPECT_EQ(text_of({"list", "--repo_id"}),
            "option --repo_id: unknown (neffs list --help lists them all)");
}

TEST(CommandLine, TimesAreChecked) {
  const auto text_of = [](const Words& words) {
    return refusal_of([&] { parse_command_line("neffs", words); }).text;
  };
  EXPECT_THAT(text_of({"flush", "--timeout=abc"}), HasSubstr("abc: not a time in seconds"));
  EXPECT_THAT(text_of({"status", "--watch=0"}), HasSubstr("at least 0.1"));
  EXPECT_THAT(text_of({"synchronize", "--settle", "-1"}), HasSubstr("not a time in seconds"));
}

TEST(CommandLine, AsksForHelpInEveryWay) {
  const auto printed = [](const Words& words) {
    return std::get<Printed>(parse_command_line("neffs", words)).text;
  };
  EXPECT_EQ(printed({"help", "flush"}), printed({"flush", "--help"}));
  EXPECT_EQ(printed({"--version"}), std::string("neffs ") + NEFFS_VERSION + "\n");
  EXPECT_THAT(refusal_of([] {
                parse_command_line("neffs", {"help", "fluhs"});
              }).text,
              HasSubstr("is flush meant?"));
}

TEST(CommandLine, EveryCommandExplainsItselfWithAnExample) {
  for (const Words& words :
       {Words{"--help"}, Words{"mount", "--help"}, Words{"umount", "--help"},
        Words{"status", "--help"}, Words{"doctor", "--help"}, Words{"flush", "--help"},
        Words{"retract", "--help"}, Words{"create", "--help"}, Words{"set", "--help"},
        Words{"restore", "--help"}, Words{"run", "--help"}, Words{"explain", "--help"},
        Words{"lookup", "--help"}, Words{"list", "--help"}, Words{"synchronize", "--help"},
        Words{"completion", "--help"}, Words{"help", "--help"}, Words{"help"},
        Words{"version", "--help"}}) {
    const auto printed = std::get<Printed>(parse_command_line("neffs", words));
    EXPECT_THAT(printed.text, HasSubstr("Example:\n  neffs "));
  }
  EXPECT_THAT(std::get<Printed>(parse_command_line("neffs", {"mount", "--help"})).text,
              HasSubstr("hub_timeout=SECONDS"));
}

struct Ended {
  int code = -1;
  std::string out;
  std::string err;
};

Ended run_program(Words words) {
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  const int code = run(static_cast<int>(words.size()), arguments.data());
  return {code, testing::internal::GetCapturedStdout(), testing::internal::GetCapturedStderr()};
}

TEST(Program, ExitCodes) {
  const Ended version = run_program({"neffs", "version"});
  EXPECT_EQ(version.code, 0);
  EXPECT_EQ(version.out, std::string("neffs ") + NEFFS_VERSION + "\n");
  EXPECT_EQ(version.err, "");

  const Ended wrong = run_program({"neffs", "mount", "-o", "ofline"});
  EXPECT_EQ(wrong.code, 2);
  EXPECT_EQ(wrong.out, "");
  EXPECT_EQ(
      wrong.err,
      "neffs: option ofline: unknown (is offline meant? neffs mount --help lists them all)\n");

  const TemporaryDirectory directory;
  const Ended failed = run_program({"neffs", "umount", directory.path().string()});
  EXPECT_EQ(failed.code, 1);
  EXPECT_EQ(failed.err, "neffs: " + directory.path().string() + ": not mounted\n");
}

TEST(Program, StatusWorksWithoutAMount) {
  const TemporaryDirectory directory;
  const Ended json = run_program({"neffs", "status", directory.path().string(), "--json"});
  EXPECT_EQ(json.code, 0);
  const auto status = nlohmann::json::parse(json.out);
  EXPECT_EQ(status["mounted"], false);
  EXPECT_EQ(status["mountpoint"], directory.path().string());
  EXPECT_TRUE(status["layer_bytes"].is_null());
  const Ended text = run_program({"neffs", "status", directory.path().string()});
  EXPECT_THAT(text.out, StartsWith(directory.path().string() + ": not mounted\n  layer  "))
      << "what else is mounted on this host may follow";
}

TEST(Program, StatusWithoutAMountCountsTheCopies) {
  const TemporaryDirectory directory;
  {
    const auto state = take_state_directory(directory.open().get(), directory.path().string(), {});
    index::OpenReport report;
    const auto index = index::Index::open(state.path_of(kIndexName), report);
    index::LayerFile copy;
    copy.path = "v/MODULE_1/model.neff";
    index->intend_copy(copy);
    index->place_copy(copy.path, 2048, 1);
  }
  const Ended text = run_program({"neffs", "status", directory.path().string()});
  EXPECT_THAT(text.out, HasSubstr(directory.path().string() + ": copies of 2.0 KiB in 1 file\n"));
}

TEST(Program, ExplainWithoutAMountLooksAtTheDirectory) {
  const TemporaryDirectory directory;
  write_file(directory.path() / "file", "x");
  const auto found = [&](const std::string& path) {
    const Ended ended = run_program(
        {"neffs", "explain", path, "--mountpoint", directory.path().string(), "--json"});
    return nlohmann::json::parse(ended.out)["found"].get<std::string>();
  };
  EXPECT_EQ(found("file"), "local");
  EXPECT_EQ(found((directory.path() / "file").string()), "local");
  EXPECT_EQ(found("MODULE_1+a"), "absent");
}

}  // namespace
}  // namespace neffs::test
