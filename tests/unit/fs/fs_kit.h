// What the tests of fs/ share: a directory that goes away, a repo in memory whose answers the test
// holds back or spoils, and waiting for a condition with a limit.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "fs/layer.h"
#include "fs/remote_view.h"
#include "fs/unique_fd.h"
#include "hub/hub_error.h"
#include "hub/remote_repo.h"
#include "index/index.h"
#include "tests/eventually.h"

namespace neffs::test {

inline constexpr std::chrono::seconds kLimit{20};

// A directory for one test, removed with everything in it.
class TempDirectory {
 public:
  TempDirectory();
  ~TempDirectory();
  TempDirectory(const TempDirectory&) = delete;
  TempDirectory& operator=(const TempDirectory&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
  fs::UniqueFd open() const;

 private:
  std::filesystem::path path_;
};

void write_file(const std::filesystem::path& path, const std::string& bytes);
std::string read_file(const std::filesystem::path& path);
std::string read_fd(int fd);
// Everything below a directory, as relative paths, directories with a slash at their end.
std::vector<std::string> tree_of(const std::filesystem::path& root);
hub::ContentId content_of(const std::string& bytes);

// Holds whoever comes while it is shut.
class Gate {
 public:
  explicit Gate(bool is_open = false) : open_(is_open) {}
  // False if the stop was requested before the gate was opened.
  bool pass(const std::stop_token& stop = {});
  void open();
  void shut();
  std::size_t waiting() const;

 private:
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::size_t waiting_ = 0;
  bool open_;
};

// One question that the repo was asked.
struct Call {
  enum class Kind { kInfo, kHead, kList, kChanges, kReadStart, kDownload };
  Kind kind = Kind::kInfo;
  std::string path;
  hub::ListDepth depth = hub::ListDepth::kChildren;
  std::stop_token stop;
};

// A repo in memory. Safe for any thread.
class FakeRepo : public hub::RemoteRepo {
 public:
  using Files = std::map<std::string, std::string>;  // path → bytes

  // A new commit with these files, which becomes the head.
  std::string commit(Files files);
  // Called for every question before it is answered, without a lock: may wait, may throw.
  void on_call(std::function<void(const Call&)> hook);
  // Questions that `which` is true of wait until release(), or until their stop is requested.
  void hold(std::function<bool(const Call&)> which = [](const Call&) { return true; });
  void release();
  std::size_t held() const { return gate_.waiting(); }
  // Every question from now on fails so; nullopt ends it.
  void fail_with(std::optional<hub::HubErrorKind> kind);
  // Listings and tree ids lie: these entries are added to the listing of `directory`.
  void add_to_listing(const std::string& directory, hub::RemoteEntry entry);

  // Whether it tells what differs between two commits.
  void tell_changes(bool tells) { tells_changes_ = tells; }

  std::size_t count() const;
  std::size_t count(Call::Kind kind) const;
  std::size_t count(Call::Kind kind, const std::string& path) const;
  std::vector<std::string> log() const;

  hub::RepoInfo info() override;
  std::string head() override;
  std::optional<std::vector<hub::RemoteEntry>> list(
      const std::string& commit, const std::string& directory, hub::ListDepth depth,
      std::chrono::steady_clock::time_point deadline) override;
  std::optional<std::vector<hub::ChangedPath>> changes(
      const std::string& from, const std::string& to,
      std::chrono::steady_clock::time_point deadline) override;
  std::string read_start(const std::string& commit, const std::string& path, std::size_t bytes,
                         std::chrono::steady_clock::time_point deadline) override;
  void download(const hub::DownloadRequest& request, int fd) override;

 private:
  void enter(Call call);
  Files files_at(const std::string& commit) const;

  mutable std::mutex mutex_;
  std::map<std::string, Files> commits_;
  std::string head_;
  std::atomic<bool> tells_changes_{true};
  std::vector<Call> calls_;
  std::function<void(const Call&)> hook_;
  std::function<bool(const Call&)> which_;
  Gate gate_{true};
  std::map<std::string, std::vector<hub::RemoteEntry>> added_;
};

[[noreturn]] void throw_hub_error(hub::HubErrorKind kind);

inline const std::string kVersion = "neuronxcc-2.21.33363.0+82129205";
inline const std::string kOldVersion = "neuronxcc-2.14.213.0+013a129f";
inline const std::string kModuleA = kVersion + "/MODULE_1111+abcdef01";
inline const std::string kModuleB = kVersion + "/MODULE_2222+abcdef01";
inline const std::string kTraced = kVersion + "/MODULE_0123456789abcdef0123";

// A finished module as libneuronxla leaves it; `salt` makes its bytes differ from another's.
FakeRepo::Files module_files(const std::string& module, const std::string& salt = "");
FakeRepo::Files operator+(FakeRepo::Files one, const FakeRepo::Files& other);

inline const fs::SourceName kSource{"http://hub.test", "team/cache", "main"};
inline const fs::SourceName kSecondSource{"http://hub.test", "lab/cache", "main"};

// An index in the state folder of a temporary layer.
std::unique_ptr<index::Index> open_index(const std::filesystem::path& directory);

}  // namespace neffs::test
