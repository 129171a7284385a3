#include "tests/hub/traffic.h"

#include <algorithm>

namespace neffs::test {
namespace {

bool fits(const Match& match, const LoggedRequest& request) {
  return match.fits(request.host, request.kind, request.method, request.decoded);
}

}  // namespace

std::size_t Traffic::count(const Match& match) const {
  const std::scoped_lock lock(mutex_);
  return count_locked(match);
}

std::map<Kind, std::size_t> Traffic::counts() const {
  const std::scoped_lock lock(mutex_);
  std::map<Kind, std::size_t> counts;
  for (const LoggedRequest& request : log_) ++counts[request.kind];
  return counts;
}

std::vector<LoggedRequest> Traffic::log(const Match& match) const {
  const std::scoped_lock lock(mutex_);
  std::vector<LoggedRequest> found;
  std::copy_if(log_.begin(), log_.end(), std::back_inserter(found),
               [&](const LoggedRequest& request) { return fits(match, request); });
  return found;
}

std::uint64_t Traffic::bytes_sent(const Match& match) const {
  std::uint64_t bytes = 0;
  for (const LoggedRequest& request : log(match)) bytes += request.bytes_sent;
  return bytes;
}

std::uint64_t Traffic::bytes_received(const Match& match) const {
  std::uint64_t bytes = 0;
  for (const LoggedRequest& request : log(match)) bytes += request.bytes_received;
  return bytes;
}

void Traffic::reset() {
  const std::scoped_lock lock(mutex_);
  log_.clear();
}

bool Traffic::wait_for(const Match& match, std::size_t count,
                       std::chrono::milliseconds limit) const {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, limit, [&] { return count_locked(match) >= count; });
}

bool Traffic::wait_until_idle(std::chrono::milliseconds limit) const {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, limit, [&] {
    return std::all_of(log_.begin(), log_.end(), [](const auto& item) { return item.finished; });
  });
}

std::uint64_t Traffic::arrive(Host host, Kind kind, const Request& request) {
  LoggedRequest entry;
  entry.host = host;
  entry.kind = kind;
  entry.method = request.method;
  entry.target = request.target;
  entry.decoded = percent_decode(request.target);
  entry.range = request.header("Range");
  entry.user_agent = request.header("User-Agent");
  entry.authorized = request.headers.contains("Authorization");
  const std::scoped_lock lock(mutex_);
  entry.number = ++last_number_;
  log_.push_back(std::move(entry));
  changed_.notify_all();
  return last_number_;
}

void Traffic::received(std::uint64_t number, std::uint64_t bytes) {
  const std::scoped_lock lock(mutex_);
  if (LoggedRequest* request = find(number)) request->bytes_received = bytes;
}

void Traffic::answered(std::uint64_t number, int status) {
  const std::scoped_lock lock(mutex_);
  if (LoggedRequest* request = find(number)) request->status = status;
}

void Traffic::sent(std::uint64_t number, std::uint64_t bytes) {
  const std::scoped_lock lock(mutex_);
  if (LoggedRequest* request = find(number)) {
    request->bytes_sent = bytes;
    request->finished = true;
  }
  changed_.notify_all();
}

LoggedRequest* Traffic::find(std::uint64_t number) {
  const auto found =
      std::lower_bound(log_.begin(), log_.end(), number,
                       [](const LoggedRequest& item, std::uint64_t n) { return item.number < n; });
  return found == log_.end() || found->number != number ? nullptr : &*found;
}

std::size_t Traffic::count_locked(const Match& match) const {
  return static_cast<std::size_t>(std::count_if(
      log_.begin(), log_.end(), [&](const LoggedRequest& item) { return fits(match, item); }));
}

}  // namespace neffs::test
