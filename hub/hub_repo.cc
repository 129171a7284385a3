#include "hub/hub_repo.h"

#include <fmt/format.h>

#include <set>

#include "hub/compare_answer.h"
#include "hub/download.h"
#include "hub/error_of_response.h"
#include "hub/file_start.h"
#include "hub/tree_page.h"

namespace neffs::hub {
namespace {

using std::chrono::steady_clock;

constexpr int kMostHeadHops = 3;
// A repo of the largest recommended size has a tenth of this; beyond it somebody is playing with us.
constexpr std::size_t kMostEntries = 1'000'000;
constexpr std::size_t kMostPages = 2'000;
constexpr std::size_t kMostEmptyPages = 10;

std::string commit_header(const HttpResponse& response) {
  return std::string(response.headers.get("X-Repo-Commit").value_or(""));
}

[[noreturn]] void refuse(const std::string& subject, const char* what) {
  throw HubError(HubErrorKind::kInvalidAnswer, fmt::format("{}: {}", subject, what));
}

}  // namespace

HubRepo::HubRepo(const HubClient& hub, std::string id, std::string revision,
                 std::chrono::milliseconds patience)
    : hub_(hub), revision_(std::move(revision)), patience_(patience), id_(std::move(id)) {}

std::string HubRepo::id() const {
  const std::lock_guard lock(mutex_);
  return id_;
}

HubCall HubRepo::call(Url url, Bucket bucket) const {
  HubCall call;
  call.url = std::move(url);
  call.bucket = bucket;
  call.subject = fmt::format("{}@{}", id(), revision_);
  return call;
}

RepoInfo HubRepo::info() {
  const auto path =
      fmt::format("/api/models/{}/revision/{}", encode_path(id()), encode_segment(revision_));
  const Url url =
      hub_.url(path, "expand=sha&expand=lastModified&expand=private&expand=gated&expand=disabled");
  const auto response =
      hub_.ask(call(url, Bucket::kApi), steady_clock::now() + patience_, std::stop_token());
  RepoInfo info = parse_repo_info(response.body);
  const std::lock_guard lock(mutex_);
  id_ = info.id;
  return info;
}

std::string HubRepo::head() {
  const auto deadline = steady_clock::now() + patience_;
  // Every repo has this file; without it the answer names the commit just as well.
  HubCall question = call(hub_.file_url(id(), revision_, ".gitattributes"), Bucket::kResolvers);
  question.method = "HEAD";
  question.any_answer = true;
  for (int hops = 0; hops <= kMostHeadHops; ++hops) {
    const auto response = hub_.ask(question, deadline, std::stop_token());
    if (auto commit = commit_header(response); is_commit_id(commit)) return commit;
    if (!is_redirect(response.status)) {
      if (response.status >= 400) {
        throw error_of_response({question.subject, hub_.credentials().token().empty()},
                                response.status, response.headers, "");
      }
      break;
    }
    // A redirect without the commit, as of a renamed repo: what it leads to has it.
    const auto next =
        hub_.returned_url(question.url, response.headers.get("Location").value_or(""));
    if (!next || !hub_.is_endpoint(*next)) break;
    question.url = *next;
  }
  refuse(question.subject, "an answer without a commit (is HF_ENDPOINT a Hub?)");
}

std::optional<std::vector<RemoteEntry>> HubRepo::list(const std::string& commit,
                                                      const std::string& directory, ListDepth depth,
                                                      steady_clock::time_point deadline) {
  auto path = fmt::format("/api/models/{}/tree/{}", encode_path(id()), encode_segment(commit));
  if (!directory.empty()) path += "/" + encode_path(directory);
  const bool recursive = depth == ListDepth::kEverything;
  HubCall question = call(
      hub_.url(path, fmt::format("recursive={}&expand=false&limit=1000", recursive)), Bucket::kApi);

  std::vector<RemoteEntry> entries;
  std::set<std::string> asked;
  std::size_t empty_pages = 0;
  while (asked.size() < kMostPages && entries.size() <= kMostEntries) {
    if (!asked.insert(question.url.text()).second) break;
    HttpResponse response;
    try {
      response = hub_.ask(question, deadline, std::stop_token());
    } catch (const HubError& error) {
      if (error.kind == HubErrorKind::kEntryNotFound && asked.size() == 1) return std::nullopt;
      throw;
    }
    auto page = parse_tree_page(response.body, directory, depth);
    if (page.empty() && ++empty_pages > kMostEmptyPages) break;
    std::move(page.begin(), page.end(), std::back_inserter(entries));
    const auto link = next_page(response.headers);
    if (!link) return entries;
    const auto next = hub_.returned_url(question.url, *link);
    if (!next || !hub_.is_endpoint(*next)) {
      refuse(question.subject, "a listing that goes on at another host");
    }
    question.url = *next;
  }
  refuse(question.subject, "a listing without end");
}

std::optional<std::vector<ChangedPath>> HubRepo::changes(const std::string& from,
                                                         const std::string& to,
                                                         steady_clock::time_point deadline) {
  const auto path = fmt::format("/api/models/{}/compare/{}..{}", encode_path(id()),
                                encode_segment(from), encode_segment(to));
  HubCall question = call(hub_.url(path, "raw=true"), Bucket::kApi);
  question.any_answer = true;
  const auto response = hub_.ask(question, deadline, std::stop_token());
  // No such endpoint, or a commit that is not there any more after a squash.
  if (response.status != 200) return std::nullopt;
  return parse_compare(response.body);
}

std::string HubRepo::read_start(const std::string& commit, const std::string& path,
                                std::size_t bytes, steady_clock::time_point deadline) {
  return read_file_start(hub_, id(), commit, path, bytes, deadline);
}

void HubRepo::download(const DownloadRequest& request, int fd) {
  Download(hub_, id(), request, fd).run();
}

}  // namespace neffs::hub
