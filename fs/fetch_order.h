// What is fetched, and how it is to look here: plain values.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "fs/layer.h"
#include "fs/remote_tree.h"
#include "hub/remote_repo.h"

namespace neffs::fs {

// A file to fetch, as the tree of `commit` promises it.
struct FetchOrder {
  hub::RemoteRepo* repo = nullptr;  // outlives the fetcher's jobs
  std::string source;               // SourceName::text() of it
  std::string path;                 // from the root of the cache
  std::uint64_t size = 0;
  hub::ContentId content;
  std::string commit;
  std::int64_t mtime_s = 0;                      // what the name showed while it was remote
  std::string module;                            // "" outside modules
  std::shared_ptr<const ModuleListing> listing;  // of that module

  // wanted: a file's path, or a module's
  bool is_of(const std::string& wanted) const { return path == wanted || module == wanted; }
};

// A verified file. Its descriptor is readable before the file has its name in the layer, and stays
// the same file when it gets it.
struct FetchedFile {
  UniqueFd fd;  // O_RDWR
  LayerId id;
};

// What others have to say when a file is about to get its name, and when it has got it. Called by
// any thread; must not call back.
struct NamingRules {
  // False: the name was deleted here meanwhile.
  std::function<bool(const std::string& path)> is_wanted;
  // While the lock is held that stays as it is.
  std::function<std::unique_lock<std::mutex>()> hold;
  // The index has the copy as intended.
  std::function<void(const std::string& path, LayerId file, const hub::ContentId& content)>
      before_name;
};

struct FetchOptions {
  std::chrono::milliseconds idle_timeout{60'000};
  mode_t directory_mode = 0777;
  mode_t file_mode = 0666;
  uid_t uid = 0;
  gid_t gid = 0;
};

}  // namespace neffs::fs
