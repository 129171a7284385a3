// What was deleted here although a source has it: whiteouts, and when they are in force.
#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/spdlog.h>

#include "fs/names.h"

namespace neffs::fs {
namespace {

bool is_line_of(std::string_view lines, std::string_view line) {
  for (std::size_t begin = 0; begin <= lines.size();) {
    const auto end = std::min(lines.find('\n', begin), lines.size());
    if (lines.substr(begin, end - begin) == line) return true;
    begin = end + 1;
  }
  return false;
}

}  // namespace

// What a whiteout of the path is made against: what every source has there that can tell, a line each,
// so that the next one's does not come in the place of the first one's. nullopt if there is nothing.
std::optional<std::string> Names::stamp(const std::string& path) {
  const auto stamps = sources_.stamps(path);
  if (stamps.empty()) return std::nullopt;
  return fmt::format("{}", fmt::join(stamps, "\n"));
}

// What would be seen there: of a folder, that of all who have it.
std::vector<std::string> Names::shown_stamps(const std::string& path) {
  const auto shown = remote(path);
  if (!shown || shown->from == nullptr) return {};
  const bool is_merged =
      shown->name.kind == RemoteName::Kind::kDirectory && locate(path).module.empty();
  if (is_merged) return sources_.stamps(path);
  auto stamp = stamp_in(*shown->from, path);
  return stamp ? std::vector{*std::move(stamp)} : std::vector<std::string>();
}

// A compiler folder is hidden as long as there is none here, whatever the source adds to it.
bool Names::is_in_force(const std::string& path, const std::string& made_against) {
  if (locate(path).place == Place::kVersion) {
    if (!layer_.stat(path)) return true;
    whiteouts_.drop_if(path, made_against);
    return false;
  }
  const auto now = shown_stamps(path);
  if (std::all_of(now.begin(), now.end(),
                  [&](const auto& stamp) { return is_line_of(made_against, stamp); }))
    return true;
  spdlog::info("{}: a source has a new version of what was deleted here", path);
  whiteouts_.drop_if(path, made_against);
  return false;
}

bool Names::is_deleted(const std::string& path) {
  if (whiteouts_.is_empty()) return false;
  for (std::string up = path; !up.empty(); up = parent_path(up)) {
    const auto made_against = whiteouts_.at(up);
    if (made_against && is_in_force(up, *made_against)) return true;
  }
  return false;
}

bool Names::white_out(const std::string& path) {
  if (is_lock(path)) return false;
  const auto at = locate(path);
  // What hides the source's module is going: the rest of that must not come in its place.
  if (at.place == Place::kInsideModule && is_wholly_local(at.module)) {
    const std::string module(at.module);
    if (const auto now = stamp(module)) whiteouts_.add_over(module, *now);
    return false;
  }
  const auto shown = remote(path);
  if (!shown || shown->name.kind == RemoteName::Kind::kAbsent) return false;
  const auto now = stamp(path);
  if (!now || is_deleted(path)) return false;
  whiteouts_.add(path, *now);
  return true;
}

void Names::white_out_contents(const std::string& path) {
  const auto place = locate(path).place;
  if (place != Place::kVersion && place != Place::kModule) return;
  const auto shown = remote(path);
  if (!shown || shown->name.kind != RemoteName::Kind::kDirectory) return;
  if (const auto now = stamp(path)) whiteouts_.add_over(path, *now);
}

void Names::drop_whiteout(const std::string& path) {
  whiteouts_.drop(path);
}

void Names::stands_for_itself(const std::string& path) {
  if (locate(path).place != Place::kModule) whiteouts_.drop(path);
}

bool Names::shines_through(const std::string& path) {
  const auto at = locate(path);
  if (!at.module.empty() && is_wholly_local(at.module)) return false;
  const auto shown = remote(path);
  return shown && shown->name.kind != RemoteName::Kind::kAbsent && !is_deleted(path);
}

std::vector<std::string> Names::restore(const std::string& path) {
  auto restored = whiteouts_.below(path);
  whiteouts_.drop_below(path);
  for (std::string up(parent_path(path)); !up.empty(); up = parent_path(up)) {
    if (!whiteouts_.at(up)) continue;
    whiteouts_.drop(up);
    restored.push_back(up);
  }
  return restored;
}

}  // namespace neffs::fs
