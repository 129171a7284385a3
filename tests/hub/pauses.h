// Everything that makes an answer wait: latency, gates, stalled and slow bodies. One condition
// variable wakes them all, so that a Hub that stops never waits for a test to let go.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string_view>

#include "tests/hub/request_kind.h"

namespace neffs::test {

// Where in its life a request is held: before it takes effect, or when its answer is ready. A commit
// also while it runs, its parent still to be compared: others get 409 meanwhile.
enum class HoldPoint { kBeforeHandling, kWhileCommitting, kBeforeAnswering };

// Any thread may call.
class Pauses {
 public:
  using Write = std::function<bool(std::string_view)>;  // false: the client is gone

  void set_latency(std::chrono::milliseconds latency);
  void set_bytes_per_second(std::uint64_t rate);  // of each body; 0 is no limit

  // A closed gate for matching requests; returns its number.
  int close_gate(Match match, HoldPoint point);
  // Lets the next `count` requests through, waiting ones first.
  void let_pass(int gate, std::size_t count);
  // Opens the gate for good. Unknown numbers are ignored.
  void open_gate(int gate);
  // Waits until `count` requests stand at the gate; false when the limit is over.
  bool wait_held(int gate, std::size_t count, std::chrono::milliseconds limit);

  // Lets bodies that stall go on; later ones stall again.
  void release_stalls();
  // Waits until `count` bodies are stalled.
  bool wait_stalled(std::size_t count, std::chrono::milliseconds limit);

  // Ends every wait from now on, until start().
  void stop();
  void start();

  // For the Hub. False: it stops, and the request is not to be answered.
  bool wait_latency();
  bool wait_for(std::chrono::milliseconds duration);
  bool wait_at_gates(Host host, Kind kind, const Request& request, HoldPoint point);
  // A piece of a body arrived, `have` bytes with it; stalls, slows and cuts as `terms` say and
  // takes from them what is done with. False: the connection must be closed.
  bool receive(Delivery& terms, std::uint64_t have, std::size_t piece);
  // Sends the body as answer.delivery says. False: the connection must be closed.
  bool send(const Answer& answer, const Write& write);

 private:
  struct Gate {
    Match match;
    HoldPoint point = HoldPoint::kBeforeHandling;
    std::size_t held = 0;
    std::size_t passes = 0;
  };
  class PacedWriter;

  std::uint64_t rate_of(const Delivery& delivery);
  bool sleep_until(std::chrono::steady_clock::time_point when);
  bool stall();

  std::mutex mutex_;
  std::condition_variable changed_;
  // All guarded by mutex_.
  bool stopped_ = false;
  std::chrono::milliseconds latency_{0};
  std::uint64_t bytes_per_second_ = 0;
  std::map<int, Gate> gates_;
  int last_gate_ = 0;
  std::size_t stalled_ = 0;
  std::uint64_t stall_generation_ = 0;
};

}  // namespace neffs::test
