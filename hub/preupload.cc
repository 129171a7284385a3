#include "hub/preupload.h"

#include <fmt/format.h>

#include <map>

#include "hub/base64.h"
#include "hub/error_of_response.h"
#include "hub/json_answer.h"
#include "hub/tree_page.h"

namespace neffs::hub {
namespace {

using nlohmann::json;

StorageKind storage_of(const json& entry) {
  if (flag_in(entry, "shouldIgnore")) return StorageKind::kIgnored;
  const std::string mode = text_in(entry, "uploadMode");
  if (mode == "regular") return StorageKind::kRegular;
  if (mode == "lfs") return StorageKind::kLfs;
  refuse_answer("an unknown 'uploadMode'");
}

// The SHA-256 of a large file or git's id of any other, told apart by their lengths.
std::optional<ContentId> current_of(const json& entry) {
  if (!entry.contains("oid") || entry["oid"].is_null()) return std::nullopt;
  const std::string hex = text_in(entry, "oid");
  auto id = ContentId::parse((hex.size() == 40 ? "sha1:" : "sha256:") + hex);
  if (!id) refuse_answer("no id in 'oid'");
  return id;
}

FilePlan plan_of(const json& entry, const PushFile& file) {
  FilePlan plan{storage_of(entry), current_of(entry)};
  // The Hub keeps no empty objects, whatever a pattern says.
  if (file.size == 0 && plan.storage == StorageKind::kLfs) plan.storage = StorageKind::kRegular;
  return plan;
}

}  // namespace

std::string preupload_question(std::span<const PushFile> files) {
  json list = json::array();
  for (const PushFile& file : files) {
    list.push_back({{"path", file.path}, {"size", file.size}, {"sample", base64(file.sample)}});
  }
  try {
    return json{{"files", std::move(list)}}.dump();
  } catch (const json::exception&) {
    throw HubError(HubErrorKind::kRefused, "a path that is not UTF-8, which the Hub demands");
  }
}

PushPlan parse_preupload(std::string_view body, std::span<const PushFile> files) {
  const json answer = parsed_answer(body);
  std::map<std::string, const json*> by_path;
  for (const json& entry : list_in(answer, "files")) by_path[text_in(entry, "path")] = &entry;

  PushPlan plan;
  plan.files.reserve(files.size());
  for (const PushFile& file : files) {
    const auto found = by_path.find(file.path);
    if (found == by_path.end()) {
      refuse_answer(fmt::format("no word about {}", quotable(file.path)));
    }
    plan.files.push_back(plan_of(*found->second, file));
  }
  if (answer.contains("commitOid")) {
    plan.head = text_in(answer, "commitOid");
    if (!is_commit_id(*plan.head)) refuse_answer("no commit in 'commitOid'");
  }
  return plan;
}

}  // namespace neffs::hub
