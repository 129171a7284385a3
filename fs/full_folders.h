// Folders of a repo that have no room for another name: what would go there is not tried for a while.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "index/upload.h"

namespace neffs::fs {

// A plain value of one thread; time is passed in.
class FullFolders {
 public:
  using Time = std::chrono::system_clock::time_point;

  // The Hub has just said so.
  void add(const std::string& folder, Time now);
  // Whether the upload at that path would be one name more in one of them.
  bool concern(std::string_view path) const;
  // Those that may have been cleaned up by now; they are forgotten.
  std::vector<std::string> take_due(Time now);
  void clear() { until_.clear(); }

  // When the first of them is due; Time::max() if there is none.
  Time next() const;
  std::vector<std::string> names() const;

 private:
  std::map<std::string, Time, std::less<>> until_;
};

// Where an upload makes its name.
std::string folder_of(const index::Upload& upload);
// The error of an upload that finds no room.
std::string folder_full_text(const std::string& folder, const std::string& repo);
// By that error: it has failed, and for no other reason.
bool is_kept_out(const index::UploadEntry& entry);

// What is tried next after a commit of these was refused because of a folder, in this order. Nothing is
// sent of a folder that turns out to be full on the way, so that each costs two requests more at most
// while it is full, and is filled up to its last place where it is not.
std::vector<std::vector<index::Upload>> parts_by_folder(const std::vector<index::Upload>& uploads);

}  // namespace neffs::fs
