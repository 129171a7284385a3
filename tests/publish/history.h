// Walks every commit that a repo got, for modules that are torn, missing or there twice.
#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <vector>

#include "tests/hub/test_repo.h"
#include "tests/publish/modules.h"

namespace neffs::test {

// A commit of all its files, as another client makes it.
std::vector<NewFile> files_to_commit(const MadeModule& module);

// The commits of "main" from one on, as they were when this was made. Of one thread; the repo outlives
// it. What is wrong fails the test.
class History {
 public:
  // after: the last commit that does not count
  History(const TestRepo& repo, const std::string& after);

  std::size_t commits() const { return steps_.size(); }
  // How many of them changed something in the module.
  std::size_t commits_of(const std::string& module) const;
  // Every path that one of them added, changed or removed, but for what the Hub itself writes.
  const std::set<std::string>& touched() const { return touched_; }

  // Absent, or there with all its files and no others, in every commit. What one of them does not touch
  // stays as it was, so only those that do are looked at.
  void expect_untorn(const MadeModule& module) const;
  // The same, and it came in one commit, stayed as it was, and is there.
  void expect_once(const MadeModule& module) const;

 private:
  struct Step {
    std::string commit;
    std::set<std::string> paths;
  };
  std::set<std::string> differences(const std::string& commit, const MadeModule& module) const;

  const TestRepo& repo_;
  std::vector<Step> steps_;  // oldest first
  std::set<std::string> touched_;
};

}  // namespace neffs::test
