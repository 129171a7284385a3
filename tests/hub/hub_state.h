// What the handlers of the Hub's endpoints share, and the first steps most of them take.
#pragma once

#include <cstdint>
#include <string>

#include "tests/hub/access.h"
#include "tests/hub/repo_shelf.h"
#include "tests/hub/request_kind.h"

namespace neffs::test {

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
};

// One request's view of the Hub.
struct HubView {
  RepoShelf& repos;
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

// The commit a revision stands for; throws Refused with RevisionNotFound.
std::string commit_of(const TestRepo& repo, const std::string& revision);

// "2026-08-01T10:00:00.000Z"
std::string iso_time(std::int64_t unix_seconds);

}  // namespace neffs::test
