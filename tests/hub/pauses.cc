#include "tests/hub/pauses.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace neffs::test {
namespace {

using Clock = std::chrono::steady_clock;

// The piece of a slow body that is sent at once: a fiftieth of a second's worth.
std::uint64_t burst(std::uint64_t bytes_per_second) {
  return std::max<std::uint64_t>(1, bytes_per_second / 50);
}

}  // namespace

void Pauses::set_latency(std::chrono::milliseconds latency) {
  const std::scoped_lock lock(mutex_);
  latency_ = latency;
}

void Pauses::set_bytes_per_second(std::uint64_t rate) {
  const std::scoped_lock lock(mutex_);
  bytes_per_second_ = rate;
}

int Pauses::close_gate(Match match, HoldPoint point) {
  const std::scoped_lock lock(mutex_);
  gates_[++last_gate_] = Gate{std::move(match), point, 0, 0};
  return last_gate_;
}

void Pauses::let_pass(int gate, std::size_t count) {
  const std::scoped_lock lock(mutex_);
  const auto found = gates_.find(gate);
  if (found != gates_.end()) found->second.passes += count;
  changed_.notify_all();
}

void Pauses::open_gate(int gate) {
  const std::scoped_lock lock(mutex_);
  gates_.erase(gate);
  changed_.notify_all();
}

bool Pauses::wait_held(int gate, std::size_t count, std::chrono::milliseconds limit) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, limit, [&] {
    const auto found = gates_.find(gate);
    return found != gates_.end() && found->second.held >= count;
  });
}

void Pauses::release_stalls() {
  const std::scoped_lock lock(mutex_);
  ++stall_generation_;
  changed_.notify_all();
}

bool Pauses::wait_stalled(std::size_t count, std::chrono::milliseconds limit) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, limit, [&] { return stalled_ >= count; });
}

void Pauses::stop() {
  const std::scoped_lock lock(mutex_);
  stopped_ = true;
  changed_.notify_all();
}

void Pauses::start() {
  const std::scoped_lock lock(mutex_);
  stopped_ = false;
}

bool Pauses::wait_latency() {
  std::unique_lock lock(mutex_);
  const auto until = Clock::now() + latency_;
  return !changed_.wait_until(lock, until, [&] { return stopped_; });
}

bool Pauses::wait_for(std::chrono::milliseconds duration) {
  return sleep_until(Clock::now() + duration);
}

bool Pauses::receive(Delivery& terms, std::uint64_t have, std::size_t piece) {
  if (terms.cut_after && have >= *terms.cut_after) return false;
  if (terms.stall_after && have >= *terms.stall_after) {
    terms.stall_after.reset();
    if (!stall()) return false;
  }
  const std::uint64_t rate = rate_of(terms);
  if (rate == 0) return true;
  // Pieces are small: better one pause of some length than many that are all a little too long.
  const std::uint64_t bursts = have / burst(rate) - (have - piece) / burst(rate);
  const std::chrono::duration<double> due(static_cast<double>(bursts * burst(rate)) /
                                          static_cast<double>(rate));
  return bursts == 0 || wait_for(std::chrono::duration_cast<std::chrono::milliseconds>(due));
}

bool Pauses::wait_at_gates(Host host, Kind kind, const Request& request, HoldPoint point) {
  const std::string decoded = percent_decode(request.target);
  std::unique_lock lock(mutex_);
  std::vector<int> in_the_way;
  for (const auto& [number, gate] : gates_) {
    if (gate.point == point && gate.match.fits(host, kind, request.method, decoded)) {
      in_the_way.push_back(number);
    }
  }
  for (const int number : in_the_way) {
    const auto gate = gates_.find(number);
    if (gate == gates_.end()) continue;
    ++gate->second.held;
    changed_.notify_all();
    changed_.wait(lock, [&] {
      const auto now = gates_.find(number);
      return stopped_ || now == gates_.end() || now->second.passes > 0;
    });
    const auto now = gates_.find(number);
    if (now == gates_.end()) continue;
    --now->second.held;
    if (now->second.passes > 0) --now->second.passes;
  }
  return !stopped_;
}

// One body on its way out, at a given rate or as fast as it goes.
class Pauses::PacedWriter {
 public:
  PacedWriter(Pauses& pauses, std::uint64_t bytes_per_second, const Write& write)
      : pauses_(pauses), rate_(bytes_per_second), write_(write) {}

  bool send(const ContentPtr& body, std::uint64_t from, std::uint64_t to) {
    return for_each_piece(*slice_content(body, from, to - from),
                          [&](std::string_view piece) { return send_piece(piece); });
  }

 private:
  bool send_piece(std::string_view piece) {
    if (rate_ == 0) return write_(piece);
    while (!piece.empty()) {
      const std::string_view step = piece.substr(0, burst(rate_));
      const std::chrono::duration<double> due(static_cast<double>(sent_) /
                                              static_cast<double>(rate_));
      if (!pauses_.sleep_until(start_ + std::chrono::duration_cast<Clock::duration>(due)) ||
          !write_(step)) {
        return false;
      }
      sent_ += step.size();
      piece.remove_prefix(step.size());
    }
    return true;
  }

  Pauses& pauses_;
  const std::uint64_t rate_;
  const Write& write_;
  const Clock::time_point start_ = Clock::now();
  std::uint64_t sent_ = 0;
};

bool Pauses::send(const Answer& answer, const Write& write) {
  const Delivery& delivery = answer.delivery;
  const std::uint64_t size = answer.body_size();
  const std::uint64_t cut = std::min(delivery.cut_after.value_or(size), size);
  const std::uint64_t stall_at = std::min(delivery.stall_after.value_or(cut), cut);
  PacedWriter writer(*this, rate_of(delivery), write);
  return writer.send(answer.body, 0, stall_at) && (!delivery.stall_after || stall()) &&
         writer.send(answer.body, stall_at, cut) && cut == size;
}

std::uint64_t Pauses::rate_of(const Delivery& delivery) {
  const std::scoped_lock lock(mutex_);
  return delivery.bytes_per_second > 0 ? delivery.bytes_per_second : bytes_per_second_;
}

// False when the Hub stops before.
bool Pauses::sleep_until(Clock::time_point when) {
  std::unique_lock lock(mutex_);
  return !changed_.wait_until(lock, when, [&] { return stopped_; });
}

bool Pauses::stall() {
  std::unique_lock lock(mutex_);
  const std::uint64_t generation = stall_generation_;
  ++stalled_;
  changed_.notify_all();
  changed_.wait(lock, [&] { return stopped_ || stall_generation_ != generation; });
  --stalled_;
  return !stopped_;
}

}  // namespace neffs::test
