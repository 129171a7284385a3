#include "fs/full_folders.h"

#include <fmt/format.h>

#include <algorithm>

#include "fs/layer.h"

namespace neffs::fs {
namespace {

constexpr std::chrono::hours kBetweenTries{1};
constexpr std::string_view kFolderFull = "folder full: ";

}  // namespace

void FullFolders::add(const std::string& folder, Time now) {
  until_.insert_or_assign(folder, now + kBetweenTries);
}

bool FullFolders::concern(std::string_view path) const {
  return until_.contains(parent_path(path));
}

std::vector<std::string> FullFolders::take_due(Time now) {
  std::vector<std::string> due;
  std::erase_if(until_, [&](const auto& full) {
    if (full.second > now) return false;
    due.push_back(full.first);
    return true;
  });
  return due;
}

FullFolders::Time FullFolders::next() const {
  Time next = Time::max();
  for (const auto& [folder, until] : until_) next = std::min(next, until);
  return next;
}

std::vector<std::string> FullFolders::names() const {
  std::vector<std::string> names;
  for (const auto& [folder, until] : until_) names.push_back(folder);
  return names;
}

std::string folder_of(const index::Upload& upload) {
  return std::string(parent_path(upload.entry.path));
}

std::string folder_full_text(const std::string& folder, const std::string& repo) {
  return fmt::format(
      "{}{} of {} takes no more names (neffs retract removes old modules of it, or mount a new "
      "repo; it is tried again every hour, and at neffs flush)",
      kFolderFull, folder, repo);
}

bool is_kept_out(const index::UploadEntry& entry) {
  return entry.state == index::UploadState::kFailed && entry.error.starts_with(kFolderFull);
}

std::vector<std::vector<index::Upload>> parts_by_folder(const std::vector<index::Upload>& uploads) {
  std::map<std::string, std::vector<index::Upload>> folders;
  for (const auto& upload : uploads) folders[folder_of(upload)].push_back(upload);
  std::vector<std::vector<index::Upload>> parts;
  if (folders.size() > 1) {
    for (auto& [folder, part] : folders) parts.push_back(std::move(part));
    return parts;
  }
  if (uploads.empty()) return parts;
  // One by itself tells whether there is any room.
  const auto rest = uploads.begin() + 1;
  const auto middle = rest + (uploads.end() - rest + 1) / 2;
  parts.emplace_back(uploads.begin(), rest);
  parts.emplace_back(rest, middle);
  parts.emplace_back(middle, uploads.end());
  std::erase_if(parts, [](const auto& part) { return part.empty(); });
  return parts;
}

}  // namespace neffs::fs
