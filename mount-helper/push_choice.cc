#include "mount-helper/push_choice.h"

#include <utility>

namespace neffs::mount_helper {
namespace {

using Kind = PushChoice::Kind;

constexpr const char* kPublic = "it is public (push=REPO publishes to it)";

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
  if (!access.is_private) return {Kind::kNone, kPublic, false};
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

namespace {

std::size_t named_among(const std::vector<PushCandidate>& candidates, const std::string& repo) {
  std::size_t found = candidates.size();
  for (std::size_t which = 0; which < candidates.size(); ++which) {
    if (candidates[which].repo != repo) continue;
    if (!candidates[which].is_commit) return which;
    if (found == candidates.size()) found = which;  // refused when it is asked, with the reason
  }
  return found == candidates.size() ? 0 : found;
}

PushChoice ask_one(const MountOptions& options, const PushCandidate& candidate, bool is_offline,
                   const hub::CallLimits& limits) {
  if (candidate.is_known_public) return {Kind::kNone, kPublic, false};
  if (candidate.is_commit) return {Kind::kNone, "a commit is never published to", false};
  return ask_push(options, *candidate.asked, is_offline, limits);
}

}  // namespace

PushTarget ask_pushes(const MountOptions& options, const std::vector<PushCandidate>& candidates,
                      bool is_offline, const hub::CallLimits& limits,
                      std::optional<std::size_t> last) {
  if (options.push != PushMode::kAuto || options.is_read_only) {
    const auto which =
        options.push == PushMode::kRepo ? named_among(candidates, options.push_repo) : 0;
    return {ask_push(options, *candidates[which].asked, is_offline, limits), which};
  }
  std::string why;
  for (std::size_t which = 0; which < candidates.size(); ++which) {
    auto choice = ask_one(options, candidates[which], is_offline, limits);
    if (choice.kind == Kind::kOpen && last) return {std::move(choice), *last};
    if (choice.publishes()) return {std::move(choice), which};
    if (candidates.size() == 1) return {std::move(choice), 0};
    why += (why.empty() ? "" : "; ") + candidates[which].repo + ": " + choice.why;
  }
  return {{Kind::kNone, std::move(why), false}, 0};
}

}  // namespace neffs::mount_helper
