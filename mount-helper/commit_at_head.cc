#include "mount-helper/commit_at_head.h"

#include <chrono>
#include <thread>

#include "hub/hub_client.h"

namespace neffs::mount_helper {
namespace {

constexpr int kTries = 8;
constexpr std::chrono::milliseconds kFirstJitter{200};

// What another look at the head may mend.
bool is_worth_another_look(hub::HubErrorKind kind) {
  return kind == hub::HubErrorKind::kHeadMoved || kind == hub::HubErrorKind::kEntryNotFound ||
         kind == hub::HubErrorKind::kUnknownOutcome;
}

void pause_after(int attempt) {
  const auto longest = static_cast<std::uint64_t>(kFirstJitter.count()) << attempt;
  std::this_thread::sleep_for(std::chrono::milliseconds(hub::random_number() % longest));
}

}  // namespace

std::string commit_at_head(hub::RemoteRepo& reader, hub::PushRepo& writer,
                           const ChangeOf& change_of, const hub::CallLimits& limits) {
  for (int attempt = 0;; ++attempt) {
    auto head = reader.head();
    auto change = change_of(head);
    if (!change) return head;
    change->parent = head;
    try {
      return writer.commit(*change, limits);
    } catch (const hub::HubError& error) {
      if (!is_worth_another_look(error.kind) || attempt + 1 == kTries) throw;
    }
    pause_after(attempt);
  }
}

}  // namespace neffs::mount_helper
