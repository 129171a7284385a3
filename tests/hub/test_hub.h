// The front door of the test Hub: a Hugging Face Hub on loopback, with real git repos, its errors,
// its quotas and its CDN on a second port, and with every way to fail that a test can ask for.
//
//   TestHub hub;
//   TestRepo& repo = hub.create_repo("team/cache", {.is_private = true});
//   const std::string sha = repo.commit({{"a/notes.md", "hello\n"},
//                                        {"a/model.neff", generated_content(1, 300'000'000)}});
//   hub.add_token("hf_reader", {.roles = {{"team/cache", Role::kRead}}});
//   hub.faults().add({.kind = Kind::kCdnGet, .text = "model.neff"}, Fault::truncate(1000), 1);
//   Gate gate = hub.hold({.kind = Kind::kTree});       // listings wait now
//   ASSERT_TRUE(gate.wait_held(1));                    // one has arrived
//   gate.open();
//   EXPECT_EQ(hub.traffic().count(Kind::kTree), 1U);
//   hub.faults().add({.kind = Kind::kCommit}, Fault::answer(500).after(), 1);  // applied, then 500
//   Gate busy = hub.hold({.kind = Kind::kCommit}, HoldPoint::kWhileCommitting);  // others get 409
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "tests/hub/access.h"
#include "tests/hub/faults.h"
#include "tests/hub/hub_state.h"
#include "tests/hub/pauses.h"
#include "tests/hub/rate_limits.h"
#include "tests/hub/repo_shelf.h"
#include "tests/hub/traffic.h"

namespace neffs::test {

class HttpServer;

struct TestHubOptions {
  // Where repos are kept, found again by the next Hub there; none: nothing is written to disk, and
  // large files stay what they were given as.
  std::optional<std::filesystem::path> root;
  int port = 0;  // 0: a free one
  int cdn_port = 0;
  bool control_over_http = false;  // answers /__test__/, see control_api.h
};

// Requests that match wait at a closed gate. Moves; opens when it is destroyed.
class Gate {
 public:
  Gate(Pauses& pauses, int number) : pauses_(&pauses), number_(number) {}
  ~Gate() { open(); }
  Gate(Gate&& other) noexcept
      : pauses_(std::exchange(other.pauses_, nullptr)), number_(other.number_) {}
  Gate& operator=(Gate&&) = delete;

  // Waits until `count` requests stand here; false when the limit is over.
  bool wait_held(std::size_t count,
                 std::chrono::milliseconds limit = std::chrono::seconds(10)) const {
    return pauses_->wait_held(number_, count, limit);
  }
  // Lets the next `count` requests through, waiting ones first.
  void let_pass(std::size_t count) const { pauses_->let_pass(number_, count); }
  void open() {
    if (pauses_ != nullptr) std::exchange(pauses_, nullptr)->open_gate(number_);
  }

 private:
  Pauses* pauses_;
  int number_;
};

// Any thread may call. Listens from its construction on, and as long as it lives, but for the time
// between stop() and start(). There is no limit to the number of connections.
class TestHub {
 public:
  // Throws std::system_error if a port is taken.
  explicit TestHub(const TestHubOptions& options = {});
  ~TestHub();
  TestHub(const TestHub&) = delete;
  TestHub& operator=(const TestHub&) = delete;

  const std::string& endpoint() const { return endpoint_; }  // "http://127.0.0.1:PORT"
  const std::string& cdn_endpoint() const { return cdn_endpoint_; }

  // Repos. References stay good as long as the Hub lives.
  TestRepo& create_repo(const std::string& name, const RepoSettings& settings = {});
  TestRepo& repo(const std::string& name) const;  // throws std::invalid_argument
  void rename_repo(const std::string& from, const std::string& to);
  void remove_repo(const std::string& name);
  RepoShelf& repos() { return repos_; }

  // Who may do what.
  void add_token(const std::string& token, TestToken rights) {
    access_.add_token(token, std::move(rights));
  }
  void revoke_token(const std::string& token) { access_.revoke_token(token); }
  void set_rate_policy(const RatePolicy& policy) { rates_.set_policy(policy); }

  // How it behaves.
  Behaviour behaviour() const;
  void set_behaviour(const Behaviour& behaviour);
  Faults& faults() { return faults_; }
  Pauses& pauses() { return pauses_; }
  void set_latency(std::chrono::milliseconds latency) { pauses_.set_latency(latency); }
  void set_bytes_per_second(std::uint64_t rate) { pauses_.set_bytes_per_second(rate); }
  [[nodiscard]] Gate hold(Match match, HoldPoint point = HoldPoint::kBeforeHandling);

  // What was asked of it.
  Traffic& traffic() { return traffic_; }

  // The Hub's clock: dates of commits, life of signed URLs, windows of quotas.
  std::int64_t now() const;
  void advance_clock(std::chrono::seconds by) { clock_offset_s_ += by.count(); }

  // The Hub goes away: connections break off, new ones are refused, everything that waits ends.
  void stop();
  // It comes back on the same ports with everything it knew.
  void start();

 private:
  class Door;

  Answer serve(Host host, Request request);
  Answer respond(Host host, Kind kind, Request& request);
  HubView view(const Caller& caller);

  const TestHubOptions options_;
  std::atomic<std::int64_t> clock_offset_s_{0};
  std::atomic<std::uint64_t> last_request_id_{0};
  RepoShelf repos_;
  Access access_;
  RateLimits rates_;
  Faults faults_;
  Pauses pauses_;
  Traffic traffic_;
  UploadDesk uploads_;
  mutable std::mutex behaviour_mutex_;
  Behaviour behaviour_;  // guarded by behaviour_mutex_

  std::unique_ptr<Door> hub_door_;
  std::unique_ptr<Door> cdn_door_;
  std::unique_ptr<HttpServer> hub_server_;
  std::unique_ptr<HttpServer> cdn_server_;
  int port_ = 0;
  int cdn_port_ = 0;
  std::string endpoint_;
  std::string cdn_endpoint_;
};

}  // namespace neffs::test
