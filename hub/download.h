// One file from the Hub into a descriptor: resolve, fetch in parallel ranges, resume, verify.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "hub/download_plan.h"
#include "hub/http_client.h"
#include "hub/hub_client.h"
#include "hub/partial_file.h"
#include "hub/remote_repo.h"

namespace neffs::hub {

// Used once, by one thread, which also does all the writing and hashing.
//
// The first request (the scout) asks the Hub where the bytes are. Either the Hub sends them itself,
// or it redirects to a signed address on another host, which all pieces then use, without the token,
// until it expires. Whatever ends a transfer early is resumed by range. Answers that contradict the
// promise (wrong range, wrong length, wrong hash) are given one whole second try.
class Download {
 public:
  // All references must outlive this. Throws nothing but std::bad_alloc and HubError.
  Download(const HubClient& hub, const std::string& repo_id, const DownloadRequest& request,
           int fd);

  // See RemoteRepo::download().
  void run();

 private:
  using TimePoint = std::chrono::steady_clock::time_point;

  // Where the bytes are.
  struct Route {
    Url url;
    bool via_hub = true;  // with the token and below the rate limit
    int generation = 0;   // which answer of the Hub it came from
  };
  // A request on its way, for the rest of one piece.
  struct Flight {
    std::size_t piece = 0;
    Route route;
    bool scout = false;  // it asks where the bytes are
    int hops = 0;
    std::string token;  // what was sent
    HttpHead head;
    std::string refusal;  // the body of an answer that is not content
  };

  // starting requests
  void launch(TimePoint now);
  bool is_hubs_turn(TimePoint now);
  void start(Flight flight);
  void start_over();

  // what comes back
  void handle(HttpEvent& event);
  void on_head(Flight& flight);
  void on_whole_file(TransferId transfer, Flight& flight);
  void on_bytes(Flight& flight, const std::string& bytes);
  void on_end(Flight flight);
  void follow(Flight flight);
  void on_refusal(Flight& flight);
  void on_expired_route(const Flight& flight);

  // what to do about failures; each either arranges another try or throws
  void retry(const HubError& failure);
  void distrust(HubErrorKind kind, const std::string& fault);

  void check_hash();
  TimePoint give_up_at() const { return last_byte_ + request_.idle_timeout; }
  TimePoint wake_at(TimePoint now) const;
  HubError error(HubErrorKind kind, const std::string& what) const;

  const HubClient& hub_;
  const DownloadRequest& request_;
  const std::string subject_;  // what errors name
  const Route resolve_route_;  // where to ask for the bytes
  PartialFile file_;
  DownloadPlan plan_;
  std::unique_ptr<HttpExchange> exchange_;

  std::map<TransferId, Flight> flights_;
  std::optional<Route> route_;
  int generations_ = 0;
  std::optional<TimePoint> hub_turn_;  // the rate limit lets the next request to the Hub go then
  TimePoint pause_until_{};            // after a failure nothing new is started before
  TimePoint last_byte_;
  std::uint64_t received_ = 0;
  int failures_ = 0;            // since the last byte
  int expired_routes_ = 0;      // since the last byte
  bool token_renewed_ = false;  // since the last byte
  bool fresh_connection_ = false;
  int whole_files_ = 0;      // how often the file was sent from its start against our asking
  bool distrusted_ = false;  // the second try is on
  bool verified_ = false;
};

}  // namespace neffs::hub
