// What a repo has of a module that is about to be published there.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "hub/remote_repo.h"
#include "index/upload.h"

namespace neffs::fs {

struct RemoteModule {
  bool is_finished = false;
  std::vector<std::string> leftovers;  // locks and the log of a failure, from the root of the repo
};

// Locks, and the log of a failure, that another client may have left of an unfinished module: the names
// by which it shows that there is one. Empty for a single file.
std::vector<std::string> names_of_leftovers(const std::string& path);

// One listing. path: of a module, or of a single file (which is finished). Throws HubError.
RemoteModule look_at_module(hub::RemoteRepo& repo, const std::string& commit,
                            const std::string& path,
                            std::chrono::steady_clock::time_point deadline);

// How our files stand to what is there under their names.
struct OurFiles {
  bool some_differ = false;
  bool some_are_missing = false;
};

// The first writer wins: what the repo has stays. Files that it lacks are added to a module of equal ones;
// without a mark, one that lacks files of ours is not finished.
bool is_superseded(const std::string& path, const RemoteModule& there, OurFiles ours);

// The commit holds all files of the upload with those very contents. Throws HubError.
bool has_files(hub::RemoteRepo& repo, const std::string& commit, const index::PushedUpload& upload,
               std::chrono::steady_clock::time_point deadline);

// How long an upload waits after it has failed so many times.
std::int64_t retry_after_s(int attempts);

}  // namespace neffs::fs
