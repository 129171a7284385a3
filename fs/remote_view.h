// One source at one commit, as it is shown here: what can be said without asking, and how to ask.
#pragma once

#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "fs/remote_tree.h"
#include "fs/string_map.h"
#include "fs/worker_pool.h"
#include "hub/remote_repo.h"
#include "index/index.h"

namespace neffs::fs {

// A source as the user named it.
struct SourceName {
  std::string endpoint;
  std::string repo;
  std::string revision;

  // "<endpoint>/<repo>@<revision>", how copies remember where they came from.
  std::string text() const { return endpoint + "/" + repo + "@" + revision; }
};

struct SourceStatus {
  SourceName name;
  std::string commit;         // "" while none is known
  const char* state = "ok";   // ok, offline, auth, throttled, missing
  double checked_s_ago = -1;  // since the Hub last told the head; -1: not in this life
  std::uint64_t skipped_names = 0;
};

// How many names the source has directly in a compiler folder.
struct FolderSize {
  std::string path;
  std::uint64_t names = 0;
};

// What is known hangs on a commit and never goes stale; a moved head is another view of the repo.
// peek() never waits for the Hub, ask() never blocks. Safe for any thread; the mutex is a leaf, held
// for map operations only: not while the index is read, the Hub is asked or a callback runs.
class RemoteView {
 public:
  using Clock = std::chrono::steady_clock;
  using Done = std::function<void(std::exception_ptr)>;

  // All of them outlive the view, but for the pool, where requests to the Hub wait: it may end as soon
  // as nobody asks any more.
  RemoteView(SourceName name, hub::RemoteRepo& repo, index::Index& index, WorkerPool& pool);

  // Learns the head: one HEAD for a repo that is known, else one repo info. Blocks. Throws HubError.
  // Where the Hub gives no definite answer, the commit of the last time is used, if there is one.
  void connect();

  // A commit was made from here, on top of `parent`: what is known goes on, with these modules in it. A
  // parent that is not the commit of this view means that others have changed things, too.
  struct Added {
    std::string path;                     // of a module, or of a single file
    bool is_whole = false;                // there was nothing of it before
    std::vector<index::TreeEntry> files;  // of a whole module; relative to it
  };
  // False then: what was judged by the old commit has to be judged anew.
  bool take_over(const std::string& parent, const std::string& commit,
                 const std::vector<Added>& added);

  // Asks for the head, once for however many callers, and goes to it if it has moved: by what the Hub says
  // has changed, or else by listing anew, every ten minutes at most. `done` as for ask(). A view of a
  // pinned commit has nothing to ask.
  void ask_head(Done done);
  // The head was asked for within this time, or can never move.
  bool is_fresh(std::chrono::milliseconds within) const;
  bool is_pinned() const { return is_pinned_; }
  // Called by the thread that went to another commit, before anybody who waited for it is answered.
  // Set before the first question.
  void on_moved(std::function<void()> moved) { moved_ = std::move(moved); }

  // The name as the source shows it, or nullopt if it cannot be told without asking.
  std::optional<RemoteName> peek(const std::string& path);
  // What is known of a module, a hidden one included; null if it is not there or has to be asked for.
  std::shared_ptr<const ModuleListing> peek_module(std::string_view path);
  // Asks what peek() lacks; one request for however many callers. `done` is called once, by any
  // thread, with what went wrong or with null: then peek() has the answer.
  void ask(const std::string& path, Done done);

  // The visible names directly inside `path`, nullopt if they have to be asked for.
  //   judged: of a compiler folder, leave out the modules that are not finished
  std::optional<std::vector<std::pair<std::string, RemoteName>>> peek_children(
      const std::string& path, bool judged);
  void ask_children(const std::string& path, bool judged, Done done);

  // False after a wait for the Hub was in vain, until a request has succeeded again: who would wait
  // now goes without.
  bool is_worth_waiting() const;
  // A look-up has waited as long as it may.
  void note_slow();
  // Somebody says that it may be mended: the next question is asked whatever failed before.
  void try_again();

  std::string commit() const;
  std::int64_t commit_time_s() const;
  const SourceName& name() const { return name_; }
  // Where its files are fetched from.
  hub::RemoteRepo& repo() const { return repo_; }
  SourceStatus status() const;
  // By path; of the folders whose listing is at hand, without asking for any.
  std::vector<FolderSize> folder_sizes() const;

 private:
  // A listing that nobody waits for may take its time; who waits has a deadline of his own.
  static constexpr std::chrono::seconds kListDeadline{60};

  struct Flight {
    std::vector<Done> waiting;
  };
  struct BackOff {
    Clock::time_point until{};
    std::chrono::milliseconds delay{0};
  };

  std::shared_ptr<const DirectoryListing> directory(const std::string& path, bool& known);
  std::shared_ptr<const ModuleListing> module(std::string_view path, bool& known);
  bool is_absent_locked(std::string_view path) const;
  std::optional<std::string> tree_id(const std::string& directory_path, bool& absent);
  std::string what_to_ask(const std::string& path) const;

  enum class Boarding { kWaits, kTakesOff, kRefused };
  Boarding board(const std::string& key, Done& done);
  void fly(const std::string& key, Urgency urgency, Done done);
  void run_flight(const std::string& key);
  void land(const std::string& key, const std::exception_ptr& error);
  void follow_head();
  bool is_behind_locked(const std::string& head);
  void go_to(const std::string& from, const std::string& head,
             const std::optional<std::vector<hub::ChangedPath>>& changes);
  void remember_source(const std::string& commit, std::int64_t time_s);
  void load_directory(const std::string& path, const std::string& commit);
  void load_module(const std::string& path, const std::string& commit);
  void load_everything(const std::string& version, const std::string& commit);
  std::vector<index::TreeEntry> list(const std::string& commit, const std::string& directory,
                                     hub::ListDepth depth, bool& found);
  ModuleListing judge(const std::string& path, const std::vector<index::TreeEntry>& entries,
                      const std::string& commit, bool may_ask, bool& known);
  std::shared_ptr<const ModuleListing> keep_module(const std::string& path, ModuleListing listing,
                                                   const std::string& at);
  void save_modules_of(const std::string& version);
  void save(const std::string& tree_id, index::TreeDepth depth,
            const std::vector<index::TreeEntry>& rows);
  void leave_locked(const std::string& commit, std::int64_t time_s);
  void change_locked(const std::vector<hub::ChangedPath>& changes);
  void forget_ids_locked(const std::string& folder, const std::set<std::string>& names);
  void forget_all_locked();
  void use(const std::string& commit, std::int64_t time_s, bool checked);
  void note_failure(const std::string& key, const std::exception_ptr& error);

  const SourceName name_;
  const bool is_pinned_;
  hub::RemoteRepo& repo_;
  index::Index& index_;
  WorkerPool& pool_;

  std::function<void()> moved_;

  mutable std::mutex mutex_;  // a leaf; protects everything below
  std::string commit_;
  // Commits that were shown, and until when: a Hub may tell an old head for some seconds after a commit.
  std::map<std::string, Clock::time_point> left_;
  std::optional<Clock::time_point> listed_anew_;  // without knowing what had changed
  std::int64_t commit_time_s_ = 0;
  std::optional<Clock::time_point> checked_;
  const char* state_ = "ok";
  std::uint64_t skipped_names_ = 0;
  // Null: known not to be there.
  StringMap<std::shared_ptr<const DirectoryListing>> directories_;
  StringMap<std::shared_ptr<const ModuleListing>> modules_;
  // Compiler folders of which every module is known: name → finished or not.
  StringMap<std::shared_ptr<const std::map<std::string, bool>>> finished_;
  // Listed before their tree id was known; saved when it is.
  StringMap<std::vector<index::TreeEntry>> unsaved_;
  std::map<std::string, Flight> flights_;
  StringMap<BackOff> back_off_;  // by flight; "" is the Hub as a whole
  bool degraded_ = false;
};

}  // namespace neffs::fs
