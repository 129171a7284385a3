// The repos of the test Hub and the names they are found by.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "tests/hub/test_repo.h"

namespace neffs::test {

// Repos live as long as the shelf, deleted ones too, so that references stay good. Any thread.
class RepoShelf {
 public:
  // Opens the repos that an earlier shelf left in `root`; without one nothing is on disk.
  RepoShelf(std::optional<std::filesystem::path> root, TestRepo::Clock clock);

  // Throws std::invalid_argument if the name is not "namespace/name" or is taken.
  TestRepo& create(const std::string& name, const RepoSettings& settings);
  // nullptr if there is no repo of that name now.
  TestRepo* find(const std::string& name) const;
  void rename(const std::string& from, const std::string& to);
  // Makes `old_name` (a bare name of the early days, say) answer as a former name of `name`.
  void add_former_name(const std::string& old_name, const std::string& name);
  void remove(const std::string& name);
  // The present name of a renamed repo; "" if it never was one.
  std::string renamed_to(const std::string& old_name) const;
  std::vector<std::string> names() const;

  LfsStore& lfs() { return lfs_; }

 private:
  std::optional<std::filesystem::path> path_of(const std::string& name) const;

  const std::optional<std::filesystem::path> root_;
  const TestRepo::Clock clock_;
  LfsStore lfs_;
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<TestRepo>> repos_;  // guarded by mutex_
  std::map<std::string, std::string> former_names_;         // guarded by mutex_
  std::vector<std::shared_ptr<TestRepo>> removed_;          // guarded by mutex_
};

}  // namespace neffs::test
