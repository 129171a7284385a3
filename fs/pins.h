// Modules that are kept for a use that is to come: somebody has fetched them ahead of time.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "fs/use_listener.h"
#include "index/index.h"

namespace neffs::fs {

// In memory, and in the index so that a restart keeps them. A pin ends with the first use, or by itself.
// Safe for any thread; the mutex is a leaf, held for map operations only.
class Pins final : public UseListener {
 public:
  // What nobody has used for so long was not worth keeping.
  static constexpr std::chrono::hours kLifetime{7 * 24};

  // Reads them all. The index outlives this. now_s: Unix time.
  Pins(index::Index& index, std::int64_t now_s);

  // From now on, for kLifetime. Throws IndexError.
  void pin(const std::vector<std::string>& modules, std::int64_t now_s);
  // Unix time of its end; 0 if it is not pinned.
  std::int64_t pinned_until_s(const std::string& module, std::int64_t now_s) const;

  bool listens() const override { return count_ > 0; }
  void used(const std::string& module) override;

 private:
  index::Index& index_;
  std::atomic<std::size_t> count_{0};
  mutable std::mutex mutex_;  // a leaf; protects pins_
  std::map<std::string, std::int64_t, std::less<>> pins_;
};

}  // namespace neffs::fs
