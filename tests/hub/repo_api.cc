#include "tests/hub/repo_api.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "tests/hub/digest.h"
#include "tests/hub/tree_api.h"

namespace neffs::test {
namespace {

using nlohmann::json;

constexpr std::size_t kRepoAt = 2;    // /api/models/{namespace}/{name}
constexpr std::size_t kDetailAt = 5;  // …/{verb}/{detail}
constexpr std::string_view kNoId = "0000000000000000000000000000000000000000";

json siblings_of(const TestRepo& repo, const std::string& commit, bool blobs) {
  json siblings = json::array();
  const TestRepo::Listing entries = repo.list(commit, "", true);
  for (const RepoEntry& entry : *entries) {
    if (entry.is_directory) continue;
    json sibling = {{"rfilename", entry.path}};
    if (blobs) {
      sibling["size"] = entry.size;
      sibling["blobId"] = entry.oid;
      if (entry.lfs) {
        sibling["lfs"] = {{"sha256", entry.lfs->oid},
                          {"size", entry.lfs->size},
                          {"pointerSize", entry.pointer_size}};
      }
    }
    siblings.push_back(std::move(sibling));
  }
  return siblings;
}

// Everything but the siblings, which take long in a big repo.
json fields_of(const TestRepo& repo, const std::string& commit) {
  const std::string name = repo.name();
  const RepoSettings settings = repo.settings();
  const std::string created = iso_time(repo.history(commit).back().commit.time);
  return {{"_id", digest_hex(DigestKind::kMd5, name).substr(0, 24)},
          {"id", name},
          {"modelId", name},
          {"author", name.substr(0, name.find('/'))},
          {"sha", commit},
          {"lastModified", iso_time(repo.commit_object(commit).time)},
          {"createdAt", created},
          {"private", settings.is_private},
          {"gated", settings.is_gated ? json("auto") : json(false)},
          {"disabled", settings.is_disabled},
          {"downloads", 0},
          {"likes", 0},
          {"tags", json::array()}};
}

// Fields that the Hub knows and this one has nothing to say about.
bool is_known_field(const std::string& field) {
  static const std::set<std::string> fields = {"cardData",    "config",       "inference",
                                               "license",     "library_name", "pipeline_tag",
                                               "safetensors", "spaces",       "usedStorage"};
  return fields.contains(field);
}

// expand=a&expand=b (or expand[]=a): only these, besides the ids.
json expanded_info(const TestRepo& repo, const std::string& commit, const Request& request) {
  const json info = fields_of(repo, commit);
  json result = {{"_id", info.at("_id")}, {"id", info.at("id")}};
  for (const auto& [key, field] : request.query) {
    if (key != "expand" && key != "expand[]") continue;
    if (info.contains(field)) {
      result[field] = info.at(field);
    } else if (field == "siblings") {
      result[field] = siblings_of(repo, commit, false);
    } else if (!is_known_field(field)) {
      throw Refused{error_answer(400, "", "\"expand\" does not allow \"" + field + "\"")};
    }
  }
  return result;
}

json ref_list(const std::map<std::string, std::string>& refs, const std::string& prefix) {
  json list = json::array();
  for (const auto& [ref, commit] : refs) {
    if (!ref.starts_with(prefix)) continue;
    list.push_back({{"name", ref.substr(prefix.size())}, {"ref", ref}, {"targetCommit", commit}});
  }
  return list;
}

std::string diff_line(const TestRepo& repo, const FileChange& change) {
  const RepoEntry& file = change.after ? *change.after : *change.before;
  const std::string bytes = read_all(*repo.git_content(file));
  const char* kind = bytes.find('\0') == std::string::npos ? "T" : "B";
  const std::string size = std::to_string(change.after ? change.after->size : 0);
  const auto mode = [](const auto& side) { return side ? "100644" : "000000"; };
  const auto id = [](const auto& side) { return side ? side->oid : std::string(kNoId); };
  const char* status = !change.before ? "A" : !change.after ? "D" : "M";
  return std::string(kind) + " " + size + "\t:" + mode(change.before) + " " + mode(change.after) +
         " " + id(change.before) + "... " + id(change.after) + "... " + status + "\t" + file.path +
         "\n";
}

std::size_t number_or(const std::string& text, std::size_t otherwise) {
  return text.empty() || text.find_first_not_of("0123456789") != std::string::npos
             ? otherwise
             : std::stoull(text);
}

}  // namespace

Answer serve_info(const HubView& hub, const Request& request) {
  const TestRepo& repo = readable_repo(hub, request, kRepoAt);
  const bool named = request.segments.size() > kDetailAt;
  const std::string commit = commit_of(repo, named ? request.segments[kDetailAt] : "main");
  const bool blobs = request.query_flag("blobs");
  const bool expand = request.query.contains("expand") || request.query.contains("expand[]");
  if (blobs && expand) {
    return error_answer(400, "", "\"expand\" cannot be combined with \"blobs\"");
  }
  if (expand) return json_answer(expanded_info(repo, commit, request));
  json info = fields_of(repo, commit);
  info["siblings"] = siblings_of(repo, commit, blobs);
  return json_answer(info);
}

Answer serve_refs(const HubView& hub, const Request& request) {
  const std::map<std::string, std::string> refs = readable_repo(hub, request, kRepoAt).refs();
  json answer = {{"branches", ref_list(refs, "refs/heads/")},
                 {"tags", ref_list(refs, "refs/tags/")},
                 {"converts", ref_list(refs, "refs/convert/")}};
  if (request.query_flag("include_prs")) answer["pullRequests"] = ref_list(refs, "refs/pr/");
  return json_answer(answer);
}

Answer serve_commits(const HubView& hub, const Request& request) {
  const TestRepo& repo = readable_repo(hub, request, kRepoAt);
  const std::string& revision = request.segments.at(kDetailAt);
  const std::vector<CommitInfo> history = repo.history(commit_of(repo, revision));
  const std::size_t limit =
      std::clamp<std::size_t>(number_or(request.query_value("limit"), 50), 1, 1000);
  const std::size_t page = number_or(request.query_value("p"), 0);
  json commits = json::array();
  for (std::size_t i = page * limit; i < std::min(history.size(), (page + 1) * limit); ++i) {
    const auto& [id, commit] = history[i];
    // The Hub's "message" is what follows the title.
    const std::string title = commit.message.substr(0, commit.message.find('\n'));
    const std::size_t rest = commit.message.find_first_not_of('\n', title.size());
    const std::string user = commit.author.substr(0, commit.author.find(" <"));
    commits.push_back({{"id", id},
                       {"title", title},
                       {"message", rest == std::string::npos ? "" : commit.message.substr(rest)},
                       {"authors", json::array({{{"user", user}}})},
                       {"date", iso_time(commit.time)}});
  }
  Answer answer = json_answer(commits);
  answer.set_header("X-Total-Count", std::to_string(history.size()));
  if ((page + 1) * limit < history.size() || request.page_for_ever) {
    answer.set_header(
        "Link", next_link(hub, request,
                          {{"limit", std::to_string(limit)}, {"p", std::to_string(page + 1)}}));
  }
  return answer;
}

Answer serve_compare(const HubView& hub, const Request& request) {
  const TestRepo& repo = readable_repo(hub, request, kRepoAt);
  if (!hub.behaviour.answers_compare) return error_answer(404, "", "Not Found");
  const std::string& range = request.segments.at(kDetailAt);
  const std::size_t dots = range.find("..");
  if (dots == std::string::npos) return error_answer(400, "", "Invalid compare: " + range);
  const std::string before = commit_of(repo, range.substr(0, dots));
  const std::string after = commit_of(repo, range.substr(dots + (range[dots + 2] == '.' ? 3 : 2)));
  std::string lines;
  for (const FileChange& change : repo.diff(before, after)) lines += diff_line(repo, change);
  return text_answer(lines);
}

Answer serve_auth_check(const HubView& hub, const Request& request) {
  const TestRepo& repo = readable_repo(hub, request, kRepoAt);
  const bool write = request.segments.size() > kDetailAt && request.segments[kDetailAt] == "write";
  const std::optional<Answer> refusal =
      write ? refuse_writing(&repo, hub.caller) : refuse_content(repo, hub.caller);
  return refusal ? *refusal : json_answer(json::object());
}

}  // namespace neffs::test
