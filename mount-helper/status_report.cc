#include "mount-helper/status_report.h"

#include <unistd.h>

#include <algorithm>

#include <nlohmann/json.hpp>

#include "mount-helper/layer_report.h"
#include "mount-helper/version.h"

namespace neffs::mount_helper {

using nlohmann::ordered_json;

namespace {

ordered_json source_json(const SourceFacts& facts) {
  const auto& source = facts.status;
  ordered_json json;
  json["repo"] = source.name.repo;
  json["revision"] = source.name.revision;
  json["commit"] = source.commit.empty() ? ordered_json() : ordered_json(source.commit);
  json["checked_s_ago"] =
      source.checked_s_ago < 0 ? ordered_json() : ordered_json(source.checked_s_ago);
  json["state"] = source.state;
  json["push"] = facts.is_pushed;
  json["skipped_names"] = source.skipped_names;
  return json;
}

const char* word_of(index::UploadState state) {
  switch (state) {
    case index::UploadState::kQueued:
      return "queued";
    case index::UploadState::kUploading:
      return "uploading";
    case index::UploadState::kPushed:
      return "pushed";
    case index::UploadState::kSuperseded:
      return "superseded";
    case index::UploadState::kFailed:
      return "failed";
    case index::UploadState::kHeld:
      break;
  }
  return "held";
}

ordered_json text_or_null(const std::string& text) {
  return text.empty() ? ordered_json() : ordered_json(text);
}

ordered_json upload_json(const index::UploadEntry& upload) {
  return {{"path", upload.path},         {"state", word_of(upload.state)},
          {"files", upload.files},       {"bytes", upload.bytes},
          {"attempts", upload.attempts}, {"error", text_or_null(upload.error)}};
}

ordered_json folder_json(const fs::FolderSize& folder) {
  return {{"path", folder.path}, {"names", folder.names}};
}

ordered_json waiting_json(const fs::WaitingUpload& upload) {
  return {{"path", upload.path},   {"state", upload.is_failed ? "failed" : "waiting"},
          {"files", upload.files}, {"bytes", upload.bytes},
          {"attempts", 0},         {"error", text_or_null(upload.is_failed ? upload.why : "")},
          {"why", upload.why}};
}

ordered_json modules_json(const StatusFacts& facts) {
  auto modules = array_of(facts.waiting, waiting_json);
  const auto append = [&modules](const ordered_json& more) {
    modules.insert(modules.end(), more.begin(), more.end());
  };
  if (facts.push) append(array_of(facts.push->open, upload_json));
  append(array_of(facts.held, held_json));
  if (facts.push) append(array_of(facts.push->ended, upload_json));
  return modules;
}

ordered_json push_json(const StatusFacts& facts) {
  const PushFacts none;
  const auto& push = facts.push ? *facts.push : none;
  const auto failed = static_cast<std::uint64_t>(
      std::count_if(facts.waiting.begin(), facts.waiting.end(),
                    [](const auto& upload) { return upload.is_failed; }));
  ordered_json json;
  json["repo"] = text_or_null(push.target.repo);
  json["why"] = facts.mount.push_why;
  json["state"] = push.status.state;
  json["waiting"] = facts.waiting.size() - failed;
  json["queued"] = push.totals.queued.uploads;
  json["uploading"] = push.totals.uploading.uploads;
  json["pushed"] = push.status.pushed;
  json["superseded"] = push.status.superseded;
  json["held"] = facts.held.size() + push.totals.held.uploads;
  json["failed"] = failed + push.totals.failed.uploads;
  json["commits"] = push.status.commits;
  json["commits_in_last_hour"] = push.status.commits_in_last_hour;
  json["next_commit_in_s"] =
      push.status.next_commit_in_s ? ordered_json(*push.status.next_commit_in_s) : ordered_json();
  json["last_error"] = text_or_null(push.status.last_error);
  json["folders"] = array_of(push.folders, folder_json);
  json["full_folders"] = push.status.full_folders;
  json["counting"] = !facts.is_counted;
  json["modules"] = modules_json(facts);
  return json;
}

}  // namespace

ordered_json status_json(const StatusFacts& facts, const fs::Counters& counters,
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
  json["sources"] = array_of(facts.sources, source_json);
  json["push"] = push_json(facts);
  json["locks"] = array_of(facts.locks, lock_json);
  json["failures"] = array_of(facts.failures, failure_json);
  json["layer_bytes"] = facts.totals.bytes;
  json["layer_files"] = facts.totals.files;
  json["quota_bytes"] = nullptr;
  if (facts.quota_bytes) json["quota_bytes"] = *facts.quota_bytes;
  auto& reads = json["reads"];
  reads["local"] = counters.local_opens.load();
  reads["fetched"] = fetches.fetched.load();
  reads["bytes_fetched"] = fetches.bytes.load();
  reads["misses"] = counters.misses.load();
  reads["errors"] = counters.errors.load();
  reads["in_flight"] = fetches.in_flight.load();
  return json;
}

}  // namespace neffs::mount_helper
