#include "hub/http_counts.h"

#include <algorithm>
#include <iterator>

namespace neffs::hub {
namespace {

struct Mark {
  std::string_view part;  // of the path
  std::string_view kind;
};

// The first that fits; a repo may be called like one of these, so they have what stands around them.
constexpr std::array kMarks = {
    Mark{"/resolve/", "resolve"}, Mark{"/info/lfs/", "lfs"},
    Mark{"/tree/", "tree"},       Mark{"/paths-info/", "paths-info"},
    Mark{"/compare/", "compare"}, Mark{"/preupload/", "preupload"},
    Mark{"/commit/", "commit"},   Mark{"/api/whoami-v2", "whoami"},
    Mark{"/revision/", "head"},
};

using Clock = std::chrono::steady_clock;

}  // namespace

std::string_view kind_of_request(std::string_view endpoint, const HttpRequest& request) {
  std::string_view path = request.url;
  if (!path.starts_with(endpoint)) return "storage";
  path.remove_prefix(endpoint.size());
  if (!path.starts_with('/')) return "storage";
  path = path.substr(0, path.find('?'));
  const auto found = std::find_if(kMarks.begin(), kMarks.end(), [&](const Mark& mark) {
    return path.find(mark.part) != std::string_view::npos;
  });
  return found == kMarks.end() ? "other" : found->kind;
}

void HttpCounter::answered(std::string_view kind, int status, Clock::duration time) {
  const double seconds = std::chrono::duration<double>(time).count();
  const auto bucket = std::lower_bound(kLatencyBounds.begin(), kLatencyBounds.end(), seconds);
  const std::lock_guard lock(mutex_);
  ++counts_.requests[{std::string(kind), status}];
  auto& latency = counts_.latencies[std::string(kind)];
  ++latency.count;
  latency.seconds += seconds;
  if (bucket != kLatencyBounds.end())
    ++latency.buckets.at(static_cast<std::size_t>(std::distance(kLatencyBounds.begin(), bucket)));
}

void HttpCounter::failed(std::string_view kind) {
  const std::lock_guard lock(mutex_);
  ++counts_.requests[{std::string(kind), 0}];
}

HttpCounts HttpCounter::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

class CountingHttpClient::Exchange final : public HttpExchange {
 public:
  Exchange(std::unique_ptr<HttpExchange> exchange, const CountingHttpClient& client)
      : exchange_(std::move(exchange)), client_(client) {}

  TransferId start(HttpRequest request) override {
    const Waiting waiting{kind_of_request(client_.endpoint_, request), Clock::now()};
    const auto transfer = exchange_->start(std::move(request));
    waiting_.insert_or_assign(transfer, waiting);
    return transfer;
  }
  void cancel(TransferId transfer) override {
    waiting_.erase(transfer);
    exchange_->cancel(transfer);
  }
  std::optional<HttpEvent> next(Clock::time_point until) override {
    auto event = exchange_->next(until);
    if (event) count(*event);
    return event;
  }

 private:
  struct Waiting {
    std::string_view kind;  // of kMarks, or another literal
    Clock::time_point since;
  };

  // What comes after the head is of an answer that was counted.
  void count(const HttpEvent& event) {
    const auto found = waiting_.find(event.transfer);
    if (found == waiting_.end()) return;
    const auto& [kind, since] = found->second;
    if (const auto* head = std::get_if<HttpHead>(&event.what))
      client_.counter_.answered(kind, head->status, Clock::now() - since);
    else
      client_.counter_.failed(kind);
    waiting_.erase(found);
  }

  const std::unique_ptr<HttpExchange> exchange_;
  const CountingHttpClient& client_;
  std::map<TransferId, Waiting> waiting_;  // for the head of their answer
};

std::unique_ptr<HttpExchange> CountingHttpClient::exchange(std::stop_token stop) {
  return std::make_unique<Exchange>(client_.exchange(std::move(stop)), *this);
}

}  // namespace neffs::hub
