// Everything that was asked of the Hub, to be looked at and waited for.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "tests/hub/request_kind.h"

namespace neffs::test {

struct LoggedRequest {
  std::uint64_t number = 0;  // counts from 1, over both hosts, never reset
  Host host = Host::kHub;
  Kind kind = Kind::kOther;
  std::string method;
  std::string target;   // as sent
  std::string decoded;  // the same with percent-encoding undone
  std::string range;    // the Range header, "" if there was none
  std::string user_agent;
  bool authorized = false;           // an Authorization header was present
  int status = 0;                    // 0: not answered yet, or the connection was closed instead
  std::uint64_t bytes_received = 0;  // of the request's body
  std::uint64_t bytes_sent = 0;      // of the answer's
  bool finished = false;             // status and bytes_sent are final
};

// Any thread may call. Requests to the control API are not in here.
class Traffic {
 public:
  // How many requests have arrived (since the last reset).
  std::size_t count(const Match& match) const;
  std::size_t count(Kind kind) const { return count(Match{kind, "", {}, ""}); }
  std::size_t total() const { return count(Match{}); }
  std::map<Kind, std::size_t> counts() const;
  std::vector<LoggedRequest> log(const Match& match = {}) const;
  std::uint64_t bytes_sent(const Match& match = {}) const;
  std::uint64_t bytes_received(const Match& match = {}) const;
  void reset();

  // Waits until at least `count` matching requests have arrived; false when the limit is over.
  bool wait_for(const Match& match, std::size_t count,
                std::chrono::milliseconds limit = std::chrono::seconds(10)) const;
  bool wait_for(Kind kind, std::size_t count,
                std::chrono::milliseconds limit = std::chrono::seconds(10)) const {
    return wait_for(Match{kind, "", {}, ""}, count, limit);
  }
  // Waits until every request that has arrived is finished: only then are statuses and bytes final.
  bool wait_until_idle(std::chrono::milliseconds limit = std::chrono::seconds(10)) const;

  // For the Hub: a request arrived (its number is returned), so much of its body is here, it was
  // answered, the answer was sent.
  std::uint64_t arrive(Host host, Kind kind, const Request& request);
  void received(std::uint64_t number, std::uint64_t bytes);
  void answered(std::uint64_t number, int status);
  void sent(std::uint64_t number, std::uint64_t bytes);

 private:
  LoggedRequest* find(std::uint64_t number);
  std::size_t count_locked(const Match& match) const;

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::uint64_t last_number_ = 0;   // guarded by mutex_
  std::vector<LoggedRequest> log_;  // guarded by mutex_, ordered by number
};

}  // namespace neffs::test
