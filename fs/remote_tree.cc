#include "fs/remote_tree.h"

#include <algorithm>
#include <span>
#include <utility>

#include "fs/layer.h"

namespace neffs::fs {
namespace {

template <typename Test>
bool any_component(std::string_view path, Test test) {
  while (true) {
    const auto slash = path.find('/');
    if (test(path.substr(0, slash))) return true;
    if (slash == std::string_view::npos) return false;
    path.remove_prefix(slash + 1);
  }
}

bool is_hostile_path(std::string_view path) {
  return any_component(path, [](std::string_view name) { return is_hostile_name(name, false); });
}

bool is_below_lock(std::string_view path) {
  return any_component(path, [](std::string_view name) { return name.ends_with(".lock"); });
}

// Git has no such trees: one name for a file and for a folder.
bool is_below_file(const ModuleListing& listing, std::string_view path) {
  for (auto up = parent_path(path); !up.empty(); up = parent_path(up)) {
    const auto it = listing.names.find(up);
    if (it != listing.names.end() && it->second.kind == RemoteName::Kind::kFile) return true;
  }
  return false;
}

// A listing need not name the folders between, and one that holds hidden names only is nothing.
void add_folders_above(ModuleListing& listing, std::string_view path) {
  for (auto up = parent_path(path); !up.empty(); up = parent_path(up))
    listing.names.try_emplace(std::string(up), RemoteName::directory({}));
}

RemoteName shown(const index::TreeEntry& entry) {
  if (entry.is_directory) return RemoteName::directory(entry.oid);
  RemoteName name{RemoteName::Kind::kFile, entry.size, entry.oid, {}, ""};
  name.content = hub::ContentId::parse(entry.content).value_or(hub::ContentId{});
  return name;
}

}  // namespace

index::TreeEntry to_index(const hub::RemoteEntry& entry) {
  const bool is_directory = entry.kind == hub::EntryKind::kDirectory;
  return {entry.path, is_directory, entry.oid, entry.size,
          is_directory ? std::string() : entry.content.text()};
}

std::vector<index::TreeEntry> to_index(const std::vector<hub::RemoteEntry>& entries) {
  std::vector<index::TreeEntry> rows;
  rows.reserve(entries.size());
  for (const auto& entry : entries) rows.push_back(to_index(entry));
  return rows;
}

DirectoryListing show_directory(std::string_view directory,
                                const std::vector<index::TreeEntry>& entries) {
  DirectoryListing listing;
  for (const auto& entry : entries) {
    if (is_hostile_name(entry.path, directory.empty())) {
      ++listing.skipped_names;
    } else if (!is_lock(join_path(directory, entry.path))) {
      const bool is_new = listing.children.try_emplace(entry.path, shown(entry)).second;
      if (!is_new) ++listing.skipped_names;
    }
  }
  return listing;
}

ModuleListing show_module(std::string_view module, const std::vector<index::TreeEntry>& entries) {
  ModuleListing listing;
  std::vector<ModuleFile> files;
  for (const auto& entry : entries) {
    if (is_hostile_path(entry.path) || is_below_file(listing, entry.path)) {
      ++listing.skipped_names;
      continue;
    }
    if (entry.is_directory || is_below_lock(entry.path)) continue;
    const auto [at, is_new] = listing.names.try_emplace(entry.path, shown(entry));
    if (is_new) {
      files.push_back({at->first, entry.size});
      add_folders_above(listing, entry.path);
    } else {
      ++listing.skipped_names;
    }
  }
  const auto name = base_name(module);
  listing.verdict = judge_module(parent_path(module), name, files);
  listing.plan = plan_module(name, files);
  const auto state = listing.verdict.state;
  if (state != ModuleState::kFinished && state != ModuleState::kProbeNeff)
    hide(listing, listing.verdict);
  return listing;
}

void hide(ModuleListing& listing, Verdict verdict) {
  listing.verdict = verdict;
  listing.plan = {};
  listing.names.clear();
}

std::string stamp_of(const ModuleListing& listing) {
  std::string text;
  for (const auto& [name, shown] : listing.names) text += name + '\n' + shown.content.hex + '\n';
  hub::ContentHasher hasher(hub::HashKind::kSha256, text.size());
  hasher.update(std::as_bytes(std::span(text)));
  return hasher.finish().text();
}

std::map<std::string, std::vector<index::TreeEntry>> by_module(
    const std::vector<index::TreeEntry>& entries) {
  std::map<std::string, std::vector<index::TreeEntry>> modules;
  for (const auto& entry : entries) {
    const auto slash = entry.path.find('/');
    if (slash == std::string::npos) continue;
    auto inner = entry;
    inner.path = entry.path.substr(slash + 1);
    modules[entry.path.substr(0, slash)].push_back(std::move(inner));
  }
  return modules;
}

}  // namespace neffs::fs
