// How long what is complete and ours still waits before it is published.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "fs/publishable.h"
#include "index/upload.h"

namespace neffs::fs {

// A traced export has no mark that would tell that its writer has ended.
inline constexpr std::chrono::seconds kTracedQuiet{60};
// What could not be taken is offered again after that time.
inline constexpr std::chrono::seconds kOfferAgain{2};

// What would be published, had it been quiet for long enough.
struct Sighting {
  Publishing publishing;               // kReady, kLocked or kFailed
  std::vector<index::SeenFile> files;  // by path
  std::chrono::nanoseconds age{};      // of the last change of one of them, by the disk's times
};

// Something that is not published yet, for people.
struct WaitingUpload {
  std::string path;
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  std::string why;         // "locked", "written to 3 s ago", "holds a symlink: x", …
  bool is_failed = false;  // it is not going to be published as it is

  friend bool operator==(const WaitingUpload&, const WaitingUpload&) = default;
};

// A path waits from its first sighting until it is taken or dropped. It is quiet once nothing was told
// of it, and no file of it has changed, for the time of its kind; whether that is so is decided by a
// second sighting that is equal to the first. Times are passed in. Safe for any thread; the mutex is a
// leaf, held for map operations only.
class Settling {
 public:
  using Time = std::chrono::steady_clock::time_point;

  explicit Settling(std::chrono::milliseconds settle) : settle_(settle) {}

  // From now on, also for what waits already.
  void set_settle(std::chrono::milliseconds settle);

  // The path was looked at, because a change of it was told or not. True if it is ready: quiet for long
  // enough, and as it was before.
  bool saw(const std::string& path, Sighting sighting, bool was_told, Time now);
  // It is ready, but somebody has a file of it open for writing: it is to be quiet anew. Its closing will
  // be told of, so that it is not looked at all the time.
  void found_open(const std::string& path, Time now);
  // It is ready, but cannot be taken: nothing is due for a while.
  void refused(const std::string& path, Time now);
  // It was taken, or is not to be published.
  void drop(const std::string& path);

  // The path that has been due for the longest, to be looked at again; nullopt if none is.
  std::optional<std::string> due(Time now) const;
  // When the next one falls due, which may have passed; nullopt if none does by itself.
  std::optional<Time> next_due() const;
  // By path.
  std::vector<WaitingUpload> waiting(Time now) const;

 private:
  struct Entry {
    Sighting sighting;
    Time quiet_since;
    std::optional<Time> due;  // nullopt: not before it is told of
    std::string trouble;      // why it was not taken, though it was ready
  };
  std::chrono::milliseconds quiet_time(const Sighting& sighting) const;
  void set_due(const std::string& path, Entry& entry, std::optional<Time> due);

  mutable std::mutex mutex_;  // a leaf; protects everything below
  std::chrono::milliseconds settle_;
  std::map<std::string, Entry> entries_;
  std::set<std::pair<Time, std::string>> due_;
  Time not_before_{};  // nothing was taken just now
};

}  // namespace neffs::fs
