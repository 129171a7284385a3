#include "fs/whiteouts.h"

#include <iterator>
#include <mutex>
#include <utility>

#include <spdlog/spdlog.h>

#include "fs/layer.h"

namespace neffs::fs {

Whiteouts::Whiteouts(index::Index& index) : index_(index) {
  for (auto& row : index_.whiteouts()) rows_.emplace(std::move(row.path), std::move(row.content));
}

bool Whiteouts::is_empty() const {
  const std::shared_lock lock(mutex_);
  return rows_.empty();
}

std::optional<std::string> Whiteouts::at(const std::string& path) const {
  const std::shared_lock lock(mutex_);
  const auto row = rows_.find(path);
  return row == rows_.end() ? std::nullopt : std::optional(row->second);
}

bool Whiteouts::covers(const std::string& path) const {
  const std::shared_lock lock(mutex_);
  if (rows_.empty()) return false;
  for (std::string_view up = path; !up.empty(); up = parent_path(up))
    if (rows_.find(up) != rows_.end()) return true;
  return false;
}

std::vector<std::string> Whiteouts::below(const std::string& directory) const {
  std::vector<std::string> paths;
  const std::shared_lock lock(mutex_);
  for (auto row = rows_.lower_bound(directory);
       row != rows_.end() && row->first.starts_with(directory); ++row)
    if (is_at_or_below(row->first, directory)) paths.push_back(row->first);
  return paths;
}

void Whiteouts::erase_below_locked(const std::string& directory) {
  auto row = rows_.lower_bound(directory);
  while (row != rows_.end() && row->first.starts_with(directory))
    row = is_at_or_below(row->first, directory) ? rows_.erase(row) : std::next(row);
}

void Whiteouts::write(Write change) {
  std::vector<Write> changes;
  {
    const std::unique_lock lock(mutex_);
    changes.swap(unwritten_);
  }
  changes.push_back(std::move(change));
  auto next = changes.begin();
  try {
    for (; next != changes.end(); ++next) (*next)();
  } catch (const index::IndexError& error) {
    spdlog::warn("what was deleted is remembered in memory only for now: {}", error.what());
    const std::unique_lock lock(mutex_);
    unwritten_.insert(unwritten_.begin(), next, changes.end());
  }
}

void Whiteouts::add(const std::string& path, const std::string& content) {
  const std::lock_guard writing(writing_);
  {
    const std::unique_lock lock(mutex_);
    rows_.insert_or_assign(path, content);
  }
  write([this, path, content] { index_.put_whiteout({path, content}); });
}

void Whiteouts::add_over(const std::string& path, const std::string& content) {
  const std::lock_guard writing(writing_);
  {
    const std::unique_lock lock(mutex_);
    erase_below_locked(path);
    rows_.insert_or_assign(path, content);
  }
  write([this, path, content] { index_.put_whiteout_over({path, content}); });
}

void Whiteouts::drop(const std::string& path) {
  const std::lock_guard writing(writing_);
  {
    const std::unique_lock lock(mutex_);
    if (rows_.erase(path) == 0) return;
  }
  write([this, path] { index_.drop_whiteout(path); });
}

void Whiteouts::drop_if(const std::string& path, const std::string& content) {
  const std::lock_guard writing(writing_);
  {
    const std::unique_lock lock(mutex_);
    const auto row = rows_.find(path);
    if (row == rows_.end() || row->second != content) return;
    rows_.erase(row);
  }
  write([this, path] { index_.drop_whiteout(path); });
}

void Whiteouts::drop_below(const std::string& directory) {
  const std::lock_guard writing(writing_);
  if (below(directory).empty()) return;
  index_.drop_whiteouts_below(directory);
  const std::unique_lock lock(mutex_);
  erase_below_locked(directory);
}

}  // namespace neffs::fs
