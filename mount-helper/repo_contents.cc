#include "mount-helper/repo_contents.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "fs/cache_layout.h"
#include "fs/layer.h"

namespace neffs::mount_helper {
namespace {

using hub::EntryKind;
using hub::ListDepth;

constexpr std::string_view kPrefix = "neuronxcc-";

std::string_view version_of(std::string_view folder) {
  return folder.substr(std::min(folder.size(), kPrefix.size()));
}

void count_modules(RepoReader& repo, const hub::RemoteEntry& folder, CompilerContents& contents) {
  const auto entries = repo.list(folder.path, folder.oid, ListDepth::kEverything);
  std::map<std::string_view, std::vector<fs::ModuleFile>> modules;
  for (const auto& entry : entries) {
    const std::string_view path = entry.path;
    const auto slash = path.find('/');
    if (entry.kind != EntryKind::kFile || slash == path.npos) continue;
    const auto name = path.substr(0, slash);
    if (fs::locate(fs::join_path(folder.path, name)).place == fs::Place::kModule)
      modules[name].push_back({path.substr(slash + 1), entry.size});
  }
  for (const auto& [name, files] : modules) {
    const auto state = fs::judge_module(folder.path, name, files).state;
    // To tell an old failure from a NEFF would take a request for each.
    if (state != fs::ModuleState::kFinished && state != fs::ModuleState::kProbeNeff) {
      ++contents.unfinished;
      continue;
    }
    ++contents.modules;
    for (const auto& file : files) contents.bytes += file.size;
  }
}

void count_models(const std::vector<RegistryFile>& files, CompilerContents& contents) {
  std::set<std::string> named;
  for (const auto& [path, file] : files) {
    if (path.model_id.empty()) continue;
    ++contents.models[path.model_id].configurations;
    named.insert(file.content.hex);
  }
  for (const auto& [path, file] : files)
    if (path.model_id.empty() && !named.contains(file.content.hex)) ++contents.unnamed;
}

void read_model(RepoReader& repo, const std::vector<RegistryFile>& files, const std::string& model,
                CompilerContents& contents) {
  std::vector<hub::RemoteEntry> to_read;
  std::vector<const fs::RegistryPath*> paths;
  for (const auto& [path, file] : files) {
    if (path.model_id != model) continue;
    to_read.push_back(file);
    paths.push_back(&path);
  }
  std::erase_if(contents.models, [&](const auto& each) { return each.first != model; });
  contents.unnamed = 0;
  const auto texts = repo.read(to_read);
  for (std::size_t i = 0; i < texts.size(); ++i)
    if (auto entry = fs::read_registry_entry(*paths[i], texts[i]))
      contents.models[model].entries.push_back(*std::move(entry));
}

}  // namespace

std::vector<CompilerContents> contents_of(
    RepoReader& repo, const ContentsFilter& filter,
    const std::function<void(const std::string& folder)>& next) {
  auto folders = compiler_folders(repo);
  std::erase_if(folders, [&](const hub::RemoteEntry& folder) {
    return !version_of(folder.path).starts_with(filter.version) &&
           !folder.path.starts_with(filter.version);
  });
  std::sort(folders.begin(), folders.end(), [](const auto& one, const auto& other) {
    return fs::is_newer_version(version_of(one.path), version_of(other.path));
  });
  std::vector<CompilerContents> all;
  for (const auto& folder : folders) {
    next(folder.path);
    CompilerContents contents;
    contents.folder = folder.path;
    count_modules(repo, folder, contents);
    const auto files = registry_files(repo, folder);
    count_models(files, contents);
    if (!filter.model.empty()) read_model(repo, files, filter.model, contents);
    if (filter.model.empty() || !contents.models.empty()) all.push_back(std::move(contents));
  }
  return all;
}

}  // namespace neffs::mount_helper
