#include "mount-helper/options.h"

#include <map>
#include <set>

#include "mount-helper/nearest.h"
#include "mount-helper/option_values.h"
#include "tests/unit/mount-helper/mount_helper_kit.h"

namespace neffs::test {
namespace {

using namespace mount_helper;  // NOLINT(google-build-using-namespace): the tables below are all of it
using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(OptionValues, Sizes) {
  const std::pair<const char*, std::uint64_t> rows[] = {
      {"0", 0},          {"4096", 4096},       {"1K", 1024},          {"1k", 1024},
      {"1.5M", 1572864}, {"20G", 21474836480}, {"2t", 2199023255552}, {"0.5K", 512},
  };
  for (const auto& [text, size] : rows) EXPECT_EQ(parse_size(text), size) << text;
  for (const char* text : {"", "G", "-1", "+1", "1e3", "1.", ".5", "1 G", "1GB", "0x10", "nan",
                           "1.2.3", "99999999999999999999", "9000000T"}) {
    EXPECT_THROW(parse_size(text), std::invalid_argument) << text;
  }
}

TEST(OptionValues, Seconds) {
  const std::pair<const char*, milliseconds> rows[] = {{"0", milliseconds(0)},
                                                       {"2", milliseconds(2000)},
                                                       {"0.25", milliseconds(250)},
                                                       {"0.0004", milliseconds(0)},
                                                       {"3600", milliseconds(3'600'000)}};
  for (const auto& [text, time] : rows) EXPECT_EQ(parse_seconds(text), time) << text;
  for (const char* text : {"", "-1", "2s", "inf", "1e9", "99999999999"}) {
    EXPECT_THROW(parse_seconds(text), std::invalid_argument) << text;
  }
}

TEST(OptionValues, MasksAndGroups) {
  EXPECT_EQ(parse_mask("0"), 0U);
  EXPECT_EQ(parse_mask("022"), 022U);
  EXPECT_EQ(parse_mask("777"), 0777U);
  for (const char* text : {"", "8", "1000", "-1", "0o22"}) {
    EXPECT_THROW(parse_mask(text), std::invalid_argument) << text;
  }
  EXPECT_EQ(parse_gid("1000"), 1000U);
  for (const char* text : {"", "users", "-1", "4294967295", "4294967296"}) {
    EXPECT_THROW(parse_gid(text), std::invalid_argument) << text;
  }
}

TEST(Nearest, EditDistance) {
  const std::tuple<const char*, const char*, std::size_t> rows[] = {
      {"", "", 0},          {"", "abc", 3},           {"abc", "", 3},
      {"abc", "abc", 0},    {"kitten", "sitting", 3}, {"ro", "rw", 1},
      {"polll", "poll", 1}, {"offlien", "offline", 2}};
  for (const auto& [from, to, distance] : rows) {
    EXPECT_EQ(edit_distance(from, to), distance) << from << " " << to;
  }
  EXPECT_EQ(nearest("x", {}), "");
}

TEST(Nearest, OnlyWhatIsNearIsGuessed) {
  const std::vector<std::string_view> words{"ro", "token_file", "--help", "cache_size"};
  const std::pair<const char*, const char*> rows[] = {{"token", "is token_file meant? "},
                                                      {"cachesize", "is cache_size meant? "},
                                                      {"rw", "is ro meant? "},
                                                      {"--repo_id", ""},
                                                      {"to", "is ro meant? "},
                                                      {"something", ""}};
  for (const auto& [typed, said] : rows) EXPECT_EQ(guess(typed, words), said) << typed;
  EXPECT_EQ(guess("x", {}), "");
}

TEST(Options, DefaultsAreThoseOfTheContract) {
  const MountOptions options = parse_options({});
  EXPECT_FALSE(options.is_read_only);
  EXPECT_FALSE(options.is_offline);
  EXPECT_EQ(options.push, PushMode::kAuto);
  EXPECT_EQ(options.push_repo, "");
  EXPECT_EQ(options.keep.settle, milliseconds(5000));
  EXPECT_EQ(options.commit_interval, milliseconds(40'000));
  EXPECT_EQ(options.layer, "");
  EXPECT_EQ(options.list, ListMode::kAuto);
  EXPECT_EQ(options.passthrough, PassthroughMode::kAuto);
  EXPECT_EQ(options.hub_timeout, milliseconds(2000));
  EXPECT_EQ(options.fetch_timeout, milliseconds(60'000));
  EXPECT_EQ(options.dmask, 0U);
  EXPECT_EQ(options.fmask, 0U);
  EXPECT_FALSE(options.gid);
  EXPECT_EQ(options.log, LogLevel::kInfo);
}

TEST(Options, EveryOneThatThisVersionHas) {
  const MountOptions options = parse_options(
      {"ro,offline,push=lab/cache,layer=/data/a\\,b,list=all,passthrough=off,hub_timeout=0.5",
       "fetch_timeout=90,settle=0.5,commit_interval=120,dmask=022,fmask=0133,gid=1000,token_file=/"
       "run/token",
       "allow_other", "default_permissions,log=debug"});
  EXPECT_TRUE(options.is_read_only);
  EXPECT_TRUE(options.is_offline);
  EXPECT_EQ(options.push, PushMode::kRepo);
  EXPECT_EQ(options.push_repo, "lab/cache");
  EXPECT_EQ(options.keep.settle, milliseconds(500));
  EXPECT_EQ(options.commit_interval, milliseconds(120'000));
  EXPECT_EQ(options.layer, "/data/a,b");
  EXPECT_EQ(options.list, ListMode::kAll);
  EXPECT_EQ(options.passthrough, PassthroughMode::kOff);
  EXPECT_EQ(options.hub_timeout, milliseconds(500));
  EXPECT_EQ(options.fetch_timeout, milliseconds(90'000));
  EXPECT_EQ(options.dmask, 022U);
  EXPECT_EQ(options.fmask, 0133U);
  EXPECT_EQ(options.gid, 1000U);
  EXPECT_EQ(options.token_file, "/run/token");
  EXPECT_TRUE(options.allow_other);
  EXPECT_TRUE(options.default_permissions);
  EXPECT_EQ(options.log, LogLevel::kDebug);
}

TEST(Options, LastOneWins) {
  EXPECT_FALSE(parse_options({"ro,rw"}).is_read_only);
  EXPECT_TRUE(parse_options({"rw", "ro"}).is_read_only);
  EXPECT_EQ(parse_options({"list=all,list=local"}).list, ListMode::kLocal);
  const MountOptions options = parse_options({"push=lab/cache,push=auto"});
  EXPECT_EQ(options.push, PushMode::kAuto);
  EXPECT_EQ(options.push_repo, "");
  EXPECT_EQ(parse_options({"metrics=/a,metrics=/b"}).metrics, "/b");
}

TEST(Options, WordsStandForTheirEnum) {
  EXPECT_EQ(parse_options({"push=none"}).push, PushMode::kNone);
  EXPECT_EQ(parse_options({"list=auto"}).list, ListMode::kAuto);
  EXPECT_EQ(parse_options({"passthrough=on"}).passthrough, PassthroughMode::kOn);
  EXPECT_EQ(parse_options({"log=error"}).log, LogLevel::kError);
  EXPECT_EQ(parse_options({"log=warn"}).log, LogLevel::kWarn);
  EXPECT_EQ(parse_options({"stale_locks=reboot"}).keep.stale_locks, fs::StaleLocks::kReboot);
  EXPECT_EQ(parse_options({"stale_locks=keep"}).keep.stale_locks, fs::StaleLocks::kKeep);
  EXPECT_EQ(parse_options({"stale_locks=clear"}).keep.stale_locks, fs::StaleLocks::kClear);
  EXPECT_FALSE(parse_options({"adopt=hold"}).keep.adopts);
  EXPECT_TRUE(parse_options({"adopt=push"}).keep.adopts);
}

TEST(Options, FailuresAreKeptOrExpire) {
  EXPECT_EQ(parse_options({"ro"}).keep.failures, std::nullopt);
  EXPECT_EQ(parse_options({"failures=1.5"}).keep.failures, milliseconds(1500));
  EXPECT_EQ(parse_options({"failures=60,failures=keep"}).keep.failures, std::nullopt);
}

TEST(Options, HowFreshTheHeadIs) {
  EXPECT_EQ(parse_options({}).poll, milliseconds(60'000));
  EXPECT_EQ(parse_options({}).miss_check, milliseconds(15'000));
  EXPECT_EQ(parse_options({"poll=5"}).poll, milliseconds(5'000));
  EXPECT_EQ(parse_options({"miss_check=0.5"}).miss_check, milliseconds(500));
}

TEST(Options, SizesOfTheCache) {
  const auto evict = parse_options({"cache_size=20G,min_free=5G"}).evict;
  EXPECT_EQ(evict.cache_size, std::uint64_t{20} << 30);
  EXPECT_EQ(evict.min_free, std::uint64_t{5} << 30);
  EXPECT_FALSE(parse_options({"cache_size=20G,cache_size=none"}).evict.cache_size);
  EXPECT_FALSE(parse_options({}).evict.min_free);  // a tenth of the disk
}

TEST(Options, WrongValuesSayHowToWriteThem) {
  const std::pair<const char*, const char*> rows[] = {
      {"cache_size=big", "option cache_size=big: not a size, write it like 500M or 1.5T"},
      {"poll=often", "option poll=often: not a time in seconds, write it like 2 or 0.5"},
      {"list=none", "option list=none: not one of auto, local, all"},
      {"list", "option list: a value is missing (write list=auto|local|all)"},
      {"ro=yes", "option ro=yes: takes no value (write ro)"},
      {"push=cache", "option push=cache: neither auto nor none nor a repo, namespace/name"},
      {"settle=soon", "option settle=soon: not a time in seconds, write it like 2 or 0.5"},
      {"commit_interval",
       "option commit_interval: a value is missing (write commit_interval=SECONDS)"},
      {"layer=", "option layer=: a path is missing"},
      {"adopt=all", "option adopt=all: not one of hold, push"},
      {"failures=never", "option failures=never: not a time in seconds, write it like 2 or 0.5"},
  };
  for (const auto& [text, message] : rows) {
    const Refusal refusal = refusal_of([&, list = std::string(text)] { parse_options({list}); });
    EXPECT_EQ(refusal.text, message);
    EXPECT_EQ(refusal.exit_code, kWrongUsage);
  }
}

TEST(Options, UnknownOneNamesTheNearest) {
  const std::pair<const char*, const char*> rows[] = {{"ofline", "offline"},
                                                      {"pass_through=on", "passthrough"},
                                                      {"cachesize=1G", "cache_size"},
                                                      {"hubtimeout=1", "hub_timeout"},
                                                      {"Layer=/x", "layer"}};
  for (const auto& [text, meant] : rows) {
    const Refusal refusal = refusal_of([&, list = std::string(text)] { parse_options({list}); });
    EXPECT_THAT(refusal.text, HasSubstr(std::string("is ") + meant + " meant?")) << text;
    EXPECT_EQ(refusal.exit_code, kWrongUsage);
  }
}

TEST(Options, GenericOnesArePassedOnOrIgnored) {
  const MountOptions options =
      parse_options({"rw,noauto,nofail,_netdev,user,x-systemd.automount,nosuid,nodev,noatime,,"});
  EXPECT_THAT(options.kernel_options, ElementsAre("nosuid", "nodev", "noatime"));
}

TEST(Options, TableIsTheWholeContract) {
  const std::set<std::string_view> contract = {"ro",
                                               "push",
                                               "adopt",
                                               "layer",
                                               "list",
                                               "cache_size",
                                               "min_free",
                                               "poll",
                                               "miss_check",
                                               "settle",
                                               "commit_interval",
                                               "hub_timeout",
                                               "fetch_timeout",
                                               "stale_locks",
                                               "failures",
                                               "dmask",
                                               "fmask",
                                               "gid",
                                               "offline",
                                               "passthrough",
                                               "token_file",
                                               "allow_other",
                                               "default_permissions",
                                               "metrics",
                                               "log"};
  std::set<std::string_view> table;
  for (const OptionSpec& spec : option_table()) table.insert(spec.name);
  EXPECT_EQ(table, contract);
  for (const std::string_view name : contract) {
    EXPECT_THAT(options_help(), HasSubstr("\n  " + std::string(name))) << name;
  }
}

TEST(OptionsTest, WhatMayChangeIsTakenOverAndNothingElse) {
  auto options = parse_options({"poll=1,cache_size=1G,layer=/a,log=warn"});
  const auto now = parse_options({"poll=2,min_free=3G,layer=/b,ro,log=warn"});
  const auto changes = take_over(options, now);
  EXPECT_THAT(changes.taken_over, ElementsAre("cache_size", "min_free", "poll"));
  EXPECT_THAT(changes.left, ElementsAre("ro", "layer"));
  EXPECT_EQ(options.poll, milliseconds(2'000));
  EXPECT_EQ(options.evict.cache_size, std::nullopt) << "it is not said any more";
  EXPECT_EQ(options.evict.min_free, std::uint64_t{3} << 30);
  EXPECT_EQ(options.layer, "/a");
  EXPECT_FALSE(options.is_read_only);
  const auto again = take_over(options, now);
  EXPECT_THAT(again.taken_over, IsEmpty());
  EXPECT_THAT(again.left, ElementsAre("ro", "layer")) << "until it is mounted anew";
}

TEST(OptionsTest, WhatIsTypedStaysWhateverAFileSaysLater) {
  auto options = parse_options({"poll=1"}, {{"poll", "2", "f:1"}, {"settle", "3", "f:2"}});
  const auto now = parse_options({"poll=1"}, {{"poll", "4", "f:1"}, {"settle", "5", "f:2"}});
  EXPECT_THAT(take_over(options, now).taken_over, ElementsAre("settle"));
  EXPECT_EQ(options.poll, milliseconds(1'000));
}

TEST(OptionsTest, EachThatMayChangeIsTakenOverByItsName) {
  const std::map<std::string, std::string> values = {
      {"cache_size", "7G"}, {"min_free", "7G"},     {"poll", "7"},
      {"miss_check", "7"},  {"settle", "7"},        {"commit_interval", "7"},
      {"hub_timeout", "7"}, {"fetch_timeout", "7"}, {"log", "debug"}};
  for (const OptionSpec& spec : option_table()) {
    const auto value = values.find(std::string(spec.name));
    ASSERT_EQ(spec.take_over != nullptr, value != values.end()) << spec.name;
    if (spec.take_over == nullptr) continue;
    auto options = parse_options({});
    const auto now = parse_options({value->first + "=" + value->second});
    spec.take_over(options, now);
    EXPECT_EQ(options.poll, now.poll) << spec.name;
    EXPECT_EQ(options.miss_check, now.miss_check) << spec.name;
    EXPECT_EQ(options.keep.settle, now.keep.settle) << spec.name;
    EXPECT_EQ(options.commit_interval, now.commit_interval) << spec.name;
    EXPECT_EQ(options.hub_timeout, now.hub_timeout) << spec.name;
    EXPECT_EQ(options.fetch_timeout, now.fetch_timeout) << spec.name;
    EXPECT_EQ(options.evict.cache_size, now.evict.cache_size) << spec.name;
    EXPECT_EQ(options.evict.min_free, now.evict.min_free) << spec.name;
    EXPECT_EQ(options.log, now.log) << spec.name;
  }
}

}  // namespace
}  // namespace neffs::test
