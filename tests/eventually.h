// Waiting for a condition, never for a time.
#pragma once

#include <chrono>
#include <future>
#include <thread>

namespace neffs::test {

// Looks again and again until it holds; false when the limit is over. The pause is between two looks alone: what
// is looked at belongs to the kernel and to other processes, which tell nobody when it changes, and a look
// without a pause would take the time from them.
template <typename Condition>
bool eventually(const Condition& holds,
                std::chrono::milliseconds limit = std::chrono::seconds(20)) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

// Whether the result is there within the limit.
template <typename Value>
bool is_there(const std::future<Value>& result,
              std::chrono::milliseconds limit = std::chrono::seconds(20)) {
  return result.wait_for(limit) == std::future_status::ready;
}

// Runs it on a thread of its own.
template <typename Work>
auto in_background(Work work) {
  return std::async(std::launch::async, std::move(work));
}

}  // namespace neffs::test
