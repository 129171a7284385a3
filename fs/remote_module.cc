#include "fs/remote_module.h"

#include <algorithm>
#include <array>
#include <map>

#include "fs/cache_layout.h"
#include "fs/layer.h"

namespace neffs::fs {
namespace {

constexpr std::int64_t kFirstWaitS = 5;
constexpr std::int64_t kLongestWaitS = 300;

bool is_module(const std::string& path) {
  return locate(path).place == Place::kModule;
}

bool has_mark(const std::string& module) {
  return base_name(module).find('+') != std::string_view::npos;
}

}  // namespace

std::vector<std::string> names_of_leftovers(const std::string& path) {
  if (!is_module(path)) return {};
  constexpr std::array<const char*, 2> kNames = {"model.log", "model.hlo_module.pb.lock"};
  std::vector<std::string> names;
  names.reserve(kNames.size());
  for (const char* name : kNames) names.push_back(join_path(path, name));
  return names;
}

RemoteModule look_at_module(hub::RemoteRepo& repo, const std::string& commit,
                            const std::string& path,
                            std::chrono::steady_clock::time_point deadline) {
  if (!is_module(path)) return {true, {}};
  const auto entries = repo.list(commit, path, hub::ListDepth::kEverything, deadline);
  if (!entries) return {};
  RemoteModule module;
  std::vector<ModuleFile> files;
  for (const auto& entry : *entries) {
    if (entry.kind != hub::EntryKind::kFile) continue;
    files.push_back({entry.path, entry.size});
    if (is_lock(entry.path) || entry.path == kFailureLog)
      module.leftovers.push_back(join_path(path, entry.path));
  }
  const auto state = judge_module(locate(path).version, base_name(path), files).state;
  module.is_finished = state == ModuleState::kFinished || state == ModuleState::kProbeNeff;
  return module;
}

bool is_superseded(const std::string& path, const RemoteModule& there, OurFiles ours) {
  if (!there.is_finished || !ours.some_differ) return false;
  return has_mark(path) || !ours.some_are_missing;
}

bool has_files(hub::RemoteRepo& repo, const std::string& commit, const index::PushedUpload& upload,
               std::chrono::steady_clock::time_point deadline) {
  const std::string directory(is_module(upload.path) ? upload.path
                                                     : std::string(parent_path(upload.path)));
  const auto entries = repo.list(commit, directory, hub::ListDepth::kEverything, deadline);
  if (!entries) return false;
  std::map<std::string, std::string> contents;
  for (const auto& entry : *entries)
    if (entry.kind == hub::EntryKind::kFile)
      contents.emplace(join_path(directory, entry.path), entry.content.text());
  return std::all_of(upload.files.begin(), upload.files.end(), [&](const auto& file) {
    const auto there = contents.find(file.path);
    return there != contents.end() && there->second == file.content;
  });
}

std::int64_t retry_after_s(int attempts) {
  return std::min(kLongestWaitS, kFirstWaitS << std::min(attempts, 10));
}

}  // namespace neffs::fs
