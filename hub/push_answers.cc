#include "hub/push_answers.h"

#include "hub/json_answer.h"
#include "hub/tree_page.h"

namespace neffs::hub {
namespace {

std::string commit_in(const nlohmann::json& object, const char* key) {
  std::string commit = text_in(object, key);
  if (!is_commit_id(commit)) refuse_answer("no commit where there should be one");
  return commit;
}

}  // namespace

std::optional<std::string> parse_branch_head(std::string_view body, std::string_view branch) {
  const auto answer = parsed_answer(body);
  for (const auto& entry : list_in(answer, "branches")) {
    if (text_in(entry, "name") == branch) return commit_in(entry, "targetCommit");
  }
  return std::nullopt;
}

std::string parse_new_commit(std::string_view body) {
  return commit_in(parsed_answer(body), "commitOid");
}

std::vector<PastCommit> parse_past_commits(std::string_view body) {
  const auto answer = parsed_answer(body);
  if (!answer.is_array()) refuse_answer("no list of commits");
  std::vector<PastCommit> commits;
  commits.reserve(answer.size());
  for (const auto& entry : answer) {
    commits.push_back({commit_in(entry, "id"), text_in(entry, "title"), time_in(entry, "date")});
  }
  return commits;
}

}  // namespace neffs::hub
