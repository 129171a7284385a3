// What the uploads of one call have in common: how many transfers run, how many bytes are out.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <semaphore>

namespace neffs::hub {

// Any thread; never blocks.
class UploadShare {
 public:
  static constexpr std::ptrdiff_t kMostTransfers = 5;

  explicit UploadShare(std::function<void(std::uint64_t)> on_progress)
      : on_progress_(std::move(on_progress)) {}

  // The right to one more transfer, for as long as the value is held; null if all are taken.
  using Turn = std::unique_ptr<UploadShare, void (*)(UploadShare*)>;
  Turn another_turn() { return {turns_.try_acquire() ? this : nullptr, &give_back}; }

  void add_sent(std::uint64_t bytes) { report(sent_ += bytes); }
  void take_back_sent(std::uint64_t bytes) { report(sent_ -= bytes); }

 private:
  static void give_back(UploadShare* share) { share->turns_.release(); }
  void report(std::uint64_t sent) const {
    if (on_progress_) on_progress_(sent);
  }

  std::counting_semaphore<kMostTransfers> turns_{kMostTransfers};
  std::atomic<std::uint64_t> sent_{0};
  const std::function<void(std::uint64_t)> on_progress_;
};

}  // namespace neffs::hub
