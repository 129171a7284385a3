#include "hub/tree_page.h"

#include <fmt/format.h>

#include <algorithm>

#include "hub/json_answer.h"

namespace neffs::hub {
namespace {

using nlohmann::json;

ContentId content_of(const char* kind, const std::string& hex) {
  const auto id = ContentId::parse(fmt::format("{}:{}", kind, hex));
  if (!id) refuse_answer(fmt::format("no {} in 'oid'", kind));
  return *id;
}

std::string relative_path(const std::string& path, std::string_view directory, ListDepth depth) {
  std::string_view rest = path;
  if (!directory.empty()) {
    if (!rest.starts_with(directory) || rest.size() == directory.size() ||
        rest[directory.size()] != '/') {
      refuse_answer("an entry outside of the listed directory");
    }
    rest.remove_prefix(directory.size() + 1);
  }
  if (depth == ListDepth::kChildren && rest.find('/') != std::string_view::npos) {
    refuse_answer("an entry deeper than asked for");
  }
  return std::string(rest);
}

// The size in lfs is the authority where there is one: the outer size was the pointer's once.
void set_content(const json& object, RemoteEntry& entry) {
  const auto lfs = object.find("lfs");
  if (lfs == object.end() || lfs->is_null()) {
    entry.content = content_of("sha1", entry.oid);
    entry.size = number_in(object, "size");
    return;
  }
  if (!lfs->is_object()) refuse_answer("no object in 'lfs'");
  entry.content = content_of("sha256", text_in(*lfs, "oid"));
  entry.size = number_in(*lfs, "size");
}

std::optional<RemoteEntry> entry_of(const json& object, std::string_view directory,
                                    ListDepth depth) {
  if (!object.is_object()) refuse_answer("no objects in the list");
  const std::string type = text_in(object, "type");
  if (type != "file" && type != "directory") return std::nullopt;
  RemoteEntry entry;
  entry.path = relative_path(text_in(object, "path"), directory, depth);
  entry.oid = text_in(object, "oid");
  if (!is_commit_id(entry.oid)) refuse_answer("no git id in 'oid'");
  entry.kind = type == "file" ? EntryKind::kFile : EntryKind::kDirectory;
  if (entry.kind == EntryKind::kFile) set_content(object, entry);
  return entry;
}

// Whether the parameters of a link, `; rel="next"; …`, say that it leads to the next page.
bool is_next(std::string_view parameters) {
  return parameters.find("rel=\"next\"") != std::string_view::npos ||
         parameters.find("rel=next") != std::string_view::npos;
}

// "name" or "namespace/name" of letters, digits and -_. ; it becomes part of URLs.
bool is_repo_id(std::string_view id) {
  const auto is_plain = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '_' || c == '.' || c == '/';
  };
  return !id.empty() && id.size() <= 200 && std::all_of(id.begin(), id.end(), is_plain) &&
         std::count(id.begin(), id.end(), '/') <= 1 && id.front() != '/' && id.back() != '/' &&
         id.find("..") == std::string_view::npos;
}

}  // namespace

bool is_commit_id(std::string_view text) {
  return text.size() == 40 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

std::vector<RemoteEntry> parse_tree_page(std::string_view body, std::string_view directory,
                                         ListDepth depth) {
  const json page = parsed_answer(body);
  if (!page.is_array()) refuse_answer("no list of entries");
  std::vector<RemoteEntry> entries;
  entries.reserve(page.size());
  for (const json& object : page) {
    if (auto entry = entry_of(object, directory, depth)) entries.push_back(std::move(*entry));
  }
  return entries;
}

std::optional<std::string> next_page(const Headers& headers) {
  std::string_view rest = headers.get("Link").value_or("");
  for (;;) {
    const std::size_t open = rest.find('<');
    const std::size_t close = rest.find('>', open == std::string_view::npos ? 0 : open);
    if (open == std::string_view::npos || close == std::string_view::npos) return std::nullopt;
    const auto after = rest.substr(close + 1);
    const auto parameters = after.substr(0, after.find('<'));
    if (is_next(parameters)) return std::string(rest.substr(open + 1, close - open - 1));
    rest = after;
  }
}

RepoInfo parse_repo_info(std::string_view body) {
  const json object = parsed_answer(body);
  RepoInfo info;
  info.id = text_in(object, "id");
  if (!is_repo_id(info.id)) refuse_answer("no repo in 'id'");
  info.commit = text_in(object, "sha");
  if (!is_commit_id(info.commit)) refuse_answer("no commit in 'sha'");
  if (object.contains("lastModified")) info.last_modified = time_in(object, "lastModified");
  info.is_private = flag_in(object, "private");
  info.is_gated = flag_in(object, "gated");
  info.is_disabled = flag_in(object, "disabled");
  return info;
}

}  // namespace neffs::hub
