// What status, explain and doctor show people, from what a daemon answers.
#include "mount-helper/commands/doctor.h"
#include "mount-helper/commands/explain.h"
#include "mount-helper/commands/status.h"
#include "mount-helper/findings.h"
#include "mount-helper/place.h"
#include "tests/unit/mount-helper/mount_helper_kit.h"

namespace neffs::test {
namespace {

using mount_helper::change_text;
using mount_helper::diagnosis_json;
using mount_helper::diagnosis_text;
using mount_helper::explain_text;
using mount_helper::MountEntry;
using mount_helper::place_of;
using mount_helper::status_text;
using Json = nlohmann::ordered_json;

Json full_status() {
  return Json::parse(R"({"version":"0.1.0","mounted":true,"mountpoint":"/mnt/x","layer":"/data",
    "pid":123,"uptime_s":7500.5,"passthrough":true,"offline":false,
    "sources":[{"repo":"lab/cache","revision":"v1","commit":"0123456789abcdef","checked_s_ago":3.2,
                "state":"ok","push":true,"skipped_names":1}],
    "push":{"repo":"lab/cache","waiting":0,"queued":2,"uploading":1,"pushed":7,"superseded":0,
            "held":0,"failed":0,"commits":2,"next_commit_in_s":12.0,"last_error":null,"modules":[]},
    "layer_bytes":3221225472,"layer_files":4,"quota_bytes":null,
    "reads":{"local":10,"fetched":3,"bytes_fetched":999,"misses":5,"errors":0,"in_flight":1}})");
}

TEST(StatusText, OfARunningMount) {
  EXPECT_EQ(status_text(full_status(), false),
            "/mnt/x: mounted for 2 h 5 min, pid 123, passthrough\n"
            "  source  lab/cache@v1 at 0123456: ok, checked 3.2 s ago, 1 name skipped\n"
            "  push    lab/cache: 2 queued, 1 uploading, 7 pushed\n"
            "  layer   /data: copies of 3.0 GiB in 4 files\n"
            "  reads   10 local, 3 fetched, 5 misses, 999 B fetched, 1 now\n");
}

TEST(StatusText, OfWhatIsNotMounted) {
  const Json status = Json::parse(R"({"mounted":false,"mountpoint":"/mnt/x","layer":"/mnt/x",
    "layer_bytes":1024,"layer_files":1,"push":{"queued":2,"failed":0},"elsewhere":["/mnt/y"]})");
  EXPECT_EQ(status_text(status, false),
            "/mnt/x: not mounted\n"
            "  push     2 queued: the next mount of this directory goes on\n"
            "  layer    /mnt/x: copies of 1.0 KiB in 1 file\n"
            "  mounted  /mnt/y\n");
}

TEST(StatusText, CountsOneAsOne) {
  Json status = full_status();
  status["reads"] = {{"misses", 1}, {"errors", 1}, {"local", 1}};
  EXPECT_THAT(status_text(status, false), ::testing::HasSubstr("1 local, 1 miss, 1 error\n"));
}

TEST(ChangeText, SaysWhatHasGrownAndHowFast) {
  const Json before = full_status();
  EXPECT_EQ(change_text(before, before, 1), "");
  Json now = before;
  now["reads"]["bytes_fetched"] = 999 + (4 << 20);
  EXPECT_EQ(change_text(before, now, 2), "2.0 MiB/s fetched");
  now["reads"]["misses"] = 6;
  EXPECT_EQ(change_text(before, now, 2), "2.0 MiB/s fetched, 1 miss");
  now["reads"]["misses"] = 8;
  now["push"]["pushed"] = 8;
  EXPECT_EQ(change_text(before, now, 0.5), "8.0 MiB/s fetched, 3 misses, 1 module pushed");
  now["push"]["pushed"] = 9;
  EXPECT_EQ(change_text(before, now, 0), "3 misses, 2 modules pushed") << "no rate without a time";
  EXPECT_EQ(change_text(now, before, 1), "")
      << "a daemon that was started anew counts from nothing";
}

TEST(ChangeText, OfAMountThatKnowsLittle) {
  Json now = full_status();
  now["reads"]["misses"] = 100;
  Json less = full_status();
  less.erase("reads");
  less["push"] = Json::object();
  EXPECT_EQ(change_text(less, now, 1), "7 modules pushed");
  EXPECT_EQ(change_text(now, less, 1), "");
  EXPECT_EQ(change_text(Json::object(), Json::object(), 1), "");
}

TEST(StatusText, OfAMountThatKnowsLittle) {
  Json status = full_status();
  status["offline"] = true;
  status["passthrough"] = false;
  status["sources"][0].update({{"commit", nullptr},
                               {"checked_s_ago", nullptr},
                               {"state", "offline"},
                               {"revision", "main"},
                               {"skipped_names", 0}});
  status["push"]["repo"] = nullptr;
  status["reads"] = Json::object();
  EXPECT_EQ(status_text(status, false),
            "/mnt/x: mounted for 2 h 5 min, pid 123, offline\n"
            "  source  lab/cache: offline\n"
            "  push    no repo\n"
            "  layer   /data: copies of 3.0 GiB in 4 files\n"
            "  reads   nothing yet\n");
}

Json lock_of(const char* path, const char* creator) {
  return {{"path", path}, {"pid", 41}, {"taken_s_ago", 7500.0}, {"creator", creator}};
}

TEST(StatusText, NamesStaleLocksAndFailuresAndWhatIsHeld) {
  Json status = full_status();
  status["push"].update({{"repo", nullptr}, {"held", 3}, {"counting", true}});
  status["reads"] = nullptr;
  status["sources"] = nullptr;
  status["locks"] = {lock_of("v/A/x.lock", "gone"), lock_of("v/B/x.lock", "alive"),
                     lock_of("v/C/x.lock", "unknown"), lock_of("v/D/x.lock", "earlier boot")};
  status["failures"] = {{{"path", "v/E"}, {"age_s", 65.0}, {"text", "out of\x1b memory"}}};
  EXPECT_EQ(
      status_text(status, false),
      "/mnt/x: mounted for 2 h 5 min, pid 123, passthrough\n"
      "  push        no repo, 3 modules held, still counting\n"
      "  layer       /data: copies of 3.0 GiB in 4 files\n"
      "  stale lock  v/A/x.lock: made 2 h 5 min ago by process 41, which is gone (neffs doctor "
      "/mnt/x --clear-stale-locks removes it)\n"
      "  stale lock  v/D/x.lock: made 2 h 5 min ago by process 41, which is gone since an earlier "
      "boot (neffs doctor /mnt/x --clear-stale-locks removes it)\n"
      "  failure     v/E: compilation failed 65 s ago: out of? memory (it is tried again with "
      "--retry_failed_compilation in NEURON_CC_FLAGS, or when its model.log is deleted)\n");
}

TEST(StatusText, NamesAFewOfMany) {
  Json status = full_status();
  status["locks"] = Json::array();
  for (int i = 0; i < 7; ++i) status["locks"].push_back(lock_of("v/A/x.lock", "gone"));
  EXPECT_THAT(status_text(status, false), testing::HasSubstr("stale lock  2 more\n"));
}

TEST(ExplainText, NamesEveryLock) {
  Json unknown = lock_of("v/A/z.lock", "unknown");
  unknown["pid"] = unknown["taken_s_ago"] = nullptr;
  const Json answer = {
      {"path", "v/A"},
      {"in_layer", "locked"},
      {"locks", {lock_of("v/A/x.lock", "alive"), lock_of("v/A/y.lock", "gone"), unknown}}};
  EXPECT_EQ(
      explain_text(answer, false),
      "v/A\n"
      "  in layer    locked\n"
      "  lock        v/A/x.lock: made 2 h 5 min ago by process 41, which is alive\n"
      "  stale lock  v/A/y.lock: made 2 h 5 min ago by process 41, which is gone (neffs doctor "
      "--clear-stale-locks removes it)\n"
      "  lock        v/A/z.lock: made by a process unknown (delete it if nobody works there)\n");
}

TEST(ExplainText, SaysOfEachSourceThatGoesBeforeWhyNot) {
  const Json answer = {
      {"path", "v/A"},
      {"source", "https://hub/lab/cache@main"},
      {"passed_over", {{{"source", "https://hub/team/cache@main"}, {"why", "not in the repo"}}}}};
  EXPECT_EQ(explain_text(answer, false),
            "v/A\n"
            "  source    https://hub/lab/cache@main\n"
            "  not from  https://hub/team/cache@main: not in the repo\n");
}

TEST(Diagnosis, OfAMountThatIsWell) {
  EXPECT_EQ(diagnosis_text({full_status(), Json::object()}, false),
            "/mnt/x\n  all well  nothing is wrong\n");
  const Json json = diagnosis_json({full_status(), Json::object()});
  EXPECT_EQ(
      json,
      Json::parse(
          R"({"mountpoint":"/mnt/x","removed":[],"in_use":[],"findings":[],"notes":[],"host":null})"));
}

TEST(Diagnosis, SaysWhatWasMendedAndWhatIsLeft) {
  Json status = full_status();
  status["locks"] = Json::array({lock_of("v/B/x.lock", "gone")});
  const Json cleared = {{"removed", Json::array({lock_of("v/A/x.lock", "gone")})},
                        {"in_use", Json::array({lock_of("v/B/x.lock", "gone")})}};
  EXPECT_EQ(
      diagnosis_text({status, cleared}, false),
      "/mnt/x\n"
      "  removed     v/A/x.lock: made 2 h 5 min ago by process 41, which is gone\n"
      "  left        v/B/x.lock: somebody has it open\n"
      "  stale lock  v/B/x.lock: made 2 h 5 min ago by process 41, which is gone (neffs doctor "
      "/mnt/x --clear-stale-locks removes it)\n");
  const Json json = diagnosis_json({status, cleared});
  EXPECT_EQ(json["findings"][0]["check"], "stale lock");
  EXPECT_EQ(json["findings"][0]["subject"], "v/B/x.lock");
  EXPECT_EQ(json["removed"], cleared["removed"]);
}

TEST(Diagnosis, WarnsOfFoldersBeforeTheyAreFull) {
  Json status = full_status();
  status["push"]["folders"] = Json::parse(R"([{"path":"neuronxcc-1","names":8999},
      {"path":"neuronxcc-2","names":9000},{"path":"neuronxcc-3","names":10000}])");
  status["push"]["full_folders"] = {"neuronxcc-3"};
  EXPECT_EQ(diagnosis_text({status, Json::object()}, false),
            "/mnt/x\n"
            "  folder full  neuronxcc-3: lab/cache takes no more names in it: what is compiled "
            "stays here (neffs retract removes old modules of it, or mount a new repo)\n"
            "  folder       neuronxcc-2: has 9000 of the 10000 names that lab/cache takes in a "
            "folder (neffs retract removes old modules of it, or mount a new repo)\n");
}

TEST(Diagnosis, SurvivesAnyAnswer) {
  for (const char* text :
       {"{}", R"({"push":{"folders":[3,{"path":1,"names":"x"}],"full_folders":[{},1]}})",
        R"({"push":{"folders":{},"full_folders":7}})", R"({"push":[]})",
        R"({"mountpoint":3,"locks":[3,{},{"creator":"gone","pid":"x","taken_s_ago":[]}]})",
        R"({"failures":[null,{},{"text":7}],"locks":{}})"}) {
    const Json any = Json::parse(text);
    EXPECT_NE(diagnosis_text({any, any}, false), "") << text;
    EXPECT_TRUE(diagnosis_json({any, any}).is_object()) << text;
    EXPECT_NE(explain_text(any, false), "") << text;
  }
}

TEST(StatusText, SurvivesAnyAnswer) {
  for (const char* text : {"{}", R"({"mounted":"yes","sources":3,"push":[],"reads":null})",
                           R"({"mounted":true,"sources":[{}],"push":{},"reads":{"local":"x"}})"}) {
    EXPECT_NE(status_text(Json::parse(text), false), "") << text;
  }
  const Json hostile = {{"mountpoint", "/x\x1b[2J"}, {"mounted", false}};
  EXPECT_EQ(status_text(hostile, false).find('\x1b'), std::string::npos);
}

TEST(ExplainText, IsTheAnswerInRows) {
  const Json answer = {{"path", "v/MODULE_1"},
                       {"found", "remote"},
                       {"size", 2048U},
                       {"hit", true},
                       {"in_source", "finished"}};
  EXPECT_EQ(explain_text(answer, false),
            "v/MODULE_1\n"
            "  found      remote\n"
            "  size       2.0 KiB\n"
            "  hit        yes\n"
            "  in source  finished\n");
}

TEST(ExplainPlace, PathsNameTheirMountAndModulesTheDefaultOne) {
  const std::vector<MountEntry> table = {{1, 0, "/", "ext4", "d"},
                                         {2, 0, "/mnt/x", "fuse.neffs", "lab/cache"}};
  struct Row {
    const char* subject;
    const char* mount_point;
    const char* expected_mount;
    const char* expected_path;
  };
  const Row rows[] = {
      {"MODULE_1+a", "", mount_helper::kDefaultMountPoint, "MODULE_1+a"},
      {"v/MODULE_1+a", "/mnt/x", "/mnt/x", "v/MODULE_1+a"},
      {"/mnt/x/v/MODULE_1+a/", "", "/mnt/x", "v/MODULE_1+a"},
      {"./v/../w", "", "/mnt/x", "w"},
      {"/mnt/x/", "", "/mnt/x", ""},
      {"/var/tmp/neuron-compile-cache/v", "", mount_helper::kDefaultMountPoint, "v"},
  };
  for (const Row& row : rows) {
    const auto place = place_of(row.subject, row.mount_point, table, "/mnt/x");
    EXPECT_EQ(place.mount_point, row.expected_mount) << row.subject;
    EXPECT_EQ(place.path, row.expected_path) << row.subject;
  }
  for (const char* subject : {"/elsewhere/x", "/mnt/xy", "/"}) {
    EXPECT_EQ(refusal_of([&] { place_of(subject, "", table, "/"); }).exit_code,
              mount_helper::kWrongUsage)
        << subject;
  }
}

}  // namespace
}  // namespace neffs::test
