#include "fs/pins.h"

#include <exception>

#include <spdlog/spdlog.h>

namespace neffs::fs {

Pins::Pins(index::Index& index, std::int64_t now_s) : index_(index) {
  for (const auto& pin : index.pins()) {
    if (pin.until_s > now_s)
      pins_.emplace(pin.module, pin.until_s);
    else
      index.drop_pin(pin.module);
  }
  count_ = pins_.size();
}

void Pins::pin(const std::vector<std::string>& modules, std::int64_t now_s) {
  const auto until = now_s + std::chrono::seconds(kLifetime).count();
  std::vector<index::Pin> rows;
  rows.reserve(modules.size());
  for (const auto& module : modules) rows.push_back({module, until});
  index_.put_pins(rows);
  const std::lock_guard lock(mutex_);
  for (const auto& module : modules) pins_[module] = until;
  count_ = pins_.size();
}

std::int64_t Pins::pinned_until_s(const std::string& module, std::int64_t now_s) const {
  const std::lock_guard lock(mutex_);
  const auto found = pins_.find(module);
  return found == pins_.end() || found->second <= now_s ? 0 : found->second;
}

void Pins::used(const std::string& module) {
  {
    const std::lock_guard lock(mutex_);
    if (pins_.erase(module) == 0) return;
    count_ = pins_.size();
  }
  try {
    index_.drop_pin(module);
  } catch (const std::exception& error) {
    // It comes back with a restart, and ends by itself.
    spdlog::warn("{} stays pinned: {}", module, error.what());
  }
}

}  // namespace neffs::fs
