#include "hub/tree_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "hub/error_of_response.h"

namespace neffs::hub {
namespace {

using nlohmann::json;

[[noreturn]] void refuse(const std::string& what) {
  throw HubError(HubErrorKind::kInvalidAnswer,
                 fmt::format("not an answer of a Hub: {} (is HF_ENDPOINT a Hub, or is a proxy in "
                             "between?)",
                             what));
}

json parsed(std::string_view body) {
  auto value = json::parse(body, nullptr, false);
  if (value.is_discarded()) refuse("no JSON");
  return value;
}

std::string text_of(const json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_string()) refuse(fmt::format("no text in '{}'", key));
  return found->get<std::string>();
}

std::uint64_t size_of(const json& object) {
  const auto found = object.find("size");
  if (found == object.end() || !found->is_number_unsigned()) refuse("no number in 'size'");
  return found->get<std::uint64_t>();
}

ContentId content_of(const char* kind, const std::string& hex) {
  const auto id = ContentId::parse(fmt::format("{}:{}", kind, hex));
  if (!id) refuse(fmt::format("no {} in 'oid'", kind));
  return *id;
}

std::string relative_path(const std::string& path, std::string_view directory, ListDepth depth) {
  std::string_view rest = path;
  if (!directory.empty()) {
    if (!rest.starts_with(directory) || rest.size() == directory.size() ||
        rest[directory.size()] != '/') {
      refuse("an entry outside of the listed directory");
    }
    rest.remove_prefix(directory.size() + 1);
  }
  if (depth == ListDepth::kChildren && rest.find('/') != std::string_view::npos) {
    refuse("an entry deeper than asked for");
  }
  return std::string(rest);
}

// The size in lfs is the authority where there is one: the outer size was the pointer's once.
void set_content(const json& object, RemoteEntry& entry) {
  const auto lfs = object.find("lfs");
  if (lfs == object.end() || lfs->is_null()) {
    entry.content = content_of("sha1", entry.oid);
    entry.size = size_of(object);
    return;
  }
  if (!lfs->is_object()) refuse("no object in 'lfs'");
  entry.content = content_of("sha256", text_of(*lfs, "oid"));
  entry.size = size_of(*lfs);
}

std::optional<RemoteEntry> entry_of(const json& object, std::string_view directory,
                                    ListDepth depth) {
  if (!object.is_object()) refuse("no objects in the list");
  const std::string type = text_of(object, "type");
  if (type != "file" && type != "directory") return std::nullopt;
  RemoteEntry entry;
  entry.path = relative_path(text_of(object, "path"), directory, depth);
  entry.oid = text_of(object, "oid");
  if (!is_commit_id(entry.oid)) refuse("no git id in 'oid'");
  entry.kind = type == "file" ? EntryKind::kFile : EntryKind::kDirectory;
  if (entry.kind == EntryKind::kFile) set_content(object, entry);
  return entry;
}

// Whether the parameters of a link, `; rel="next"; …`, say that it leads to the next page.
bool is_next(std::string_view parameters) {
  return parameters.find("rel=\"next\"") != std::string_view::npos ||
         parameters.find("rel=next") != std::string_view::npos;
}

bool flag_of(const json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return false;
  if (found->is_boolean()) return found->get<bool>();
  return found->is_string();  // `gated` is false, "auto" or "manual"
}

int number_at(std::string_view text, std::size_t begin, std::size_t length) {
  int number = 0;
  const auto* const end = text.data() + begin + length;
  const auto result = std::from_chars(text.data() + begin, end, number);
  if (result.ec != std::errc() || result.ptr != end) refuse("no time in 'lastModified'");
  return number;
}

// "2026-08-01T10:00:00.000Z"
std::chrono::sys_seconds time_of(std::string_view text) {
  using namespace std::chrono;
  if (text.size() < 19) refuse("no time in 'lastModified'");
  const year_month_day date{year(number_at(text, 0, 4)),
                            month(static_cast<unsigned>(number_at(text, 5, 2))),
                            day(static_cast<unsigned>(number_at(text, 8, 2)))};
  if (!date.ok()) refuse("no time in 'lastModified'");
  return sys_days(date) + hours(number_at(text, 11, 2)) + minutes(number_at(text, 14, 2)) +
         seconds(number_at(text, 17, 2));
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
  const json page = parsed(body);
  if (!page.is_array()) refuse("no list of entries");
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
  const json object = parsed(body);
  if (!object.is_object()) refuse("no object");
  RepoInfo info;
  info.id = text_of(object, "id");
  if (!is_repo_id(info.id)) refuse("no repo in 'id'");
  info.commit = text_of(object, "sha");
  if (!is_commit_id(info.commit)) refuse("no commit in 'sha'");
  if (object.contains("lastModified"))
    info.last_modified = time_of(text_of(object, "lastModified"));
  info.is_private = flag_of(object, "private");
  info.is_gated = flag_of(object, "gated");
  info.is_disabled = flag_of(object, "disabled");
  return info;
}

}  // namespace neffs::hub
