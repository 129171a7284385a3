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

void Pauses::wait_latency() {
  std::unique_lock lock(mutex_);
  const auto until = Clock::now() + latency_;
  if (latency_.count() > 0) changed_.wait_until(lock, until, [&] { return stopped_; });
}

void Pauses::wait_at_gates(Host host, Kind kind, const Request& request, HoldPoint point) {
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
}

bool Pauses::send(const Answer& answer, const std::function<bool(std::string_view)>& write) {
  const Delivery& delivery = answer.delivery;
  const std::uint64_t size = answer.body_size();
  const std::uint64_t cut = std::min(delivery.cut_after.value_or(size), size);
  const std::uint64_t pause_at = std::min(delivery.stall_after.value_or(cut), cut);
  std::uint64_t rate = delivery.bytes_per_second;
  if (rate == 0) {
    const std::scoped_lock lock(mutex_);
    rate = bytes_per_second_;
  }
  const auto start = Clock::now();
  std::uint64_t sent = 0;
  const auto send_paced = [&](std::string_view piece) {
    const auto due = std::chrono::duration<double>(
        static_cast<double>(sent) / static_cast<double>(std::max<std::uint64_t>(rate, 1)));
    if (rate > 0 && !sleep_until(start + std::chrono::duration_cast<Clock::duration>(due))) {
      return false;
    }
    sent += piece.size();
    return write(piece);
  };
  const auto send_piece = [&](std::string_view piece) {
    const std::size_t step = rate > 0 ? burst(rate) : piece.size();
    for (; !piece.empty(); piece.remove_prefix(std::min(step, piece.size()))) {
      if (!send_paced(piece.substr(0, step))) return false;
    }
    return true;
  };
  if (!for_each_piece(*slice_content(answer.body, 0, pause_at), send_piece)) return false;
  if (delivery.stall_after) stall();
  if (!for_each_piece(*slice_content(answer.body, pause_at, cut - pause_at), send_piece)) {
    return false;
  }
  return cut == size && answer.header("Connection") != "close";
}

// False when the Hub stops before.
bool Pauses::sleep_until(std::chrono::steady_clock::time_point when) {
  std::unique_lock lock(mutex_);
  return !changed_.wait_until(lock, when, [&] { return stopped_; });
}

void Pauses::stall() {
  std::unique_lock lock(mutex_);
  const std::uint64_t generation = stall_generation_;
  ++stalled_;
  changed_.notify_all();
  changed_.wait(lock, [&] { return stopped_ || stall_generation_ != generation; });
  --stalled_;
}

}  // namespace neffs::test
