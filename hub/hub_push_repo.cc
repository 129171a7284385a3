#include "hub/hub_push_repo.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <future>
#include <iterator>
#include <nlohmann/json.hpp>
#include <span>

#include "hub/commit_body.h"
#include "hub/error_of_response.h"
#include "hub/lfs_upload.h"
#include "hub/preupload.h"
#include "hub/push_answers.h"
#include "hub/retry_policy.h"
#include "hub/tree_page.h"

namespace neffs::hub {
namespace {

using std::chrono::steady_clock;

// The Hub works on a commit for up to a minute before it says anything.
constexpr std::chrono::seconds kCommitPatience{90};
constexpr int kMostCommitPages = 40;
constexpr std::size_t kMostQuestions = 4;  // at a time

// Whether an error leaves it open that the commit was made after all.
bool is_open(const HubError& error) {
  if (error.kind == HubErrorKind::kUnavailable) return error.may_have_arrived;
  // Not a word of the Hub's, whatever it was; with a status it was at least a refusal.
  return error.kind == HubErrorKind::kInvalidAnswer && error.http_status == 0;
}

HubError unknown_outcome(const HubError& error) {
  HubError unknown(HubErrorKind::kUnknownOutcome,
                   fmt::format("the commit may have been made or not: {}", error.what()),
                   error.http_status);
  unknown.request_id = error.request_id;
  return unknown;
}

// 409 is the Hub's word for both: there is such a repo, and somebody else is making one just now.
bool means_exists(const HttpResponse& response) {
  return response.status == 409 && response.body.find("conflicting operation") == std::string::npos;
}

std::string creation_body(const std::string& id, Visibility visibility) {
  const std::size_t slash = id.find('/');
  nlohmann::json body{{"name", id.substr(slash + 1)},
                      {"organization", nullptr},
                      {"type", "model"},
                      {"visibility", visibility == Visibility::kPrivate ? "private" : "public"}};
  if (slash != std::string::npos) body["organization"] = id.substr(0, slash);
  return body.dump();
}

}  // namespace

HubPushRepo::HubPushRepo(const HubClient& hub, std::string id, std::string branch,
                         bool is_branch_known)
    : hub_(hub),
      branch_(std::move(branch)),
      is_branch_known_(is_branch_known),
      id_(std::move(id)) {}

std::string HubPushRepo::id() const {
  const std::lock_guard lock(mutex_);
  return id_;
}

HubCall HubPushRepo::call(const std::string& method, const std::string& path,
                          const std::string& query) const {
  HubCall call;
  call.method = method;
  call.url = hub_.url(fmt::format("/api/models/{}{}", encode_path(id()), path), query);
  call.subject = fmt::format("{}@{}", id(), branch_);
  if (method != "GET") call.headers.add("Content-Type", "application/json");
  return call;
}

PushAccess HubPushRepo::access(const CallLimits& limits) {
  PushAccess access;
  try {
    look_at_repo(access, limits);
    if (!is_branch_known_.exchange(false)) look_at_branch(access, limits);
    look_at_rights(limits);
  } catch (const HubError& error) {
    if (!is_definite(error.kind)) throw;
    access.refusal = error;
    access.is_disabled = access.is_disabled || error.kind == HubErrorKind::kDisabled;
    access.exists = access.exists || access.is_disabled || error.kind == HubErrorKind::kGated;
  }
  return access;
}

void HubPushRepo::look_at_repo(PushAccess& access, const CallLimits& limits) {
  const HubCall question =
      call("GET", "", "expand=sha&expand=private&expand=gated&expand=disabled");
  const RepoInfo info = parse_repo_info(hub_.ask(question, limits.deadline, limits.stop).body);
  access.exists = true;
  access.id = info.id;
  access.is_private = info.is_private;
  access.is_gated = info.is_gated;
  access.is_disabled = info.is_disabled;
  {
    const std::lock_guard lock(mutex_);
    id_ = info.id;
  }
  if (info.is_disabled) {
    throw HubError(HubErrorKind::kDisabled, info.id + ": the Hub has disabled this repo");
  }
}

void HubPushRepo::look_at_branch(PushAccess& access, const CallLimits& limits) const {
  const auto response = hub_.ask(call("GET", "/refs"), limits.deadline, limits.stop);
  access.head = parse_branch_head(response.body, branch_);
  if (access.head) return;
  throw HubError(
      HubErrorKind::kRevisionNotFound,
      fmt::format("{}: the repo has no branch '{}' (tags and commits cannot be pushed to)",
                  access.id, quotable(branch_)));
}

void HubPushRepo::look_at_rights(const CallLimits& limits) const {
  if (hub_.credentials().token().empty()) {
    throw HubError(HubErrorKind::kUnauthorized,
                   id() + ": writing takes a token (`hf auth login`, or HF_TOKEN)");
  }
  hub_.ask(call("GET", "/auth-check/write"), limits.deadline, limits.stop);
}

void HubPushRepo::create(Visibility visibility, const CallLimits& limits) {
  HubCall question = call("POST", "");
  question.url = hub_.url("/api/repos/create");
  question.subject = id();
  question.body = creation_body(id(), visibility);
  question.any_answer = true;
  for (int attempt = 0;; ++attempt) {
    const auto response = hub_.ask(question, limits.deadline, limits.stop);
    if (response.status / 100 == 2 || means_exists(response)) return;
    const HubError error = error_of_response({id(), hub_.credentials().token().empty()},
                                             response.status, response.headers, response.body);
    if (error.kind != HubErrorKind::kBusy) throw HubError(error);
    pause(error, attempt, limits);
  }
}

PushPlan HubPushRepo::plan(const std::vector<PushFile>& files, const CallLimits& limits) {
  using Some = std::span<const PushFile>;
  const auto ask = [&](Some some) {
    HubCall question = call("POST", "/preupload/" + encode_segment(branch_));
    question.body = preupload_question(some);
    return parse_preupload(hub_.ask(question, limits.deadline, limits.stop).body, some);
  };
  PushPlan plan;
  plan.files.reserve(files.size());
  std::deque<std::future<PushPlan>> asked;
  const auto take = [&] {
    auto part = asked.front().get();
    asked.pop_front();
    const bool same_head = plan.files.empty() || plan.head == part.head;
    plan.head = same_head ? std::move(part.head) : std::nullopt;
    std::move(part.files.begin(), part.files.end(), std::back_inserter(plan.files));
  };
  for (Some rest = files; !rest.empty();) {
    const auto some = rest.first(std::min(rest.size(), kMostPlannedFiles));
    rest = rest.subspan(some.size());
    if (asked.size() == kMostQuestions) take();
    asked.push_back(std::async(std::launch::async, ask, some));
  }
  while (!asked.empty()) take();
  return plan;
}

std::vector<UploadResult> HubPushRepo::upload(const UploadRequest& request,
                                              const CallLimits& limits) {
  return LfsUpload(hub_, id(), branch_, request, limits).run();
}

std::string HubPushRepo::commit(const CommitRequest& request, const CallLimits& limits) {
  HubCall order = call("POST", "/commit/" + encode_segment(branch_));
  order.headers = {{"Content-Type", "application/x-ndjson"}};
  order.source = [&request] { return std::make_shared<CommitBody>(request); };
  order.idle_timeout = kCommitPatience;
  order.once = true;
  for (int attempt = 0;; ++attempt) {
    try {
      return parse_new_commit(hub_.ask(order, limits.deadline, limits.stop).body);
    } catch (const HubError& error) {
      if (is_open(error)) throw unknown_outcome(error);
      if (error.kind != HubErrorKind::kBusy) throw;
      pause(error, attempt, limits);
    }
  }
}

// Before the same is tried again; only time limits the tries, which get rarer.
void HubPushRepo::pause(const HubError& failure, int attempt, const CallLimits& limits) const {
  const int counted = std::min(attempt, kMaxRetries - 1);
  const auto delay = retry_delay(failure_of(failure), counted, random_number());
  const auto now = steady_clock::now();
  if (!delay || now + *delay >= limits.deadline) throw HubError(failure);
  hub_.exchange(limits.stop)->next(now + *delay);
}

std::vector<PastCommit> HubPushRepo::recent_commits(std::chrono::sys_seconds since,
                                                    const CallLimits& limits) {
  HubCall question = call("GET", "/commits/" + encode_segment(branch_), "limit=50");
  std::vector<PastCommit> recent;
  for (int pages = 0; pages < kMostCommitPages; ++pages) {
    const auto response = hub_.ask(question, limits.deadline, limits.stop);
    for (PastCommit& commit : parse_past_commits(response.body)) {
      if (commit.date < since) return recent;
      recent.push_back(std::move(commit));
    }
    const auto link = next_page(response.headers);
    const auto next = link ? hub_.returned_url(question.url, *link) : std::nullopt;
    if (!next || !hub_.is_endpoint(*next)) return recent;
    question.url = *next;
  }
  return recent;
}

}  // namespace neffs::hub
