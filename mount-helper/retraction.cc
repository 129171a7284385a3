#include "mount-helper/retraction.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "fs/layer.h"
#include "fs/publishable.h"
#include "mount-helper/command_error.h"
#include "mount-helper/commit_at_head.h"
#include "mount-helper/output.h"

namespace neffs::mount_helper {
namespace {

using Deadline = std::chrono::steady_clock::time_point;

bool is_module_path(const std::string& path) {
  const auto piece = fs::piece_of(path);
  return piece == fs::Piece::kCompiled || piece == fs::Piece::kTraced;
}

std::optional<RetractedModule> module_at(hub::RemoteRepo& repo, const std::string& commit,
                                         const std::string& path, Deadline deadline) {
  const auto entries = repo.list(commit, path, hub::ListDepth::kEverything, deadline);
  if (!entries) return std::nullopt;
  RetractedModule module{path, {}, 0};
  for (const auto& entry : *entries) {
    if (entry.kind != hub::EntryKind::kFile) continue;
    module.files.push_back(fs::join_path(path, entry.path));
    module.bytes += entry.size;
  }
  if (module.files.empty()) return std::nullopt;
  return module;
}

std::vector<std::string> folders_of(hub::RemoteRepo& repo, const std::string& commit,
                                    Deadline deadline) {
  std::vector<std::string> folders;
  const auto root = repo.list(commit, "", hub::ListDepth::kChildren, deadline);
  if (!root) return folders;
  for (const auto& entry : *root)
    if (entry.kind == hub::EntryKind::kDirectory) folders.push_back(entry.path);
  return folders;
}

// A bare name stands for its paths in all compiler folders.
std::vector<std::string> paths_of(const std::string& name,
                                  const std::vector<std::string>& folders) {
  std::vector<std::string> paths;
  if (is_module_path(name)) paths.push_back(name);
  if (name.find('/') != std::string::npos) return paths;
  for (const auto& folder : folders) {
    auto path = fs::join_path(folder, name);
    if (is_module_path(path)) paths.push_back(std::move(path));
  }
  return paths;
}

hub::CommitRequest request_for(const std::vector<RetractedModule>& modules) {
  hub::CommitRequest request;
  request.summary = modules.size() == 1 ? "Retract " + modules.front().path
                                        : fmt::format("Retract {} modules", modules.size());
  for (const auto& module : modules) {
    request.description += module.path + "\n";
    request.deleted_files.insert(request.deleted_files.end(), module.files.begin(),
                                 module.files.end());
  }
  return request;
}

}  // namespace

std::vector<RetractedModule> find_modules(hub::RemoteRepo& repo, const std::string& commit,
                                          const std::vector<std::string>& names,
                                          Deadline deadline) {
  const auto folders = folders_of(repo, commit, deadline);
  std::vector<RetractedModule> modules;
  for (const auto& name : names) {
    const auto paths = paths_of(name, folders);
    if (paths.empty() && !is_module_path("neuronxcc-0/" + name))
      throw usage_error(printable(name), "not the name of a module",
                        "MODULE_…, or its path in the cache");
    bool is_there = false;
    for (const auto& path : paths) {
      const auto same = [&](const RetractedModule& other) { return other.path == path; };
      const bool is_twice = std::any_of(modules.begin(), modules.end(), same);
      auto module = is_twice ? std::nullopt : module_at(repo, commit, path, deadline);
      is_there |= is_twice || module.has_value();
      if (module) modules.push_back(std::move(*module));
    }
    if (!is_there)
      throw CommandError(printable(name), "the repo has no such module",
                         "neffs explain says where one is");
  }
  return modules;
}

std::string remove_modules(hub::RemoteRepo& reader, hub::PushRepo& writer,
                           const std::vector<std::string>& paths, const hub::CallLimits& limits) {
  const auto change_of = [&](const std::string& head) -> std::optional<hub::CommitRequest> {
    std::vector<RetractedModule> modules;
    for (const auto& path : paths)
      if (auto module = module_at(reader, head, path, limits.deadline))
        modules.push_back(std::move(*module));
    if (modules.empty()) return std::nullopt;
    return request_for(modules);
  };
  return commit_at_head(reader, writer, change_of, limits);
}

}  // namespace neffs::mount_helper
