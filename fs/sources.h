// The sources of a mount in their order, as one: the first wins over the second, and so on.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fs/question.h"
#include "fs/remote_view.h"

namespace neffs::fs {

// A name as the sources together show it.
struct Shown {
  RemoteName name;
  RemoteView* from =
      nullptr;  // whose it is; of a folder that several have, the first one's; null: nobody's
  bool is_certain = true;  // false: a source that goes before cannot tell now
};

// A module is taken whole from one source.
struct ShownModule {
  std::shared_ptr<const ModuleListing> listing;  // finished; null if it is not known to be anywhere
  RemoteView* from = nullptr;
};

struct ShownChildren {
  std::vector<std::pair<std::string, RemoteName>> names;
  bool is_certain = true;  // false: a source that matters cannot tell now
};

// A module is that of the first source that has it finished: what is unfinished, failed or locked in one
// hides nothing of the next. Outside modules names are merged: a folder that several have is one, and a
// file is the first one's. What a source cannot tell is passed over, and makes the answer uncertain.
// Peeking never waits and asks nobody; it looks no further than the first source that has the name.
// Safe for any thread; has no lock of its own.
class Sources {
 public:
  // In their order, at least one; all of them outlive this.
  explicit Sources(std::vector<RemoteView*> views);

  const std::vector<RemoteView*>& views() const { return views_; }
  // The source that a copy came from, by what it remembers; null if it is not mounted.
  RemoteView* find(std::string_view text) const;

  // nullopt: nobody is known to have it, and somebody cannot tell.
  std::optional<Shown> peek(const std::string& path) const;
  ShownModule peek_module(std::string_view path) const;
  // judged: as of RemoteView::peek_children()
  ShownChildren peek_children(const std::string& path, bool judged) const;
  // Something identifies what each source that can tell has under the name, in their order; of a
  // source that has nothing to show there, nothing. A compiler folder has the same for all.
  std::vector<std::string> stamps(const std::string& path) const;

  // What has to be asked before a look-up can be answered for certain.
  //   only: the one source that counts, null if all do
  //   head_within: a miss counts only from heads that were asked for within this time
  std::shared_ptr<Question> about(const std::string& path, RemoteView* only = nullptr,
                                  std::optional<std::chrono::milliseconds> head_within = {}) const;
  std::shared_ptr<Question> about_children(const std::string& path, bool judged,
                                           RemoteView* only = nullptr) const;

  // Every head that can move was asked for within this time. only: as above
  bool is_fresh(std::chrono::milliseconds within, const RemoteView* only = nullptr) const;
  // No head can move.
  bool is_pinned() const;

 private:
  std::vector<RemoteView*> views_;
  std::vector<std::string> texts_;  // of the same
};

// What the view has under the name, for a whiteout to be made against; nullopt if it shows nothing
// there, or cannot tell. A module is taken whole from one commit, so all of its names change together.
std::optional<std::string> stamp_in(RemoteView& view, const std::string& path);

}  // namespace neffs::fs
