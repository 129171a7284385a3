// Reads the files of the layer again, and compares their bytes with what was promised of them.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "fs/layer.h"
#include "index/index.h"

namespace neffs::fs {

struct DamagedFile {
  index::LayerFile record;
  std::string why;
  bool is_removed = false;  // so that it is fetched again
  std::string stays;        // why not, where that was asked for
};

struct Verification {
  std::uint64_t files = 0;  // read so far
  std::uint64_t bytes = 0;
  std::uint64_t all_bytes = 0;       // that there are to be read
  std::vector<DamagedFile> damaged;  // by path
  std::vector<std::string> unknown;  // paths that were asked for and of which nothing is promised
};

// Reads what is at or below the paths, which may be bare names of modules: copies, and of what was
// written here the files whose hash is known because they are about to be published, if they are as they
// were then. What changes while it is read, or is gone, is not judged.
//   drop: removes a damaged copy, "" if it did, else why it stays; empty: everything stays
//   tell: called now and then with what is known so far
// Throws IndexError, and HubError kCancelled soon after `stop` asks.
Verification verify_files(const Layer& layer, index::Index& index,
                          const std::vector<std::string>& paths,
                          const std::function<std::string(const index::LayerFile&)>& drop,
                          const std::function<void(const Verification&)>& tell,
                          const std::stop_token& stop);

struct VerifyOrder {
  std::vector<std::string> paths;  // "" is everything
  bool repairs = false;
};

}  // namespace neffs::fs
