#include "tests/hub/commit_api.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "tests/hub/commit_answers.h"
#include "tests/hub/commit_body.h"
#include "tests/hub/commit_rules.h"

namespace neffs::test {
namespace {

using nlohmann::json;
using LineKind = CommitLine::Kind;

constexpr std::size_t kRepoAt = 2;  // /api/models/{namespace}/{name}/commit/{branch}
constexpr std::size_t kBranchAt = 5;
constexpr std::int64_t kHour = 3600;

[[noreturn]] void refuse(int status, const std::string& message) {
  throw Refused{error_answer(status, "", message)};
}

// Only branches and pull requests move; tags and commits are no place to commit to.
std::string ref_of(const TestRepo& repo, const std::string& branch) {
  std::string ref = branch.starts_with("refs/") ? branch : "refs/heads/" + branch;
  const bool moves = ref.starts_with("refs/heads/") || ref.starts_with("refs/pr/");
  if (moves && repo.refs().contains(ref)) return ref;
  throw Refused{error_answer(404, "RevisionNotFound", "Invalid rev id: " + branch)};
}

void check_form(const Request& request, const WritingLimits& limits) {
  if (!request.header("Content-Type").starts_with("application/x-ndjson")) {
    refuse(400, "Content-Type must be application/x-ndjson");
  }
  if (request.query_flag("create_pr")) refuse(400, "Pull requests are not opened here");
  if (request.body.size() > limits.commit_bytes) refuse(413, "The commit is too large");
}

void check_quota(const HubView& hub, const TestRepo& repo, const std::string& ref) {
  const std::int64_t lately = repo.commits_since(*repo.resolve(ref), hub.now - kHour);
  std::optional<Answer> refusal = hub.rates.refuse_commit(hub.caller.known->user, lately, hub.now);
  if (refusal) throw Refused{std::move(*refusal)};
}

// A commit takes its time, and a test may want it to take more.
void stay_a_while(const HubView& hub, const Request& request) {
  const bool goes_on =
      hub.pauses.wait_for(hub.behaviour.commit_duration) &&
      hub.pauses.wait_at_gates(Host::kHub, Kind::kCommit, request, HoldPoint::kWhileCommitting);
  if (goes_on) return;
  Answer none;
  none.delivery.hang_up = true;
  throw Refused{std::move(none)};
}

std::vector<NewFile> additions_of(const CommitBody& body, const TestRepo& repo,
                                  const std::string& attributes) {
  std::vector<NewFile> files;
  for (const CommitLine& line : body.lines) {
    const bool amended = line.path == ".gitattributes" && !attributes.empty();
    if (line.kind == LineKind::kFile && !amended)
      files.emplace_back(line.path, line.content, false);
    if (line.kind == LineKind::kLfsFile) files.emplace_back(line.path, *repo.large_file(line.oid));
  }
  if (!attributes.empty()) files.emplace_back(".gitattributes", attributes, false);
  return files;
}

std::vector<std::string> deletions_of(const CommitBody& body) {
  std::vector<std::string> paths;
  for (const CommitLine& line : body.lines) {
    if (!line.adds())
      paths.push_back(line.path + (line.kind == LineKind::kDeletedFolder ? "/" : ""));
  }
  return paths;
}

// One try on top of `head`; throws HeadMoved if somebody else was quicker.
std::string commit_on(const HubView& hub, TestRepo& repo, const CommitBody& body,
                      const CommitOptions& options) {
  const WritingLimits& limits = hub.behaviour.limits;
  check_commit(body, repo, options.expected_head, limits);
  const std::string attributes = amended_attributes(body, repo, options.expected_head);
  if (attributes.size() > limits.git_file) refuse(400, ".gitattributes is larger than 10 MiB");
  try {
    return repo.commit(additions_of(body, repo, attributes), deletions_of(body), options);
  } catch (const DirectoryFull& full) {
    refuse(400,
           "Your push was rejected because it contains too many files per directory. "
           "Offending directory: /" +
               std::string(full.what()));
  }
}

std::string run(const HubView& hub, TestRepo& repo, const CommitBody& body, CommitOptions options) {
  for (;;) {
    options.expected_head = *repo.resolve(options.branch);
    if (!body.parent.empty() && body.parent != options.expected_head) {
      throw Refused{head_moved_answer()};
    }
    try {
      return commit_on(hub, repo, body, options);
    } catch (const HeadMoved&) {  // look at the new head
    }
  }
}

}  // namespace

Answer serve_commit(const HubView& hub, const Request& request) {
  TestRepo& repo = writable_repo(hub, request, kRepoAt);
  CommitOptions options;
  options.branch = ref_of(repo, request.segments.at(kBranchAt));
  check_form(request, hub.behaviour.limits);
  const CommitBody body = parse_commit_body(request.body);
  const std::string& user = hub.caller.known->user;
  options.author = user + " <" + user + "@example.com>";
  options.message = body.message();
  options.most_entries = hub.behaviour.limits.directory_entries;
  const CommitTurn turn = repo.begin_commit();
  if (!turn) throw Refused{commit_running_answer()};
  check_quota(hub, repo, options.branch);
  stay_a_while(hub, request);
  const std::string id = run(hub, repo, body, options);
  hub.rates.committed(user, hub.now);
  return json_answer({{"success", true},
                      {"commitOid", id},
                      {"commitUrl", hub.endpoint + "/" + repo.name() + "/commit/" + id},
                      {"hookOutput", ""}});
}

}  // namespace neffs::test
