// The metrics as text, by the rules of Prometheus, and as a file.
#include "mount-helper/metrics.h"

#include <atomic>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <sstream>

#include "mount-helper/metrics_file.h"
#include "tests/eventually.h"
#include "tests/unit/mount-helper/mount_helper_kit.h"

namespace neffs::test {
namespace {

using mount_helper::HubFacts;
using mount_helper::metrics_text;
using ::testing::HasSubstr;
using ::testing::Not;
using Json = nlohmann::ordered_json;

Json busy_status() {
  return Json::parse(R"({"version":"0.1.0","mounted":true,"uptime_s":7500.5,"passthrough":true,
    "offline":false,
    "sources":[{"repo":"lab/cache","revision":"main","checked_s_ago":3.25,"state":"ok",
                "skipped_names":1},
               {"repo":"lab/other","revision":"a\"b\\c","checked_s_ago":null,
                "state":"throttled","skipped_names":0}],
    "push":{"repo":"lab/cache","waiting":1,"queued":2,"uploading":0,"pushed":7,"superseded":0,
            "held":3,"failed":0,"commits":2,"commits_in_last_hour":5,"last_error":"no"},
    "locks":[{}],"failures":[{},{}],
    "layer_bytes":3221225472,"layer_files":4,"quota_bytes":1000,
    "reads":{"local":10,"fetched":3,"bytes_fetched":999,"misses":5,"errors":1,"in_flight":1}})");
}

HubFacts busy_hub() {
  hub::HttpCounter counter;
  counter.answered("head", 200, std::chrono::milliseconds(20));
  counter.answered("head", 200, std::chrono::milliseconds(200));
  counter.answered("storage", 206, std::chrono::seconds(20));
  counter.failed("head");
  return {counter.counts(), {{"api", 497}}};
}

TEST(Metrics, SayWhatTheStatusSays) {
  const auto text = metrics_text(busy_status(), busy_hub());
  for (const char* line : {
           "neffs_build_info{version=\"0.1.0\"} 1\n",
           "neffs_source_up{repo=\"lab/cache\",revision=\"main\",state=\"ok\"} 1\n",
           "neffs_source_up{repo=\"lab/other\",revision=\"a\\\"b\\\\c\",state=\"throttled\"} 0\n",
           "neffs_source_checked_age_seconds{repo=\"lab/cache\",revision=\"main\"} 3.25\n",
           "neffs_opens_total{from=\"layer\"} 10\n",
           "neffs_misses_total 5\n",
           "neffs_modules{state=\"queued\"} 2\n",
           "neffs_push_blocked 1\n",
           "neffs_copies_limit_bytes 1000\n",
           "neffs_failed_modules 2\n",
           "neffs_requests_total{endpoint=\"head\",status=\"0\"} 1\n",
           "neffs_requests_total{endpoint=\"head\",status=\"200\"} 2\n",
           "neffs_request_duration_seconds_bucket{endpoint=\"head\",le=\"0.03\"} 1\n",
           "neffs_request_duration_seconds_bucket{endpoint=\"head\",le=\"0.3\"} 2\n",
           "neffs_request_duration_seconds_bucket{endpoint=\"storage\",le=\"10\"} 0\n",
           "neffs_request_duration_seconds_bucket{endpoint=\"storage\",le=\"+Inf\"} 1\n",
           "neffs_request_duration_seconds_count{endpoint=\"head\"} 2\n",
           "neffs_rate_limit_remaining{bucket=\"api\"} 497\n",
       })
    EXPECT_THAT(text, HasSubstr(line));
}

TEST(Metrics, OfAMountThatDoesNothing) {
  const auto text = metrics_text(Json::object(), {});
  EXPECT_THAT(text, HasSubstr("neffs_publishes 0\n"));
  EXPECT_THAT(text, Not(HasSubstr("neffs_copies_limit_bytes")));
}

std::string text_in(const std::filesystem::path& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

// What is watched must be there.
TEST(Metrics, RulesAndPanelsKnowTheirNames) {
  const auto text = metrics_text(busy_status(), busy_hub());
  const std::regex name("neffs_[a-z_]+");
  for (const char* file : {"alerts.yml", "dashboard.json", "README.md"}) {
    const auto rules = text_in(std::filesystem::path(NEFFS_PROMETHEUS) / file);
    int found = 0;
    for (std::sregex_iterator it(rules.begin(), rules.end(), name), end; it != end; ++it, ++found)
      EXPECT_THAT(text, HasSubstr("\n" + it->str())) << file;
    EXPECT_GT(found, 5) << file;
  }
  EXPECT_NO_THROW(Json::parse(text_in(NEFFS_PROMETHEUS "/dashboard.json")).at("panels"));
}

// Names, units, help and order, as promtool checks them.
TEST(Metrics, FollowTheConventions) {
  std::istringstream lines(metrics_text(busy_status(), busy_hub()));
  const std::regex sample(
      R"(([a-z_]+)(\{[a-z_]+="([^"\\]|\\.)*"(,[a-z_]+="([^"\\]|\\.)*")*\})? \S+)");
  std::set<std::string> families;
  std::set<std::string> samples;
  std::string family;
  std::string type;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string mark;
    std::string what;
    std::string name;
    words >> mark >> what >> name;
    if (mark == "#" && what == "HELP") {
      family = name;
      EXPECT_TRUE(families.insert(name).second) << "twice: " << name;
      EXPECT_TRUE(line.ends_with('.')) << line;
    } else if (mark == "#") {
      EXPECT_EQ(name, family);
      words >> type;
      EXPECT_EQ(type == "counter", family.ends_with("_total")) << line;
      for (const char* unit : {"milliseconds", "minutes", "kilobytes", "megabytes", "percent"})
        EXPECT_THAT(family, Not(HasSubstr(unit)));
    } else {
      std::smatch parts;
      ASSERT_TRUE(std::regex_match(line, parts, sample)) << line;
      const auto of = parts[1].str();
      EXPECT_EQ(type == "histogram" ? of.substr(0, family.size()) : of, family) << line;
      EXPECT_TRUE(samples.insert(parts[1].str() + parts[2].str()).second) << "twice: " << line;
    }
  }
  EXPECT_GT(families.size(), 20U);
}

TEST(MetricsFile, IsRewrittenWholeAndGoes) {
  const TemporaryDirectory directory;
  const auto file = directory.path() / "neffs.prom";
  std::atomic<int> written{0};
  {
    const mount_helper::MetricsFile metrics(
        file, [&] { return "written " + std::to_string(++written) + "\n"; },
        std::chrono::milliseconds(1));
    EXPECT_TRUE(eventually([&] { return written > 3; }));
    const auto text = text_in(file);
    EXPECT_TRUE(text.starts_with("written ") && text.ends_with("\n")) << text;
    EXPECT_EQ(std::filesystem::status(file).permissions(), std::filesystem::perms{0644});
  }
  EXPECT_TRUE(std::filesystem::is_empty(directory.path()));
}

TEST(MetricsFile, APlaceThatCannotBeWrittenHarmsNobody) {
  const TemporaryDirectory directory;
  const auto folder = directory.path() / "later";
  std::atomic<int> written{0};
  const mount_helper::MetricsFile metrics(
      folder / "neffs.prom", [&] { return std::to_string(++written); },
      std::chrono::milliseconds(1));
  EXPECT_TRUE(eventually([&] { return written > 1; }));
  std::filesystem::create_directory(folder);
  EXPECT_TRUE(eventually([&] { return std::filesystem::exists(folder / "neffs.prom"); }));
}

}  // namespace
}  // namespace neffs::test
