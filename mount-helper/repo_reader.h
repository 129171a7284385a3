// A repo as commands read it that need no mount: as it is at its head, and as little of it as possible
// asked for twice.
#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "hub/hub_repo.h"
#include "mount-helper/object_cache.h"
#include "mount-helper/source.h"

namespace neffs::mount_helper {

class RepoReader {
 public:
  // Asks for the head. hub and cache outlive this. Throws HubError, as everything here.
  RepoReader(const hub::HubClient& hub, const Source& source, ObjectCache& cache);

  const Source& source() const { return source_; }
  const std::string& commit() const { return commit_; }

  // What is below a directory, empty if there is none; paths are relative to it. tree: git's id of the
  // directory if it is known, else "": what is known of the same tree in any commit counts.
  std::vector<hub::RemoteEntry> list(const std::string& directory, const std::string& tree,
                                     hub::ListDepth depth);
  // The texts of files, in their order, paths from the root of the repo. For small ones. Each is kept when
  // it is here, so that what fails in the middle is gone on with the next time.
  //   next: told by the calling thread how many are read, also before it throws
  std::vector<std::string> read(
      const std::vector<hub::RemoteEntry>& files,
      const std::function<void(std::size_t read)>& next = [](std::size_t) {});

 private:
  std::string fetch(const hub::RemoteEntry& file);

  const Source source_;
  ObjectCache& cache_;
  hub::HubRepo repo_;
  std::string commit_;
};

}  // namespace neffs::mount_helper
