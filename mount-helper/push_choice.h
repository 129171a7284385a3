// Whether a mount publishes, and where to.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "hub/push_repo.h"
#include "mount-helper/options.h"

namespace neffs::mount_helper {

struct PushChoice {
  enum class Kind {
    kNone,  // nothing is published
    kRepo,  // the repo may be written
    kOpen,  // nobody knows yet: what is compiled waits, and the repo is asked again
  };
  Kind kind = Kind::kNone;
  std::string why;            // for people, continues a line that names the repo
  bool only_private = false;  // nothing is sent while the repo is public

  bool publishes() const { return kind != Kind::kNone; }
};

// What the Hub says of the repo, or why it says nothing.
using PushAnswer = std::variant<hub::PushAccess, hub::HubError>;

// Private modules reach a public repo only where it was named: a definite answer that is not yes is no,
// and what is no definite answer decides nothing. Throws HubError where the repo was named and refuses.
PushChoice choose_push(PushMode mode, const PushAnswer& answer);

// Asks the repo if the options want it asked. offline: nothing is asked.
PushChoice ask_push(const MountOptions& options, hub::PushRepo& repo, bool is_offline,
                    const hub::CallLimits& limits);

// A source that may be the one to publish to.
struct PushCandidate {
  std::string repo;
  hub::PushRepo* asked = nullptr;
  bool is_known_public = false;  // the Hub has said so before
  bool is_commit = false;        // which cannot move
};

struct PushTarget {
  PushChoice choice;
  std::size_t which = 0;  // of the candidates, where the choice publishes
};

// The one that was named; with push=auto the first in their order that is private and may be written.
// They are asked one after the other: what is no clear answer leaves it open with that one, and those
// after it are not asked, so that nothing goes to another repo than it would go to tomorrow.
//   last: the candidate that it was the last time that it was clear; it is left open with that one then
PushTarget ask_pushes(const MountOptions& options, const std::vector<PushCandidate>& candidates,
                      bool is_offline, const hub::CallLimits& limits,
                      std::optional<std::size_t> last = std::nullopt);

}  // namespace neffs::mount_helper
