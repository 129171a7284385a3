#include "tests/hub/repo_shelf.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace neffs::test {
namespace {

using MaybePath = std::optional<std::filesystem::path>;

}  // namespace

RepoShelf::RepoShelf(MaybePath root, TestRepo::Clock clock)
    : root_(std::move(root)),
      clock_(std::move(clock)),
      lfs_(root_ ? MaybePath(*root_ / "lfs") : std::nullopt) {
  if (!root_) return;
  std::filesystem::create_directories(*root_ / "repos");
  for (const auto& owner : std::filesystem::directory_iterator(*root_ / "repos")) {
    for (const auto& dir : std::filesystem::directory_iterator(owner)) {
      const std::string name = owner.path().filename().string() + "/" + dir.path().stem().string();
      repos_[name] = std::make_shared<TestRepo>(name, dir.path(), lfs_, clock_);
    }
  }
}

TestRepo& RepoShelf::create(const std::string& name, const RepoSettings& settings) {
  const std::scoped_lock lock(mutex_);
  if (std::count(name.begin(), name.end(), '/') != 1 || repos_.contains(name)) {
    throw std::invalid_argument("cannot create a repo " + name);
  }
  auto repo = std::make_shared<TestRepo>(name, path_of(name), lfs_, clock_);
  repo->set_settings(settings);
  former_names_.erase(name);
  return *(repos_[name] = std::move(repo));
}

TestRepo* RepoShelf::find(const std::string& name) const {
  const std::scoped_lock lock(mutex_);
  const auto found = repos_.find(name);
  return found == repos_.end() ? nullptr : found->second.get();
}

void RepoShelf::rename(const std::string& from, const std::string& to) {
  const std::scoped_lock lock(mutex_);
  auto node = repos_.extract(from);
  if (node.empty() || repos_.contains(to)) throw std::invalid_argument("cannot rename " + from);
  node.key() = to;
  node.mapped()->set_name(to);
  repos_.insert(std::move(node));
  for (auto& [old_name, name] : former_names_) {
    if (name == from) name = to;
  }
  former_names_[from] = to;
}

void RepoShelf::add_former_name(const std::string& old_name, const std::string& name) {
  const std::scoped_lock lock(mutex_);
  former_names_[old_name] = name;
}

void RepoShelf::remove(const std::string& name) {
  const std::scoped_lock lock(mutex_);
  auto node = repos_.extract(name);
  if (node.empty()) throw std::invalid_argument("no repo " + name);
  removed_.push_back(node.mapped());
}

std::string RepoShelf::renamed_to(const std::string& old_name) const {
  const std::scoped_lock lock(mutex_);
  const auto found = former_names_.find(old_name);
  return found == former_names_.end() ? "" : found->second;
}

std::vector<std::string> RepoShelf::names() const {
  const std::scoped_lock lock(mutex_);
  std::vector<std::string> names;
  for (const auto& item : repos_) names.push_back(item.first);
  return names;
}

MaybePath RepoShelf::path_of(const std::string& name) const {
  if (!root_) return std::nullopt;
  // A removed repo's directory stays; a new one of the same name starts afresh beside it.
  std::filesystem::path path = *root_ / "repos" / (name + ".git");
  for (int n = 2; std::filesystem::exists(path); ++n) {
    path = *root_ / "repos" / (name + ".git" + std::to_string(n));
  }
  return path;
}

}  // namespace neffs::test
