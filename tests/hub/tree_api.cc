#include "tests/hub/tree_api.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "tests/hub/digest.h"

namespace neffs::test {
namespace {

using nlohmann::json;

constexpr std::size_t kRepoAt = 2;  // /api/models/{namespace}/{name}/{verb}/{rev}/{path…}
constexpr std::size_t kRevisionAt = 5;
constexpr std::size_t kMostJsonPaths = 2000;
constexpr std::size_t kMostFormPaths = 1000;

json entry_json(const RepoEntry& entry) {
  json item = {{"type", entry.is_directory ? "directory" : "file"},
               {"oid", entry.oid},
               {"size", entry.size},
               {"path", entry.path}};
  if (entry.lfs) {
    item["lfs"] = {
        {"oid", entry.lfs->oid}, {"size", entry.lfs->size}, {"pointerSize", entry.pointer_size}};
  }
  if (!entry.xet_hash.empty()) item["xetHash"] = entry.xet_hash;
  return item;
}

json described(const TestRepo& repo, const std::string& commit, const RepoEntry& entry,
               bool expand) {
  json item = entry_json(entry);
  if (!expand) return item;
  const CommitInfo last = repo.last_change(commit, entry.path);
  item["lastCommit"] = {{"id", last.id},
                        {"title", last.commit.message.substr(0, last.commit.message.find('\n'))},
                        {"date", iso_time(last.commit.time)}};
  if (!entry.is_directory) {
    const json unscanned = {{"status", "unscanned"}};
    item["securityFileStatus"] = {
        {"status", "unscanned"}, {"avScan", unscanned}, {"pickleImportScan", unscanned}};
  }
  return item;
}

// A cursor tells where the next page starts, in a listing of the very same tree.
std::string make_cursor(const std::string& commit, std::size_t offset) {
  return base64(json({{"commit", commit}, {"offset", offset}}).dump());
}

std::size_t offset_of(const std::string& cursor, const std::string& commit) {
  if (cursor.empty()) return 0;
  try {
    const json state = json::parse(from_base64(cursor));
    if (state.at("commit") == commit) return state.at("offset");
  } catch (const std::exception&) {  // whatever it is, it is not one of ours
  }
  throw Refused{error_answer(400, "", "Invalid cursor")};
}

std::size_t page_size(const HubView& hub, const Request& request, bool expand) {
  const std::size_t most = expand ? hub.behaviour.expanded_page_size : hub.behaviour.page_size;
  const std::string limit = request.query_value("limit");
  if (limit.empty()) return most;
  if (limit.find_first_not_of("0123456789") != std::string::npos || std::stoull(limit) == 0) {
    throw Refused{error_answer(400, "", "\"limit\" must be a positive number")};
  }
  return std::min<std::size_t>(most, std::stoull(limit));
}

std::vector<std::string> asked_paths(const Request& request, bool& expand) {
  std::vector<std::string> paths;
  if (request.header("Content-Type").starts_with("application/x-www-form-urlencoded")) {
    const auto form = parse_query(request.body);
    const auto [first, last] = form.equal_range("paths");
    for (auto it = first; it != last; ++it) paths.push_back(it->second);
    if (form.size() > kMostFormPaths) {
      throw Refused{error_answer(413, "", "too many parameters")};
    }
    const auto flag = form.find("expand");
    expand = flag != form.end() && (flag->second == "true" || flag->second == "True");
    return paths;
  }
  const json body = json::parse(request.body, nullptr, false);
  if (!body.is_object() || !body.contains("paths")) {
    throw Refused{error_answer(400, "", "\"paths\" is required")};
  }
  expand = body.value("expand", false);
  if (body["paths"].is_string()) return {body["paths"].get<std::string>()};
  return body["paths"].get<std::vector<std::string>>();
}

}  // namespace

std::string next_link(const HubView& hub, const Request& request,
                      const std::map<std::string, std::string>& changed) {
  std::multimap<std::string, std::string> query = request.query;
  for (const auto& [key, value] : changed) {
    query.erase(key);
    query.emplace(key, value);
  }
  std::string url = hub.endpoint + request.target.substr(0, request.target.find('?'));
  char separator = '?';
  for (const auto& [key, value] : query) {
    url += separator + percent_encode(key) + "=" + percent_encode(value);
    separator = '&';
  }
  return "<" + url + ">; rel=\"next\"";
}

Answer serve_tree(const HubView& hub, const Request& request) {
  const TestRepo& repo = readable_repo(hub, request, kRepoAt);
  const std::string commit = commit_of(repo, request.segments.at(kRevisionAt));
  std::string directory = request.path_from(kRevisionAt + 1);
  while (directory.ends_with('/')) directory.pop_back();
  const TestRepo::Listing entries = repo.list(commit, directory, request.query_flag("recursive"));
  if (!entries) {
    return error_answer(404, "EntryNotFound", directory + " does not exist on \"" + commit + "\"");
  }
  const bool expand = request.query_flag("expand");
  const std::size_t offset = offset_of(request.query_value("cursor"), commit);
  const std::size_t end = std::min(entries->size(), offset + page_size(hub, request, expand));
  json page = json::array();
  for (std::size_t i = offset; i < end; ++i) {
    page.push_back(described(repo, commit, (*entries)[i], expand));
  }
  Answer answer = json_answer(page);
  if (end < entries->size() || request.page_for_ever) {
    const std::string cursor = make_cursor(commit, end < entries->size() ? end : 0);
    answer.set_header("Link", next_link(hub, request, {{"cursor", cursor}}));
  }
  return answer;
}

Answer serve_paths_info(const HubView& hub, const Request& request) {
  const TestRepo& repo = readable_repo(hub, request, kRepoAt);
  const std::string commit = commit_of(repo, request.segments.at(kRevisionAt));
  bool expand = false;
  const std::vector<std::string> paths = asked_paths(request, expand);
  if (paths.size() > kMostJsonPaths) {
    return error_answer(413, "", "\"paths\" must contain at most 2000 items");
  }
  json found = json::array();
  for (const std::string& path : paths) {
    const std::optional<RepoEntry> entry = repo.find(commit, path);
    if (entry) found.push_back(described(repo, commit, *entry, expand));
  }
  return json_answer(found);
}

}  // namespace neffs::test
