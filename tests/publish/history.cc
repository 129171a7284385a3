#include "tests/publish/history.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace neffs::test {
namespace {

// The Hub adds a line to it for each large file that no pattern covers.
constexpr const char* kWrittenByTheHub = ".gitattributes";

bool has_below(const std::set<std::string>& paths, const std::string& directory) {
  const auto first = paths.lower_bound(directory + "/");
  return first != paths.end() && first->starts_with(directory + "/");
}

}  // namespace

std::vector<NewFile> files_to_commit(const MadeModule& module) {
  std::vector<NewFile> files;
  for (const auto& [name, bytes] : module.files)
    files.emplace_back(module.path + "/" + name, bytes);
  return files;
}

History::History(const TestRepo& repo, const std::string& after) : repo_(repo) {
  auto commits = repo.history(repo.head());
  std::reverse(commits.begin(), commits.end());
  std::string before = after;
  bool counts = false;
  for (const auto& commit : commits) {
    if (counts) {
      Step step{commit.id, {}};
      for (const auto& change : repo.diff(before, commit.id))
        step.paths.insert(change.after ? change.after->path : change.before->path);
      step.paths.erase(kWrittenByTheHub);
      touched_.insert(step.paths.begin(), step.paths.end());
      steps_.push_back(std::move(step));
      before = commit.id;
    }
    counts |= commit.id == after;
  }
  EXPECT_TRUE(counts) << "the repo does not have " << after;
}

std::size_t History::commits_of(const std::string& module) const {
  return static_cast<std::size_t>(
      std::count_if(steps_.begin(), steps_.end(),
                    [&](const Step& step) { return has_below(step.paths, module); }));
}

// Of what the repo has in that commit from what was compiled.
std::set<std::string> History::differences(const std::string& commit,
                                           const MadeModule& module) const {
  std::set<std::string> different;
  for (const auto& [name, bytes] : module.files) different.insert("no " + name);
  const auto entries = repo_.list(commit, module.path, true);
  if (!entries) return different;
  for (const auto& entry : *entries) {
    if (entry.is_directory) continue;
    const auto name = entry.path.substr(module.path.size() + 1);
    different.erase("no " + name);
    const auto made = module.files.find(name);
    if (made == module.files.end())
      different.insert("also " + name);
    else if (read_all(*repo_.content(entry)) != made->second)
      different.insert("another " + name);
  }
  return different;
}

void History::expect_untorn(const MadeModule& module) const {
  const std::set<std::string> none;
  for (const auto& step : steps_) {
    if (!has_below(step.paths, module.path)) continue;
    EXPECT_EQ(differences(step.commit, module), none) << module.path << " in " << step.commit;
  }
}

void History::expect_once(const MadeModule& module) const {
  EXPECT_EQ(commits_of(module.path), 1U) << module.path;
  expect_untorn(module);
  EXPECT_EQ(differences(repo_.head(), module), std::set<std::string>()) << module.path;
}

}  // namespace neffs::test
