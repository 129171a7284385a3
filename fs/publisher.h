// Brings what was compiled here to one branch of one repo, and nowhere else.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "fs/commit_pace.h"
#include "fs/full_folders.h"
#include "fs/push_batch.h"
#include "fs/upload_sink.h"

namespace neffs::fs {

struct PublishOptions {
  std::chrono::milliseconds commit_interval{40'000};
  // Nothing is sent while the repo is not private.
  bool only_private = true;
  std::string mountpoint{};  // absolute; "" if it is not mounted
};

// For people.
struct PublishStatus {
  std::string state = "ok";  // ok, or a word of hub::to_string() for why it has to wait
  std::string last_error;    // "" if the last push went well
  std::uint64_t commits = 0;
  std::uint64_t pushed = 0;                // modules, in this life
  std::uint64_t superseded = 0;            // … that the repo had from somebody else
  std::size_t commits_in_last_hour = 0;    // everyone's on the branch, as far as they are known
  std::optional<double> next_commit_in_s;  // where something is queued
  std::vector<std::string> full_folders;   // of the repo: what would go there is kept here for now
};

// One thread, "neffs-push". What is queued is in the index and survives whatever ends this; the rest is
// for any thread.
class Publisher : public UploadSink {
 public:
  struct Helpers {
    // As in PushParts.
    std::function<void(const std::string& parent, const std::string& commit,
                       const std::vector<RemoteView::Added>& added)>
        head_is;
    std::function<bool(const std::string& path)> is_written;
    std::function<void(const std::string& path)> look_again;
    // The files are copies of `source` now.
    std::function<void(const std::string& path)> became_copy;
  };

  // All of them outlive this.
  Publisher(const Layer& layer, index::Index& index, hub::PushRepo& repo, hub::RemoteRepo& reader,
            const index::UploadTarget& target, Helpers helpers, const PublishOptions& options);
  ~Publisher() override;
  Publisher(const Publisher&) = delete;
  Publisher& operator=(const Publisher&) = delete;

  void start();
  // Soon, whatever the Hub does: a commit whose answer is not there yet is looked up the next time.
  void stop();

  bool settled(const std::string& path, std::vector<index::SeenFile> files) override;
  void gone(const std::string& path) override;
  bool is_written(const std::string& path) override { return parts_.is_written(path); }

  // What waits is tried at once; the next commit does not wait for the interval.
  //   and_full: so is what a full folder kept out
  void hurry(bool and_full = true);
  // From now on.
  void set_commit_interval(std::chrono::milliseconds interval);
  PublishStatus status() const;
  const index::UploadTarget& target() const { return parts_.target; }

 private:
  using Time = CommitPace::Time;

  void run();
  void recover();
  void work();
  std::vector<index::Upload> due_uploads(Time now);
  bool push_due();
  void push(std::vector<index::Upload> uploads);
  std::optional<PushResult> push_at_head(const std::vector<index::Upload>& uploads);
  std::vector<index::Upload> still_uploading(const std::vector<index::Upload>& uploads) const;
  void push_halves(std::vector<index::Upload> uploads, const hub::HubError& refusal);
  void push_by_folder(std::vector<index::Upload> uploads);
  void keep_out(std::vector<index::Upload>& uploads);
  void let_in();
  bool let_in_due(Time now);
  void finish(const PushResult& result);
  void put_back(const std::vector<index::Upload>& uploads, const std::string& error,
                std::int64_t wait_s);
  void check_access();
  void count_commits();
  void note(const hub::HubError& error);
  bool waits(Time until);

  const PushParts parts_;
  const Helpers helpers_;
  std::stop_source stop_;

  std::atomic<std::uint64_t> pushed_{0};
  std::atomic<std::uint64_t> superseded_{0};

  // Of the thread alone.
  std::uint64_t batch_size_;
  bool is_recovered_ = false;
  Time counted_{};

  mutable std::mutex mutex_;  // a leaf; protects everything below
  std::condition_variable wake_;
  CommitPace pace_;
  FullFolders full_;
  PublishStatus status_;
  bool is_woken_ = false;
  bool hurries_ = false;
  Time paused_{};  // until then nothing is tried

  std::thread thread_;  // last: it uses all of the above
};

}  // namespace neffs::fs
