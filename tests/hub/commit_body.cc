#include "tests/hub/commit_body.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "tests/hub/digest.h"
#include "tests/hub/hub_state.h"

namespace neffs::test {
namespace {

using nlohmann::json;
using LineKind = CommitLine::Kind;

[[noreturn]] void refuse(std::size_t line, const std::string& message) {
  throw Refused{error_answer(400, "", "line " + std::to_string(line) + ": " + message)};
}

std::string text_in(const json& value, const char* name, std::size_t line) {
  if (!value.contains(name) || value[name].is_null()) return "";
  if (!value[name].is_string()) refuse(line, "\"" + std::string(name) + "\" must be a string");
  return value[name];
}

std::string content_in(const json& value, std::size_t line) {
  if (!value.contains("content")) refuse(line, "\"content\" is required");
  std::string text = text_in(value, "content", line);
  const std::string encoding = text_in(value, "encoding", line);
  if (encoding.empty() || encoding == "utf-8") return text;
  if (encoding != "base64") refuse(line, "\"encoding\" must be one of [utf-8, base64]");
  try {
    return from_base64(text);
  } catch (const std::invalid_argument&) {
    refuse(line, "\"content\" is not base64");
  }
}

CommitLine lfs_line_of(const json& value, std::size_t line) {
  CommitLine parsed{LineKind::kLfsFile, text_in(value, "path", line), "",
                    text_in(value, "oid", line), std::nullopt};
  if (text_in(value, "algo", line) != "sha256") refuse(line, "\"algo\" must be \"sha256\"");
  if (value.contains("size")) {
    if (!value["size"].is_number_unsigned()) refuse(line, "\"size\" must be a number");
    parsed.size = value["size"].get<std::uint64_t>();
  }
  return parsed;
}

CommitLine folder_line_of(const json& value, std::size_t line) {
  CommitLine parsed{LineKind::kDeletedFolder, text_in(value, "path", line), "", "", std::nullopt};
  if (parsed.path.ends_with('/')) parsed.path.pop_back();
  return parsed;
}

CommitLine line_of(const std::string& key, const json& value, std::size_t line) {
  // Renames are in the Hub's schema, but nobody is known to have seen one work.
  if (value.contains("oldPath")) refuse(line, "\"oldPath\" is not supported");
  if (key == "file") {
    return {LineKind::kFile, text_in(value, "path", line), content_in(value, line), "",
            std::nullopt};
  }
  if (key == "lfsFile") return lfs_line_of(value, line);
  if (key == "deletedFile") {
    return {LineKind::kDeletedFile, text_in(value, "path", line), "", "", std::nullopt};
  }
  if (key == "deletedFolder") return folder_line_of(value, line);
  refuse(line, "unknown key \"" + key + "\"");
}

void take_header(const json& value, CommitBody& body) {
  body.summary = text_in(value, "summary", 1);
  body.description = text_in(value, "description", 1);
  body.parent = text_in(value, "parentCommit", 1);
  if (body.summary.find_first_not_of(" \t\r\n") == std::string::npos) {
    refuse(1, "\"summary\" is not allowed to be empty");
  }
  const bool is_id = body.parent.size() == 40 &&
                     body.parent.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (!body.parent.empty() && !is_id) refuse(1, "\"parentCommit\" must be a commit id");
}

}  // namespace

std::string CommitBody::message() const {
  return description.empty() ? summary : summary + "\n\n" + description;
}

CommitBody parse_commit_body(std::string_view text) {
  CommitBody body;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (line.empty()) continue;
    const json item = json::parse(line, nullptr, false);
    const bool fits = item.is_object() && item.contains("key") && item["key"].is_string() &&
                      item.contains("value") && item["value"].is_object();
    if (!fits) refuse(number, "not an object with \"key\" and \"value\"");
    const std::string key = item["key"];
    if ((key == "header") != (number == 1)) refuse(number, "the header must be the first line");
    if (key == "header") {
      take_header(item["value"], body);
    } else {
      body.lines.push_back(line_of(key, item["value"], number));
    }
  }
  if (body.summary.empty()) refuse(1, "the header is missing");
  return body;
}

}  // namespace neffs::test
