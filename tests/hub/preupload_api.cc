#include "tests/hub/preupload_api.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "tests/hub/digest.h"
#include "tests/hub/git_patterns.h"
#include "tests/hub/repo_path.h"

namespace neffs::test {
namespace {

using nlohmann::json;

constexpr std::size_t kRepoAt = 2;  // /api/models/{namespace}/{name}/preupload/{rev}
constexpr std::size_t kRevisionAt = 5;

struct AskedFile {
  std::string path;
  std::uint64_t size = 0;
  std::string sample;
};

AskedFile asked_file(const json& from) {
  AskedFile file{from.at("path"), 0, from_base64(from.at("sample").get<std::string>())};
  if (!from.at("size").is_number_unsigned()) {
    throw Refused{error_answer(400, "", "\"size\" must be a number that is not negative")};
  }
  file.size = from["size"];
  const std::string fault = fault_of_path(file.path);
  if (!fault.empty()) throw Refused{error_answer(400, "", "path " + file.path + " " + fault)};
  if (file.sample.size() != std::min(file.size, kSampleSize)) {
    throw Refused{error_answer(400, "", "\"sample\" must be the first 512 bytes of " + file.path)};
  }
  return file;
}

// What was sent under that name, else what the repo holds.
std::string text_of(const json& body, const char* field, const TestRepo& repo,
                    const std::string& commit, const std::string& path) {
  if (body.contains(field) && !body[field].is_null()) return body[field];
  return text_at(repo, commit, path);
}

}  // namespace

std::string text_at(const TestRepo& repo, const std::string& commit, const std::string& path) {
  const std::optional<RepoEntry> entry = repo.find(commit, path);
  return entry && !entry->is_directory ? read_all(*repo.git_content(*entry)) : "";
}

Answer serve_preupload(const HubView& hub, const Request& request) {
  const TestRepo& repo = writable_repo(hub, request, kRepoAt);
  const std::string commit = commit_of(repo, request.segments.at(kRevisionAt));
  const json body = json::parse(request.body, nullptr, false);
  if (!body.is_object() || !body.contains("files") || !body["files"].is_array()) {
    return error_answer(400, "", "\"files\" must be an array");
  }
  const WritingLimits& limits = hub.behaviour.limits;
  if (body["files"].size() > limits.preupload_files) {
    return error_answer(
        400, "",
        "\"files\" must contain at most " + std::to_string(limits.preupload_files) + " items");
  }
  const GitAttributes attributes(text_of(body, "gitAttributes", repo, commit, ".gitattributes"));
  const GitIgnore ignore(text_of(body, "gitIgnore", repo, commit, ".gitignore"));
  json files = json::array();
  for (const json& item : body["files"]) {
    const AskedFile file = asked_file(item);
    const bool lfs = file.size > 0 && (attributes.is_lfs(file.path) ||
                                       file.size >= limits.git_file || looks_binary(file.sample));
    json decided = {{"path", file.path},
                    {"uploadMode", lfs ? "lfs" : "regular"},
                    {"shouldIgnore", ignore.ignores(file.path)}};
    const std::optional<RepoEntry> entry = repo.find(commit, file.path);
    if (entry && !entry->is_directory) decided["oid"] = entry->lfs ? entry->lfs->oid : entry->oid;
    files.push_back(std::move(decided));
  }
  return json_answer({{"files", files}, {"commitOid", commit}});
}

}  // namespace neffs::test
