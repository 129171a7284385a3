#include "hub/lfs_upload.h"

#include <algorithm>
#include <map>
#include <thread>

#include "hub/object_upload.h"

namespace neffs::hub {
namespace {

// How often the Hub is asked for new addresses of an object whose old ones are refused.
constexpr int kMostFreshRoutes = 2;

// Whether it would be the same with all other objects.
bool concerns_all(const HubError& error) {
  switch (error.kind) {
    case HubErrorKind::kLocal:
    case HubErrorKind::kRefused:
    case HubErrorKind::kInvalidAnswer:
      return false;
    case HubErrorKind::kUnavailable:
      return error.http_status == 0;
    default:
      return true;
  }
}

UploadResult failed(const HubError& error) {
  return {UploadResult::State::kFailed, error};
}

}  // namespace

LfsUpload::LfsUpload(const HubClient& hub, std::string repo_id, std::string branch,
                     const UploadRequest& request, const CallLimits& limits)
    : hub_(hub),
      repo_id_(std::move(repo_id)),
      branch_(std::move(branch)),
      request_(request),
      callers_stop_(limits.stop, [this] { stop_.request_stop(); }),
      limits_{limits.deadline, stop_.get_token()},
      share_(request.on_progress),
      results_(request.objects.size()) {}

std::vector<UploadResult> LfsUpload::run() {
  std::map<std::string, std::size_t> firsts;
  std::vector<std::size_t> wanted;
  for (std::size_t i = 0; i < request_.objects.size(); ++i) {
    if (firsts.emplace(request_.objects[i].content.hex, i).second) wanted.push_back(i);
  }
  for (std::span<const std::size_t> rest = wanted; !rest.empty();) {
    const auto group = rest.first(std::min(rest.size(), kMostBatchObjects));
    run_group(group);
    rest = rest.subspan(group.size());
  }
  for (std::size_t i = 0; i < results_.size(); ++i) {
    results_[i] = results_[firsts.at(request_.objects[i].content.hex)];
  }
  return std::move(results_);
}

void LfsUpload::run_group(std::span<const std::size_t> group) {
  std::vector<LfsObject> objects;
  for (const std::size_t index : group) objects.push_back(request_.objects[index]);
  auto entries = ask_batch(objects);
  std::vector<Job> jobs;
  for (std::size_t i = 0; i < group.size(); ++i) {
    UploadResult& result = results_[group[i]];
    if (entries[i].refusal) {
      result = failed(*entries[i].refusal);
    } else if (entries[i].route) {
      jobs.push_back({group[i], std::move(*entries[i].route)});
    } else {
      result.state = UploadResult::State::kAlreadyStored;
    }
  }
  send_all(jobs);
}

void LfsUpload::send_all(const std::vector<Job>& jobs) {
  // Every thread has its turn before the first one could take what is left for its parts.
  std::vector<UploadShare::Turn> turns;
  while (turns.size() < jobs.size()) {
    auto turn = share_.another_turn();
    if (!turn) break;
    turns.push_back(std::move(turn));
  }
  next_job_ = 0;
  {
    std::vector<std::jthread> threads;
    threads.reserve(turns.size());
    for (auto& turn : turns) {
      threads.emplace_back([&, held = std::move(turn)] { send_while_there_are(jobs); });
    }
  }
  if (reason_) std::rethrow_exception(reason_);
  if (limits_.stop.stop_requested()) {
    throw HubError(HubErrorKind::kCancelled, "the upload was given up");
  }
}

void LfsUpload::send_while_there_are(const std::vector<Job>& jobs) {
  try {
    while (!limits_.stop.stop_requested()) {
      const std::size_t index = next_job_++;
      if (index >= jobs.size()) return;
      results_[jobs[index].object] = send_one(jobs[index]);
    }
  } catch (...) {
    give_up(std::current_exception());
  }
}

UploadResult LfsUpload::send_one(const Job& job) {
  const LfsObject& object = request_.objects[job.object];
  try {
    const OpenedFile file = request_.open(object);
    std::optional<UploadRoute> route = job.route;
    for (int fresh = 0; route; ++fresh) {
      ObjectUpload upload(hub_, object, file, share_, request_.idle_timeout, limits_);
      if (upload.send(*route)) break;
      if (fresh == kMostFreshRoutes) return failed(upload.refusal());
      const BatchEntry entry = ask_batch(std::span(&object, 1)).front();
      if (entry.refusal) return failed(*entry.refusal);
      route = entry.route;  // none: it has arrived after all
      if (route) upload.take_back_progress();
    }
    return {UploadResult::State::kUploaded, std::nullopt};
  } catch (const HubError& error) {
    if (concerns_all(error)) throw;
    return failed(error);
  }
}

std::vector<BatchEntry> LfsUpload::ask_batch(std::span<const LfsObject> objects) {
  HubCall call;
  call.method = "POST";
  call.url = hub_.url("/" + encode_path(repo_id_) + ".git/info/lfs/objects/batch");
  call.headers = {{"Accept", kLfsMediaType}, {"Content-Type", kLfsMediaType}};
  call.body = batch_question(objects, branch_);
  call.bucket = Bucket::kPages;
  call.subject = repo_id_ + "@" + branch_;
  const auto response = hub_.ask(call, limits_.deadline, limits_.stop);
  return parse_batch(response.body, objects, call.url, hub_.endpoint());
}

void LfsUpload::give_up(std::exception_ptr reason) {
  const std::lock_guard lock(mutex_);
  if (!reason_) reason_ = std::move(reason);
  stop_.request_stop();
}

}  // namespace neffs::hub
