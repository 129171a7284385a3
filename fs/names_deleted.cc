// What was deleted here although a source has it: whiteouts, and when they are in force.
#include <algorithm>

#include <spdlog/spdlog.h>

#include "fs/names.h"

namespace neffs::fs {

// What a whiteout of the path is made against, nullopt if the source has nothing there or has to be
// asked. A module is taken whole from one commit, so all of its names change together.
std::optional<std::string> Names::stamp(const std::string& path) {
  const auto at = locate(path);
  if (at.place == Place::kVersion) return "";
  if (!at.module.empty()) {
    const auto listing = view_.peek_module(at.module);
    if (!listing || listing->verdict.state != ModuleState::kFinished) return std::nullopt;
    const bool has_it =
        at.place == Place::kModule || listing->names.find(at.inside) != listing->names.end();
    return has_it ? std::optional(stamp_of(*listing)) : std::nullopt;
  }
  const auto remote = view_.peek(path);
  if (!remote || remote->kind == RemoteName::Kind::kAbsent) return std::nullopt;
  return remote->kind == RemoteName::Kind::kFile ? remote->content.text() : remote->oid;
}

// A compiler folder is hidden as long as there is none here, whatever the source adds to it.
bool Names::is_in_force(const std::string& path, const std::string& made_against) {
  if (locate(path).place == Place::kVersion) {
    if (!layer_.stat(path)) return true;
    whiteouts_.drop_if(path, made_against);
    return false;
  }
  const auto now = stamp(path);
  if (!now || *now == made_against) return true;
  spdlog::info("{}: the source has a new version of what was deleted here", path);
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
  const auto remote = view_.peek(path);
  if (!remote || remote->kind == RemoteName::Kind::kAbsent) return false;
  const auto now = stamp(path);
  if (!now || is_deleted(path)) return false;
  whiteouts_.add(path, *now);
  return true;
}

void Names::white_out_contents(const std::string& path) {
  const auto place = locate(path).place;
  if (place != Place::kVersion && place != Place::kModule) return;
  const auto remote = view_.peek(path);
  if (!remote || remote->kind != RemoteName::Kind::kDirectory) return;
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
  const auto remote = view_.peek(path);
  return remote && remote->kind != RemoteName::Kind::kAbsent && !is_deleted(path);
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
