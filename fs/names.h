// What a path is here: the layer first, then the sources, by the rules of the cache.
#pragma once

#include <sys/stat.h>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "fs/layer.h"
#include "fs/node_table.h"
#include "fs/open_files.h"
#include "fs/sources.h"
#include "fs/whiteouts.h"
#include "index/index.h"

namespace neffs::fs {

struct NamesOptions {
  uid_t uid = 0;  // who owns remote-only names
  gid_t gid = 0;
  mode_t directory_mode = 0777;
  mode_t file_mode = 0666;
  // List also what a source has in its root besides compiler folders. Else a client that uploads all it
  // finds here would put a README back as it was when the source was last looked at.
  bool lists_whole_root = false;
};

struct Found {
  enum class Kind {
    kLocal,    // in the layer
    kRemote,   // in a source only
    kAbsent,   // nowhere
    kUnknown,  // not in the layer, and a source has to be asked
  };
  Kind kind = Kind::kAbsent;
  struct stat st {};           // kLocal: the layer's; kRemote: as it is shown
  RemoteName remote;           // kRemote
  RemoteView* from = nullptr;  // kRemote: the source that it is of
  const char* why = "";        // kAbsent
  bool is_by_source = false;   // kAbsent, because no source has anything to show there
  // False: a copy that has not been compared with its source yet, or a source that goes before could
  // not tell.
  bool is_lasting = true;
  RemoteView* only = nullptr;  // the one source to ask, because copies here come from it; null: all

  Identity identity() const;
};

// Safe for any thread. Never waits for the Hub; reads the layer and the index.
class Names {
 public:
  // All of them outlive this.
  Names(const Layer& layer, index::Index& index, const Sources& sources, Whiteouts& whiteouts,
        NamesOptions options);

  Found find(const std::string& path);
  // A remote-only name as stat shows it.
  struct stat shown(const std::string& path, const RemoteName& name, const RemoteView& from) const;

  enum class Copy { kNotACopy, kIntact, kDamaged };
  struct CopyCheck {
    Copy verdict = Copy::kNotACopy;
    std::optional<CopyPromise> promise;  // of an intact copy
  };
  // Compares a local file with what the index promises of it: later damage of a copy shows in its
  // size or time. A damaged copy is removed, the mark of its module first, if its source has the same
  // now and can be asked for it; else the file stays, and counts as one that was found here.
  CopyCheck check_copy(const std::string& path, const struct stat& st);
  // Runs `change`, which changes the times of a copy, and has the index promise the new ones.
  void change_copy(const std::string& path, const std::function<void()>& change);

  // What the sources show under the name, the layer and its whiteouts aside: of a module that has
  // copies here what their source has, else what the first has that has it finished.
  std::optional<Shown> remote(const std::string& path);
  ShownModule remote_module(std::string_view module);
  // Files are going to be fetched from there: the module is taken from that source from now on, unless
  // it is taken from another one already. Returns the one that it is taken from.
  RemoteView* take_from(std::string_view module, RemoteView& from);
  // Nothing came of it: the copies that are here decide again.
  void reconsider(const std::string& path);
  // The one source that the path is taken from; null if any may have it.
  RemoteView* owner_of(const std::string& path);

  // The names below a directory: local ones, and those of the sources that are not local.
  //   remotes: kAll gives nullopt if a source has to be asked for them first
  struct Child {
    std::string name;
    ino_t ino = 0;
    unsigned char type = 0;
  };
  enum class Remotes { kNone, kKnown, kAll };
  std::optional<std::vector<Child>> children(const std::string& path, Remotes remotes);

  // Makes the module's copies agree with what their source has of it now: a copy follows its source,
  // and that one only. The module stays with it for as long as that has it finished, also when a source
  // that goes before gets it, too; after that it is the first one's again.
  // False if the source has to be asked first, or another copy is about to come.
  bool settle(std::string_view module);
  // A copy is going to get its name, and the index says so: who has judged its module did not see it.
  void expect_copy(const std::string& path);
  // The open file is going to be written: from here on it is ours. False if its name went to
  // something else meanwhile (a copy that its source had replaced): it has to be looked up again.
  bool claim(const std::string& path, int fd);
  // The same for a name that is about to come.
  void mark_ours(const std::string& path);
  // The local name, or one below it, has come or gone.
  void touch(const std::string& path);
  // The files of the module were pushed: they are copies of another source than before.
  void became_copy(const std::string& module);
  // Removes the copies at or below the path, the mark of a module first, if all of them are as they were
  // fetched and their source has them still; a module that has outputs of its own keeps everything. Returns what was removed. No fetched file may get its name meanwhile.
  std::vector<index::LayerFile> evict(const std::string& path);
  // Removes a copy that was found to be damaged, as check_copy() does, also if it is of the size and time
  // that were promised: if the record is still this one and its source has the same bytes. Likewise.
  std::vector<index::LayerFile> drop_damaged(const index::LayerFile& file);
  // Forgets copies at or below the path whose files are gone: removed while nothing was mounted, or by a
  // crash. Returns how many bytes they are said to have. Likewise.
  std::uint64_t forget_vanished(const std::string& path);
  // The source that the first copy at or below the path came from; null if it is not mounted.
  RemoteView* source_of_copies(const std::string& path);
  // A source shows another commit: no module is settled.
  void forget_judgements();
  // Local outputs hide what the source has of the module: it is never mixed from two origins.
  bool is_wholly_local(std::string_view module);
  // Writing this name here is going to hide names of the source that are visible now.
  bool hides_others(const std::string& path);

  // --- deleted names: a name that was deleted here stays away, whatever the source has under it ----
  // The name is about to be deleted or renamed: from now on what the source has there is hidden.
  // True if that made a difference, also if there was nothing visible.
  bool white_out(const std::string& path);
  // A compiler folder or a module was removed: what was deleted in it one by one is hidden as a whole.
  // A module that is made again is empty; a compiler folder that is made again shows its modules.
  void white_out_contents(const std::string& path);
  // The deletion did not come about.
  void drop_whiteout(const std::string& path);
  // A local directory has got this name: unless it is a module, only what was deleted in it is hidden.
  void stands_for_itself(const std::string& path);
  // The source has something under the name that is to be seen.
  bool shines_through(const std::string& path);
  // Brings back what was deleted at or below the path, with the whole of the module that it is in.
  // Returns the paths that are not hidden any more.
  std::vector<std::string> restore(const std::string& path);

 private:
  struct ModuleNow {
    bool settled = false;
    // The source that its copies come from, null if it has none; nullopt: not looked at.
    std::optional<RemoteView*> owner;
    std::optional<bool> wholly_local;
    std::uint64_t touched = 0;  // so that what was read before a change is not kept after it
  };

  void touch_output(const std::string& path, std::optional<bool> wholly_local);
  bool settle_if_possible(std::string_view module);
  bool has_local_outputs(const std::string& module);
  bool has_local_outputs_below(const std::string& module, const std::string& inside);
  std::vector<index::LayerFile> placed_copies(const std::string& path);
  bool is_as_promised(const index::LayerFile& file) const;
  enum class Spare { kNothing, kChanged };
  static constexpr const char* kNotTheirs = "it is not what the source has";
  void remove_copies(std::vector<index::LayerFile> copies, Spare spare,
                     const char* why = kNotTheirs);
  bool remove_copy(const index::LayerFile& file, Spare spare, const char* why);
  bool can_be_had_again(const index::LayerFile& file);
  std::vector<index::LayerFile> with_its_mark(const index::LayerFile& damaged);
  void remove_empty_folders(const std::string& path);
  RemoteView* source_of(const index::LayerFile& file) const;
  RemoteView* first_of(const std::vector<index::LayerFile>& copies) const;
  std::vector<index::LayerFile> copies_of(const std::string& module);
  RemoteView* owner(std::string_view module);
  bool is_stale(const std::string& path, Found& found);
  bool is_deleted(const std::string& path);
  bool is_in_force(const std::string& path, const std::string& made_against);
  std::vector<std::string> shown_stamps(const std::string& path);
  std::optional<std::string> stamp(const std::string& path);

  const Layer& layer_;
  index::Index& index_;
  const Sources& sources_;
  Whiteouts& whiteouts_;
  const NamesOptions options_;
  // A copy is removed, or becomes ours, never both. Held across one row and one unlink; taken before
  // mutex_ or not at all.
  std::mutex claims_;
  std::mutex mutex_;  // a leaf; protects modules_
  std::unordered_map<std::string, ModuleNow> modules_;
};

}  // namespace neffs::fs
