// Keeps an eye on the layer: whose locks lie in it, which modules are its own, what of it is stale, and
// what is ready to be published.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <future>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "fs/change_listener.h"
#include "fs/keep_options.h"
#include "fs/layer.h"
#include "fs/lock_owners.h"
#include "fs/module_tracker.h"
#include "fs/process_table.h"
#include "fs/settling.h"
#include "fs/upload_sink.h"
#include "index/index.h"

namespace neffs::fs {

struct FailedModule {
  std::string path;
  Failure failure;
};

// One thread of low priority, "neffs-keep". It begins with a walk over the layer, which nothing waits
// for, and then sleeps until something changes or falls due. Everything else is for any thread.
class Housekeeper : public ChangeListener {
 public:
  // Removes a local file if it is still that one and nobody has it open, and tells the kernel.
  using Remove = std::function<bool(const std::string& path, LayerId id)>;

  // Takes time with the number of recorded locks, not with the layer. layer and index outlive this.
  Housekeeper(const Layer& layer, index::Index& index, ProcessTable processes, KeepOptions options,
              Remove remove);
  ~Housekeeper() override;
  Housekeeper(const Housekeeper&) = delete;
  Housekeeper& operator=(const Housekeeper&) = delete;

  // Who takes what is ready to be published, if the options say so; lives until stop(). Before start().
  void publish_to(UploadSink& sink) { sink_ = &sink; }
  // How long a module is quiet before it is offered, from now on.
  void set_settle(std::chrono::milliseconds settle);
  // From here on until stop() the layer is looked after. Once; stop() may be repeated, one at a time.
  void start();
  void stop();

  void lock_made(const std::string& path, const Caller& caller) override;
  void changed(const std::string& path) override;
  void moved(const std::string& from, const std::string& to) override;

  // Locks with a record at or below the path ("" is everything).
  std::vector<OwnedLock> locks(const std::string& path = "") { return locks_.list(path); }
  // Complete modules of which it is not known where they come from, by path.
  std::vector<ModuleTracker::Entry> held() const;
  std::vector<FailedModule> failures() const;
  // What is complete and ours, but was not taken yet since it changed, with the reason; by path.
  std::vector<WaitingUpload> waiting() const { return settling_.waiting(Clock::now()); }
  // False until every module has been looked at once.
  bool is_counted() const { return tracker_.is_scanned(); }
  // Whether what was told of up to now has been looked at; asked before waiting(), that knows it then.
  bool is_up_to_date() const { return seen_ == told_; }
  // The module as it is now; nullopt if it is not in the layer.
  std::optional<LocalModule> look(const std::string& module) const { return tracker_.look(module); }

  // What became of the locks whose creator is known to be gone.
  struct Cleared {
    std::vector<OwnedLock> removed;
    std::vector<OwnedLock> in_use;  // open, or not the same file any more
  };
  // Removes them whatever the options say. Done by the thread of this, waited for some seconds.
  // Throws std::runtime_error if it does not get there.
  Cleared clear_stale_locks();

  // Complete modules of compilers without a completion mark that are ours: like those that are held,
  // they are published only when they are adopted.
  std::vector<ModuleTracker::Entry> unmarked() const;
  // Makes ours what is held() and of the kind that is published, files of registries too, and has that
  // published with what is unmarked(). Returns the paths, which will be waiting(). Done, waited for and
  // failing as above.
  std::vector<std::string> adopt_held();

 private:
  using Clock = std::chrono::steady_clock;
  using Due = std::optional<Clock::time_point>;

  template <typename Work>
  auto in_thread(Work work);
  void run();
  bool goes_well(const std::function<void()>& work);
  bool is_stopped();
  void run_jobs();
  bool step();
  void look_at(const ModuleTracker::Step& step);
  void look_at_due();
  void settle(const ModuleTracker::Step& step, bool was_told);
  bool is_written(const ModuleTracker::Step& step);
  void adopt(const std::string& module);
  std::vector<std::string> adopt_all();
  void tell_counts();
  Due remove_stale_locks();
  Cleared remove_locks(const std::function<bool(const OwnedLock&)>& which);
  bool remove(const std::string& path, LayerId id);
  Due expire_failures();
  bool expire(const std::string& module);
  void wake();
  void wait(Due due);

  const Layer& layer_;
  index::Index& index_;
  const KeepOptions options_;
  const Remove remove_;
  ModuleTracker tracker_;
  LockOwners locks_;
  Settling settling_;
  UploadSink* sink_ = nullptr;

  // Of the thread alone.
  Due locks_due_;
  Due failures_due_;
  Due retry_due_;
  bool has_warned_ = false;

  std::atomic<std::uint64_t> told_{0};  // how often something was told of
  std::atomic<std::uint64_t> seen_{0};  // … when everything was looked at

  std::mutex mutex_;  // a leaf; protects everything below
  std::condition_variable wake_;
  std::deque<std::function<void()>> jobs_;
  bool is_woken_ = false;
  bool is_stopped_ = false;

  std::thread thread_;  // last: it uses all of the above
};

}  // namespace neffs::fs
