#include "mount-helper/registry_look_up.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <tuple>

#include "fs/cache_layout.h"
#include "fs/layer.h"
#include "fs/publishable.h"
#include "mount-helper/command_error.h"
#include "mount-helper/output.h"

namespace neffs::mount_helper {
namespace {

using hub::EntryKind;
using hub::ListDepth;

constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 20;  // of an entry: no real one is near

// Which of them can be the model's, by their paths alone.
std::vector<RegistryFile> candidates(const std::vector<RegistryFile>& files,
                                     const WantedModel& model) {
  std::set<std::string> contents;
  std::map<std::string, std::string> type_of;  // by content
  for (const auto& [path, file] : files) {
    if (!model.id.empty() && path.model_id == model.id) contents.insert(file.content.hex);
    if (!path.model_type.empty()) type_of.emplace(file.content.hex, path.model_type);
  }
  using Folder = std::tuple<std::string, std::string, std::string>;
  std::set<Folder> architectures;
  const auto folder_of = [](const fs::RegistryPath& path) {
    return Folder(path.folder, path.release, path.architecture);
  };
  for (const auto& [path, file] : files)
    if (!path.architecture.empty() && contents.contains(file.content.hex))
      architectures.insert(folder_of(path));
  const auto type = fs::model_type_of(model.config_text).value_or("");
  std::vector<RegistryFile> chosen;
  for (const auto& each : files) {
    const auto known = type_of.find(each.file.content.hex);
    const bool is_of_id =
        contents.contains(each.file.content.hex) || architectures.contains(folder_of(each.path));
    const bool may_fit = type.empty() || known == type_of.end() || known->second == type;
    if (model.id.empty() ? may_fit : is_of_id) chosen.push_back(each);
  }
  return chosen;
}

// An alias and what it stands for are one entry; the alias's path tells more.
void drop_twins(std::vector<RegistryFile>& files) {
  const auto key = [](const RegistryFile& file) {
    return std::tie(file.path.folder, file.path.release, file.file.content.hex, file.path.mode,
                    file.path.architecture);
  };
  std::sort(files.begin(), files.end(),
            [&](const auto& one, const auto& other) { return key(one) < key(other); });
  const auto is_same = [](const RegistryFile& one, const RegistryFile& other) {
    return one.path.folder == other.path.folder && one.path.release == other.path.release &&
           one.path.mode == other.path.mode && one.file.content == other.file.content;
  };
  files.erase(std::unique(files.begin(), files.end(), is_same), files.end());
}

bool comes_first(const FoundEntry& one, const FoundEntry& other) {
  const auto& a = one.entry;
  const auto& b = other.entry;
  if (a.path.compiler != b.path.compiler)
    return fs::is_newer_version(a.path.compiler, b.path.compiler);
  if (a.release != b.release) return fs::is_newer_version(a.release, b.release);
  const auto key = [](const fs::RegistryEntry& entry) {
    return std::tie(entry.path.mode, entry.model_id, entry.batch_size, entry.sequence_length,
                    entry.tensor_parallel_size, entry.dtype, entry.instance_type, entry.path.hash);
  };
  return key(a) < key(b);
}

}  // namespace

std::vector<hub::RemoteEntry> compiler_folders(RepoReader& repo) {
  auto folders = repo.list("", "", ListDepth::kChildren);
  std::erase_if(folders, [](const hub::RemoteEntry& entry) {
    return entry.kind != EntryKind::kDirectory ||
           fs::locate(entry.path).place != fs::Place::kVersion;
  });
  return folders;
}

std::vector<RegistryFile> registry_files(RepoReader& repo, const hub::RemoteEntry& folder) {
  const auto registry = fs::join_path(folder.path, fs::kRegistryName);
  std::vector<RegistryFile> files;
  // The registry's own tree is named only among thousands of modules; its releases are few.
  const auto key = folder.oid.empty() ? "" : folder.oid + "/" + std::string(fs::kRegistryName);
  for (const auto& release : repo.list(registry, key, ListDepth::kChildren)) {
    if (release.kind != EntryKind::kDirectory) continue;
    const auto below = fs::join_path(registry, release.path);
    for (auto& entry : repo.list(below, release.oid, ListDepth::kEverything)) {
      entry.path = fs::join_path(below, entry.path);
      auto path = fs::parse_registry_path(entry.path);
      if (path && entry.kind == EntryKind::kFile && entry.size <= kMostBytes)
        files.push_back({*std::move(path), std::move(entry)});
    }
  }
  return files;
}

LookUp look_up(RepoReader& repo, const WantedModel& model, const fs::RegistryFilter& filter,
               const std::function<void(std::size_t, std::size_t)>& next) {
  LookUp result;
  std::vector<RegistryFile> files;
  for (const auto& folder : compiler_folders(repo)) {
    auto of_folder = registry_files(repo, folder);
    std::move(of_folder.begin(), of_folder.end(), std::back_inserter(files));
  }
  result.has_registry = !files.empty();
  auto chosen = candidates(files, model);
  drop_twins(chosen);
  std::vector<hub::RemoteEntry> to_read;
  to_read.reserve(chosen.size());
  for (const auto& each : chosen) to_read.push_back(each.file);
  const auto texts = repo.read(to_read, [&](std::size_t read) { next(read, to_read.size()); });
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    if (model.id.empty() && !fs::is_of_architecture(texts[i], model.config_text)) continue;
    auto entry = fs::read_registry_entry(chosen[i].path, texts[i]);
    if (entry && fs::matches(*entry, filter))
      result.found.push_back({repo.source(), *std::move(entry), fs::registry_settings(texts[i])});
  }
  std::sort(result.found.begin(), result.found.end(), comes_first);
  return result;
}

std::string read_config(const std::string& directory) {
  const auto file = directory + "/config.json";
  std::ifstream in(file, std::ios::binary);
  if (!in)
    throw CommandError(printable(directory), "there is no config.json in it that can be read",
                       "a model is a directory with one, or an id like meta-llama/Llama-3.2-1B");
  std::string text(std::istreambuf_iterator<char>(in), {});
  if (!fs::model_type_of(text))
    throw CommandError(printable(file), "no JSON object", "it describes no model");
  return text;
}

}  // namespace neffs::mount_helper
