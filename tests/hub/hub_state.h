// What the handlers of the Hub's endpoints share, and the first steps most of them take.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "tests/hub/access.h"
#include "tests/hub/pauses.h"
#include "tests/hub/rate_limits.h"
#include "tests/hub/repo_shelf.h"
#include "tests/hub/request_kind.h"
#include "tests/hub/upload_desk.h"

namespace neffs::test {

// What the Hub puts up with from those who write. Tests lower it to get there with few bytes.
struct WritingLimits {
  std::size_t preupload_files = 256;
  std::size_t batch_objects = 256;
  std::uint64_t git_file = 10U << 20U;       // larger ones must be LFS
  std::uint64_t lfs_file = 50'000'000'000;   // the most that comes without Xet
  std::uint64_t basic_file = 5'000'000'000;  // the most that comes in one piece
  std::uint64_t parts_from = 32'000'000;     // larger ones come in parts, if the client can
  std::uint64_t part_size = 16'000'000;
  std::uint64_t commit_bytes = 1'000'000'000;  // of the request
  std::size_t lfs_files_per_commit = 25'000;
  std::size_t directory_entries = 10'000;
};

// Where the real Hub varies, or is not known well enough.
struct Behaviour {
  bool direct_git_files = false;   // resolve sends files that git holds at once, without the 307
  bool commit_on_redirect = true;  // X-Repo-Commit is on the 307 too, not only on the final answer
  bool answers_compare = true;     // false: 404, as for an endpoint that does not exist
  bool compresses = true;          // text files go gzip to whoever accepts it and asks for no range
  bool compression_beats_range = false;  // … and to those who do ask for a range
  std::int64_t signed_url_life_s = 3600;
  std::size_t page_size = 1000;          // of tree listings; the most a client can ask for
  std::size_t expanded_page_size = 100;  // the same with expand=true
  std::int64_t upload_url_life_s = 900;
  bool offers_verify = true;                     // of an upload
  std::chrono::milliseconds commit_duration{0};  // others get 409 meanwhile
  // What it calls itself in URLs, whatever address it is asked at, as the real one does behind a mirror;
  // "": its address.
  std::string public_endpoint{};
  WritingLimits limits{};
};

// One request's view of the Hub.
struct HubView {
  RepoShelf& repos;
  Access& access;
  UploadDesk& uploads;
  RateLimits& rates;
  Pauses& pauses;
  Behaviour behaviour;
  std::string endpoint;      // "http://127.0.0.1:PORT"
  std::string cdn_endpoint;  // the other port
  std::int64_t now = 0;      // Unix seconds
  Caller caller;
};

// Thrown by handlers: this answer ends the request. Caught once, by the Hub.
struct Refused {
  Answer answer;
};

// The repo named by two path segments from `first` on, after all checks of reading. Throws Refused,
// also with the redirect from a former name.
TestRepo& readable_repo(const HubView& hub, const Request& request, std::size_t first);

// The same after all checks of writing. A name that ends in ".git" is that of the repo without it.
TestRepo& writable_repo(const HubView& hub, const Request& request, std::size_t first);

// The commit a revision stands for; throws Refused with RevisionNotFound.
std::string commit_of(const TestRepo& repo, const std::string& revision);

// "2026-08-01T10:00:00.000Z"
std::string iso_time(std::int64_t unix_seconds);

}  // namespace neffs::test
