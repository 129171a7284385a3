#include "mount-helper/status_report.h"

#include <unistd.h>

#include <nlohmann/json.hpp>

#include "mount-helper/layer_report.h"
#include "mount-helper/version.h"

namespace neffs::mount_helper {

using nlohmann::ordered_json;

namespace {

ordered_json source_json(const fs::SourceStatus& source) {
  ordered_json json;
  json["repo"] = source.name.repo;
  json["revision"] = source.name.revision;
  json["commit"] = source.commit.empty() ? ordered_json() : ordered_json(source.commit);
  json["checked_s_ago"] =
      source.checked_s_ago < 0 ? ordered_json() : ordered_json(source.checked_s_ago);
  json["state"] = source.state;
  json["push"] = false;
  json["skipped_names"] = source.skipped_names;
  return json;
}

// This version publishes nothing: most keys are there for those who read them.
ordered_json push_json(const StatusFacts& facts) {
  ordered_json json;
  json["repo"] = nullptr;
  for (const char* key :
       {"waiting", "queued", "uploading", "pushed", "superseded", "held", "failed", "commits"})
    json[key] = 0;
  json["next_commit_in_s"] = nullptr;
  json["last_error"] = nullptr;
  json["held"] = facts.held.size();
  json["counting"] = !facts.is_counted;
  json["modules"] = array_of(facts.held, held_json);
  return json;
}

}  // namespace

std::string status_json(const StatusFacts& facts, const fs::Counters& counters,
                        const fs::FetchCounters& fetches) {
  ordered_json json;
  json["version"] = kVersion;
  json["mounted"] = true;
  json["mountpoint"] = facts.mount.mountpoint;
  json["layer"] = facts.mount.layer;
  json["pid"] = ::getpid();
  json["uptime_s"] = facts.uptime.count();
  json["passthrough"] = facts.mount.passthrough;
  json["offline"] = facts.mount.offline;
  json["sources"] = ordered_json::array({source_json(facts.source)});
  json["push"] = push_json(facts);
  json["locks"] = array_of(facts.locks, lock_json);
  json["failures"] = array_of(facts.failures, failure_json);
  json["layer_bytes"] = facts.totals.bytes;
  json["layer_files"] = facts.totals.files;
  json["quota_bytes"] = nullptr;
  auto& reads = json["reads"];
  reads["local"] = counters.local_opens.load();
  reads["fetched"] = fetches.fetched.load();
  reads["bytes_fetched"] = fetches.bytes.load();
  reads["misses"] = counters.misses.load();
  reads["errors"] = counters.errors.load();
  reads["in_flight"] = fetches.in_flight.load();
  return json.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

}  // namespace neffs::mount_helper
