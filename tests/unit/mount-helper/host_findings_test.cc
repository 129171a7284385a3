// What doctor finds wrong with a host and with the way to the Hub, from what it has seen of them.
#include "mount-helper/host_findings.h"

#include "mount-helper/commands/doctor.h"
#include "tests/unit/mount-helper/mount_helper_kit.h"

namespace neffs::test {
namespace {

using hub::HubErrorKind;
using mount_helper::find_host_trouble;
using mount_helper::find_hub_trouble;
using mount_helper::find_stray_cache;
using mount_helper::Finding;
using mount_helper::HostFacts;
using mount_helper::HubReach;
using mount_helper::neuron_cache_of;
using mount_helper::notes_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::filesystem::path kCache = mount_helper::kDefaultMountPoint;

HostFacts good_host() {
  HostFacts facts;
  facts.is_root = facts.has_device = facts.may_open_device = facts.allows_other = true;
  facts.fusermount = "/usr/bin/fusermount3";
  facts.kernel = "6.9.3-aws";
  facts.fuse_library = "3.14.0";
  facts.disk = "ext4";
  facts.free_bytes = facts.disk_bytes = std::uint64_t{100} << 30;
  return facts;
}

std::vector<std::string> checks_of(const std::vector<Finding>& findings) {
  std::vector<std::string> checks;
  for (const auto& finding : findings) {
    EXPECT_FALSE(finding.mend.empty()) << finding.what;
    checks.push_back(finding.check);
  }
  return checks;
}

TEST(HostFindings, AGoodHostHasNone) {
  EXPECT_THAT(find_host_trouble(good_host()), IsEmpty());
  EXPECT_THAT(find_stray_cache(good_host(), kCache), IsEmpty());
  EXPECT_THAT(notes_of(good_host(), kCache), IsEmpty());
}

TEST(HostFindings, EachIsNamedWithItsMend) {
  const std::pair<const char*, void (*)(HostFacts&)> rows[] = {
      {"device", [](HostFacts& facts) { facts.has_device = facts.may_open_device = false; }},
      {"device", [](HostFacts& facts) { facts.may_open_device = false; }},
      {"fusermount3",
       [](HostFacts& facts) {
         facts.is_root = false;
         facts.fusermount.clear();
       }},
      {"disk", [](HostFacts& facts) { facts.disk = "nfs4"; }},
      {"disk", [](HostFacts& facts) { facts.free_bytes = std::uint64_t{1} << 30; }},
  };
  for (const auto& [check, spoil] : rows) {
    auto facts = good_host();
    spoil(facts);
    EXPECT_THAT(checks_of(find_host_trouble(facts)), ElementsAre(check));
  }
}

TEST(HostFindings, WhatCouldBeBetterIsNoFailure) {
  auto facts = good_host();
  facts.kernel = "6.1.0-18-amd64";
  EXPECT_THAT(checks_of(notes_of(facts, kCache)), ElementsAre("note"));
  facts = good_host();
  facts.fuse_library = "3.10.5";
  EXPECT_THAT(checks_of(notes_of(facts, kCache)), ElementsAre("note"));
  facts = good_host();
  facts.is_root = facts.allows_other = false;
  EXPECT_THAT(checks_of(notes_of(facts, kCache)), ElementsAre("note", "note"));
  EXPECT_THAT(find_host_trouble(facts), IsEmpty());
  const auto elsewhere = notes_of(good_host(), "/mnt/cache");
  ASSERT_EQ(elsewhere.size(), 1U);
  EXPECT_THAT(elsewhere[0].mend, HasSubstr("NEURON_COMPILE_CACHE_URL=/mnt/cache"));
}

// As libneuronxla chooses it.
TEST(HostFindings, TheCacheThatNeuronUses) {
  struct Row {
    const char* flags;
    const char* url;
    const char* expected;
  };
  for (const auto& [flags, url, expected] : {
           Row{"", "", mount_helper::kDefaultMountPoint},
           Row{"--model-type transformer", "/data/cache", "/data/cache"},
           Row{"--cache_dir=/a --model-type unet", "/data/cache", "/a"},
           Row{"--cache_dir /a", "", "/a"},
           Row{"", "s3://bucket/cache", "s3://bucket/cache"},
           Row{"--no_cache --cache_dir=/a", "", ""},
       })
    EXPECT_EQ(neuron_cache_of(flags, url), expected) << flags;
}

TEST(HostFindings, ProgramsThatUseAnotherCache) {
  auto facts = good_host();
  facts.cc_flags = "--cache_dir=/mnt/cache/";
  EXPECT_THAT(find_stray_cache(facts, "/mnt/cache"), IsEmpty());
  EXPECT_THAT(checks_of(find_stray_cache(facts, kCache)), ElementsAre("cache"));
  EXPECT_EQ(find_stray_cache(facts, kCache)[0].subject, "NEURON_CC_FLAGS");
  facts.cc_flags = "--no_cache";
  EXPECT_THAT(checks_of(find_stray_cache(facts, kCache)), ElementsAre("cache"));
  facts.cc_flags = "";
  facts.cache_url = "s3://bucket/cache";
  EXPECT_EQ(find_stray_cache(facts, kCache)[0].subject, "NEURON_COMPILE_CACHE_URL");
}

TEST(HostFindings, WhatTheHubRefusesHasAMend) {
  HubReach reach{"https://hub.test", "lab/cache@dev", "anonymous", std::nullopt, "", std::nullopt};
  EXPECT_THAT(find_hub_trouble(reach), IsEmpty());
  const std::pair<HubErrorKind, const char*> rows[] = {
      {HubErrorKind::kUnauthorized, "hf auth login"},
      {HubErrorKind::kRepoNotFound, "neffs create"},
      {HubErrorKind::kRevisionNotFound, "after @"},
      {HubErrorKind::kGated, "https://hub.test/lab/cache"},
      {HubErrorKind::kThrottled, "token"},
      {HubErrorKind::kInvalidAnswer, "captive portal"},
      {HubErrorKind::kUnavailable, "HTTPS_PROXY"},
      {HubErrorKind::kDisabled, "neffs mount"},
  };
  for (const auto& [kind, mend] : rows) {
    reach.failure = kind;
    reach.text = "no\x1b[31m";
    ASSERT_EQ(find_hub_trouble(reach).size(), 1U);
    EXPECT_THAT(find_hub_trouble(reach)[0].mend, HasSubstr(mend));
    EXPECT_EQ(find_hub_trouble(reach)[0].what, "no?[31m");
  }
  reach.text = "lab/cache: it is away (come back later)";
  EXPECT_EQ(find_hub_trouble(reach)[0].what, "lab/cache: it is away");
  EXPECT_EQ(find_hub_trouble(reach)[0].mend, "come back later");
  reach.failure = HubErrorKind::kOffline;
  EXPECT_THAT(find_hub_trouble(reach), IsEmpty()) << "nobody was asked";
}

TEST(HostFindings, AClockThatIsWrong) {
  HubReach reach;
  reach.ahead_of_us = std::chrono::seconds(59);
  EXPECT_THAT(find_hub_trouble(reach), IsEmpty());
  reach.ahead_of_us = std::chrono::seconds(7500);
  EXPECT_EQ(find_hub_trouble(reach)[0].what, "is 2 h 5 min behind the Hub");
  reach.ahead_of_us = std::chrono::seconds(-7500);
  EXPECT_EQ(find_hub_trouble(reach)[0].what, "is 2 h 5 min ahead of the Hub");
}

TEST(HostFindings, ASourceThatRefusesTheMount) {
  const auto status = nlohmann::ordered_json::parse(R"({"sources":[
    {"repo":"lab/a","state":"ok"},{"repo":"lab/b","state":"auth"},{"repo":"lab/c","state":"missing"},
    {"repo":"lab/d","state":"throttled"},{"repo":"lab/e","state":"offline"}]})");
  const auto found = mount_helper::find_source_trouble(status);
  EXPECT_THAT(checks_of(found), ElementsAre("source", "source", "source"));
  EXPECT_EQ(found[0].subject, "lab/b");
  EXPECT_THAT(mount_helper::find_source_trouble(nlohmann::ordered_json::object()), IsEmpty());
}

TEST(HostFindings, AreShownBeforeThoseOfTheMount) {
  mount_helper::Diagnosis diagnosis;
  diagnosis.status = {{"mountpoint", "/mnt/x"},
                      {"push", {{"repo", "lab/cache"}, {"last_error", "403"}}}};
  diagnosis.cleared = nlohmann::ordered_json::object();
  diagnosis.around = {{"device", "/dev/fuse", "is not there", "modprobe fuse"}};
  diagnosis.notes = {{"note", "Linux 6.1", "reads are copied", "6.9"}};
  EXPECT_EQ(mount_helper::diagnosis_text(diagnosis, false),
            "/mnt/x\n"
            "  device      /dev/fuse: is not there (modprobe fuse)\n"
            "  publishing  lab/cache: 403 (it is tried again by itself; neffs status --json names "
            "what waits, in push.modules)\n"
            "  note        Linux 6.1: reads are copied (6.9)\n");
  const auto json = mount_helper::diagnosis_json(diagnosis);
  EXPECT_EQ(json.at("findings").size(), 2U);
  EXPECT_EQ(json.at("notes").at(0).at("subject"), "Linux 6.1");
}

}  // namespace
}  // namespace neffs::test
