#include "mount-helper/push_choice.h"

#include <utility>

namespace neffs::mount_helper {
namespace {

using Kind = PushChoice::Kind;

PushChoice choose_unknown(PushMode mode, const hub::HubError& error) {
  if (mode == PushMode::kRepo && hub::is_definite(error.kind)) throw hub::HubError(error);
  return {Kind::kOpen, std::string("it is asked again: ") + error.what(), mode == PushMode::kAuto};
}

}  // namespace

PushChoice choose_push(PushMode mode, const PushAnswer& answer) {
  if (mode == PushMode::kNone) return {Kind::kNone, "push=none", false};
  if (const auto* error = std::get_if<hub::HubError>(&answer)) return choose_unknown(mode, *error);
  const auto& access = std::get<hub::PushAccess>(answer);
  const bool is_named = mode == PushMode::kRepo;
  if (access.refusal) {
    if (is_named) throw hub::HubError(*access.refusal);
    return {Kind::kNone, access.refusal->what(), false};
  }
  if (is_named) return {Kind::kRepo, access.is_private ? "private" : "public", false};
  if (!access.is_private) return {Kind::kNone, "it is public (push=REPO publishes to it)", false};
  return {Kind::kRepo, "private", true};
}

PushChoice ask_push(const MountOptions& options, hub::PushRepo& repo, bool is_offline,
                    const hub::CallLimits& limits) {
  if (options.push == PushMode::kNone) return {Kind::kNone, "push=none", false};
  if (options.is_read_only) return {Kind::kNone, "the mount is read-only", false};
  if (is_offline)
    return {Kind::kOpen, "offline, what is compiled waits", options.push == PushMode::kAuto};
  try {
    return choose_push(options.push, repo.access(limits));
  } catch (const hub::HubError& error) {
    return choose_push(options.push, error);
  }
}

}  // namespace neffs::mount_helper
