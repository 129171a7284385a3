#include "hub/mailbox.h"

#include <algorithm>
#include <utility>

namespace neffs::hub {
namespace {

constexpr std::size_t kMostOutgoingPieces = 2;

}  // namespace

Mailbox::Slot* Mailbox::slot_of(TransferId transfer) {
  const auto found = slots_.find(transfer);
  return found == slots_.end() ? nullptr : &found->second;
}

void Mailbox::put_head(TransferId transfer, HttpHead head) {
  const std::lock_guard lock(mutex_);
  if (Slot* slot = slot_of(transfer)) slot->head = std::move(head);
  arrived_.notify_all();
}

bool Mailbox::put_body(TransferId transfer, std::string_view bytes) {
  const std::lock_guard lock(mutex_);
  Slot* slot = slot_of(transfer);
  if (slot == nullptr) return true;
  if (!slot->body.empty() && slot->body.size() + bytes.size() > limit_) {
    slot->refused = true;
    return false;
  }
  slot->body += bytes;
  arrived_.notify_all();
  return true;
}

void Mailbox::put_end(TransferId transfer) {
  const std::lock_guard lock(mutex_);
  if (Slot* slot = slot_of(transfer)) slot->ended = true;
  arrived_.notify_all();
}

void Mailbox::put_failure(TransferId transfer, HubError error) {
  const std::lock_guard lock(mutex_);
  if (Slot* slot = slot_of(transfer)) slot->failure = std::move(error);
  arrived_.notify_all();
}

std::size_t Mailbox::take_outgoing(TransferId transfer, std::span<char> room) {
  const std::lock_guard lock(mutex_);
  Slot* slot = slot_of(transfer);
  if (slot == nullptr) return 0;
  slot->starved = slot->outgoing.empty();
  if (slot->starved) return 0;
  const auto rest = std::string_view(slot->outgoing.front()).substr(slot->taken);
  const std::size_t length = rest.copy(room.data(), room.size());
  slot->taken += length;
  if (length == rest.size()) {
    slot->outgoing.pop_front();
    slot->taken = 0;
    arrived_.notify_all();
  }
  return length;
}

void Mailbox::expect(TransferId transfer, std::uint64_t outgoing) {
  const std::lock_guard lock(mutex_);
  slots_.try_emplace(transfer).first->second.unsent = outgoing;
}

void Mailbox::forget(TransferId transfer) {
  const std::lock_guard lock(mutex_);
  slots_.erase(transfer);
}

bool Mailbox::send(TransferId transfer, std::string bytes) {
  const std::lock_guard lock(mutex_);
  Slot* slot = slot_of(transfer);
  if (slot == nullptr) return false;
  slot->unsent -= std::min<std::uint64_t>(slot->unsent, bytes.size());
  slot->outgoing.push_back(std::move(bytes));
  return std::exchange(slot->starved, false);
}

void Mailbox::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  arrived_.notify_all();
}

std::optional<Mailbox::Taken> Mailbox::take_from(TransferId transfer, Slot& slot) {
  if (slot.head) {
    Taken taken{transfer, HttpEvent{transfer, std::move(*slot.head)}};
    slot.head.reset();
    return taken;
  }
  if (!slot.body.empty()) {
    Taken taken{transfer, HttpEvent{transfer, BodyPiece{std::move(slot.body)}}, 0,
                std::exchange(slot.refused, false)};
    slot.body.clear();
    return taken;
  }
  if (slot.failure) return Taken{transfer, HttpEvent{transfer, *slot.failure}};
  if (slot.ended) return Taken{transfer, HttpEvent{transfer, BodyEnd{}}};
  if (slot.unsent == 0 || slot.outgoing.size() == kMostOutgoingPieces) return std::nullopt;
  return Taken{transfer, std::nullopt, slot.unsent};
}

std::optional<Mailbox::Taken> Mailbox::take_now() {
  // Round robin, or a fast transfer would starve its neighbours.
  auto next = slots_.upper_bound(last_served_);
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    if (next == slots_.end()) next = slots_.begin();
    if (auto taken = take_from(next->first, next->second)) {
      last_served_ = next->first;
      const bool last = taken->event && (std::holds_alternative<BodyEnd>(taken->event->what) ||
                                         std::holds_alternative<HubError>(taken->event->what));
      if (last) slots_.erase(next);
      return taken;
    }
    ++next;
  }
  return std::nullopt;
}

std::optional<Mailbox::Taken> Mailbox::take(std::chrono::steady_clock::time_point until,
                                            const std::stop_token& stop) {
  std::optional<Taken> taken;
  std::unique_lock lock(mutex_);
  arrived_.wait_until(lock, stop, until, [&] { return closed_ || (taken = take_now()); });
  if (closed_ || stop.stop_requested()) {
    throw HubError(HubErrorKind::kCancelled, "the request was given up");
  }
  return taken;
}

}  // namespace neffs::hub
