#include "tests/hub/hub_state.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <utility>

namespace neffs::test {
namespace {

constexpr std::string_view kGit = ".git";

bool is_git_name(const Request& request, std::size_t first) {
  return request.segments.size() > first + 1 && request.segments[first + 1].ends_with(kGit);
}

// The target with the segment(s) of the old name replaced, as a path without a host.
std::string moved_target(const Request& request, std::size_t first, std::size_t name_segments,
                         const std::string& name) {
  std::string target;
  for (std::size_t i = 0; i < first; ++i) target += "/" + percent_encode(request.segments[i]);
  target += "/" + encode_path(name) + (is_git_name(request, first) ? ".git" : "");
  for (std::size_t i = first + name_segments; i < request.segments.size(); ++i) {
    target += "/" + percent_encode(request.segments[i]);
  }
  const std::size_t question = request.target.find('?');
  return question == std::string::npos ? target : target + request.target.substr(question);
}

}  // namespace

TestRepo& readable_repo(const HubView& hub, const Request& request, std::size_t first) {
  const auto& segments = request.segments;
  const std::string space = segments.at(first);
  std::string name = segments.size() > first + 1 ? space + "/" + segments[first + 1] : space;
  if (is_git_name(request, first)) name.resize(name.size() - kGit.size());
  TestRepo* repo = hub.repos.find(name);
  if (repo == nullptr) {
    // A bare name (one segment) can only be a former one.
    for (const auto& [old_name, length] : {std::pair(name, 2U), std::pair(space, 1U)}) {
      const std::string present = hub.repos.renamed_to(old_name);
      if (present.empty()) continue;
      const std::size_t used = std::min<std::size_t>(length, segments.size() - first);
      throw Refused{redirect_answer(307, moved_target(request, first, used, present))};
    }
  }
  if (std::optional<Answer> refusal = refuse_reading(repo, hub.caller)) throw Refused{*refusal};
  return *repo;
}

TestRepo& writable_repo(const HubView& hub, const Request& request, std::size_t first) {
  TestRepo& repo = readable_repo(hub, request, first);
  if (std::optional<Answer> refusal = refuse_writing(&repo, hub.caller)) throw Refused{*refusal};
  return repo;
}

std::string commit_of(const TestRepo& repo, const std::string& revision) {
  const std::optional<std::string> commit = repo.resolve(revision);
  if (!commit) throw Refused{error_answer(404, "RevisionNotFound", "Invalid rev id: " + revision)};
  return *commit;
}

std::string iso_time(std::int64_t unix_seconds) {
  const auto time = static_cast<std::time_t>(unix_seconds);
  std::tm parts{};
  ::gmtime_r(&time, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S.000Z", &parts);
  return text.data();
}

}  // namespace neffs::test
