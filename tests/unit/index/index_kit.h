// What the tests of index/ share: a directory that goes away, sample rows, a child to be killed.
#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "index/index.h"

namespace neffs::test {

class IndexTest : public testing::Test {
 protected:
  IndexTest() {
    std::string name = (std::filesystem::temp_directory_path() / "neffs-index-XXXXXX").string();
    directory_ = ::mkdtemp(name.data());
    file_ = directory_ / "index.sqlite";
  }
  ~IndexTest() override { std::filesystem::remove_all(directory_); }

  std::unique_ptr<index::Index> open() { return index::Index::open(file_, report_); }

  // Runs `steps` in a child that then dies as by kill -9: no destructor, no flush, no close.
  static void run_and_kill(const std::function<void()>& steps) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      steps();
      ::kill(::getpid(), SIGKILL);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << "status " << status;
  }

  std::vector<std::filesystem::path> set_aside() const {
    std::vector<std::filesystem::path> found;
    for (const auto& entry : std::filesystem::directory_iterator(directory_)) {
      if (entry.path().filename().string().find(".damaged-") != std::string::npos) {
        found.push_back(entry.path());
      }
    }
    return found;
  }

  std::filesystem::path directory_;
  std::filesystem::path file_;
  index::OpenReport report_;
};

inline index::LayerFile sample_copy(const std::string& path) {
  index::LayerFile copy;
  copy.path = path;
  copy.source = "https://hub.example/lab/cache@main";
  copy.commit = std::string(40, 'c');
  copy.content = "sha256:" + std::string(64, '1');
  copy.size = 1000;
  return copy;
}

inline std::vector<index::TreeEntry> sample_tree(std::size_t count, const std::string& tag) {
  std::vector<index::TreeEntry> entries;
  for (std::size_t number = 0; number < count; ++number) {
    const std::string digits = std::to_string(1'000'000 + number);
    entries.push_back({"MODULE_" + digits + "+" + tag, number % 2 == 0, std::string(40, 'a'),
                       number, number % 2 == 0 ? "" : "sha256:" + std::string(64, '2')});
  }
  return entries;
}

// The kind of IndexError that `work` throws; fails the test if it throws none.
template <typename Work>
index::IndexErrorKind kind_thrown(Work&& work) {
  try {
    work();
  } catch (const index::IndexError& error) {
    return error.kind;
  }
  ADD_FAILURE() << "no IndexError was thrown";
  return index::IndexErrorKind::kUnavailable;
}

}  // namespace neffs::test
