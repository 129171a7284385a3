#include "mount-helper/metrics.h"

#include <fmt/format.h>

#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

namespace neffs::mount_helper {
namespace {

using Json = nlohmann::ordered_json;

struct Label {
  std::string_view name;
  std::string value;
};
using Labels = std::initializer_list<Label>;

std::string escaped(std::string_view value) {
  std::string text;
  for (const char c : value) {
    if (c == '\\' || c == '"') text += '\\';
    text += c == '\n' ? std::string("\\n") : std::string(1, c);
  }
  return text;
}

// One text of many families: each has its help and type once, and then its samples.
class Exposition {
 public:
  void family(std::string_view name, std::string_view type, std::string_view help) {
    text_ += fmt::format("# HELP neffs_{} {}\n# TYPE neffs_{} {}\n", name, help, name, type);
  }
  template <typename Value>
  void sample(std::string_view name, Labels labels, Value value) {
    text_ += fmt::format("neffs_{}", name);
    char before = '{';
    for (const auto& [label, of] : labels) {
      text_ += fmt::format("{}{}=\"{}\"", before, label, escaped(of));
      before = ',';
    }
    text_ += fmt::format("{}{}\n", before == ',' ? "} " : " ", value);
  }
  // A family of one.
  template <typename Value>
  void single(std::string_view name, std::string_view type, std::string_view help, Value value) {
    family(name, type, help);
    sample(name, {}, value);
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

std::uint64_t number(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number() ? found->get<std::uint64_t>() : 0;
}

std::string word(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

int flag(const Json& object, const char* key) {
  return object.value(key, false) ? 1 : 0;
}

void add_mount(Exposition& out, const Json& status) {
  out.family("build_info", "gauge", "The version that runs; the value is always 1.");
  out.sample("build_info", {{"version", word(status, "version")}}, 1);
  out.single("uptime_seconds", "gauge", "Since the mount.", status.value("uptime_s", 0.0));
  out.single("passthrough", "gauge", "1 if the kernel reads files itself.",
             flag(status, "passthrough"));
  out.single("offline", "gauge", "1 if the Hub is never asked.", flag(status, "offline"));
}

void add_sources(Exposition& out, const Json& sources) {
  out.family("source_up", "gauge", "1 if the source answers; the state says why it does not.");
  for (const auto& source : sources)
    out.sample("source_up",
               {{"repo", word(source, "repo")},
                {"revision", word(source, "revision")},
                {"state", word(source, "state")}},
               word(source, "state") == "ok" ? 1 : 0);
  out.family("source_checked_age_seconds", "gauge", "Since the source last said what its head is.");
  for (const auto& source : sources)
    if (source.contains("checked_s_ago") && source["checked_s_ago"].is_number())
      out.sample("source_checked_age_seconds",
                 {{"repo", word(source, "repo")}, {"revision", word(source, "revision")}},
                 source["checked_s_ago"].get<double>());
  out.family("source_skipped_names", "gauge", "Names of the source that are not shown.");
  for (const auto& source : sources)
    out.sample("source_skipped_names",
               {{"repo", word(source, "repo")}, {"revision", word(source, "revision")}},
               number(source, "skipped_names"));
}

void add_reads(Exposition& out, const Json& reads) {
  out.family("opens_total", "counter", "Files opened, by where their bytes came from.");
  out.sample("opens_total", {{"from", "layer"}}, number(reads, "local"));
  out.sample("opens_total", {{"from", "source"}}, number(reads, "fetched"));
  out.single("misses_total", "counter", "Look-ups of modules that no source has.",
             number(reads, "misses"));
  out.single("read_errors_total", "counter", "Opens and look-ups that the Hub has failed.",
             number(reads, "errors"));
  out.single("fetched_bytes_total", "counter", "Bytes fetched from the sources.",
             number(reads, "bytes_fetched"));
  out.single("fetches_in_flight", "gauge", "Files that are being fetched.",
             number(reads, "in_flight"));
}

void add_layer(Exposition& out, const Json& status) {
  out.single("copies_bytes", "gauge", "What the copies of the sources' files take of the disk.",
             number(status, "layer_bytes"));
  out.single("copies", "gauge", "Copies of the sources' files.", number(status, "layer_files"));
  if (status.contains("quota_bytes") && status["quota_bytes"].is_number())
    out.single("copies_limit_bytes", "gauge", "Above it copies are evicted (cache_size).",
               number(status, "quota_bytes"));
  out.single("failed_modules", "gauge", "Modules whose compilation has failed here.",
             status.value("failures", Json::array()).size());
  out.single("locks", "gauge", "Locks in the cache.", status.value("locks", Json::array()).size());
}

void add_push(Exposition& out, const Json& push) {
  const std::string repo = word(push, "repo");
  out.single("publishes", "gauge", "1 if something is published from this mount.",
             repo.empty() ? 0 : 1);
  out.family("modules", "gauge", "Modules of this host, by where they are on the way to the repo.");
  for (const char* state :
       {"waiting", "queued", "uploading", "pushed", "superseded", "held", "failed"})
    out.sample("modules", {{"state", state}}, number(push, state));
  out.single("commits_total", "counter", "Commits made by this mount.", number(push, "commits"));
  out.single("branch_commits_last_hour", "gauge", "Everybody's, of which the Hub allows about 100.",
             number(push, "commits_in_last_hour"));
  out.single("push_blocked", "gauge", "1 if the last try to publish has failed.",
             word(push, "last_error").empty() ? 0 : 1);
}

void add_requests(Exposition& out, const HubFacts& hub) {
  out.family("requests_total", "counter", "Requests by what they are for; status 0: no answer.");
  for (const auto& [which, count] : hub.http.requests)
    out.sample("requests_total",
               {{"endpoint", which.first}, {"status", std::to_string(which.second)}}, count);
  out.family("request_duration_seconds", "histogram", "From a request to the begin of its answer.");
  for (const auto& [kind, latency] : hub.http.latencies) {
    std::uint64_t below = 0;
    for (std::size_t i = 0; i < hub::kLatencyBounds.size(); ++i) {
      below += latency.buckets.at(i);
      out.sample("request_duration_seconds_bucket",
                 {{"endpoint", kind}, {"le", fmt::format("{}", hub::kLatencyBounds.at(i))}}, below);
    }
    out.sample("request_duration_seconds_bucket", {{"endpoint", kind}, {"le", "+Inf"}},
               latency.count);
    out.sample("request_duration_seconds_sum", {{"endpoint", kind}}, latency.seconds);
    out.sample("request_duration_seconds_count", {{"endpoint", kind}}, latency.count);
  }
  out.family("rate_limit_remaining", "gauge", "Requests the Hub still allows in this window.");
  for (const auto& [bucket, left] : hub.quota_left)
    out.sample("rate_limit_remaining", {{"bucket", bucket}}, left);
}

}  // namespace

std::string metrics_text(const Json& status, const HubFacts& hub) {
  Exposition out;
  add_mount(out, status);
  add_sources(out, status.value("sources", Json::array()));
  add_reads(out, status.value("reads", Json::object()));
  add_layer(out, status);
  add_push(out, status.value("push", Json::object()));
  add_requests(out, hub);
  return out.take();
}

}  // namespace neffs::mount_helper
