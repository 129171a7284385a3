// Many objects to the storage: asks where they go, and sends several at once.
#pragma once

#include <atomic>
#include <cstddef>
#include <exception>
#include <functional>
#include <mutex>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "hub/hub_client.h"
#include "hub/lfs_batch.h"
#include "hub/push_repo.h"
#include "hub/upload_share.h"

namespace neffs::hub {

// Used once, by one thread; has others of its own while run() runs.
class LfsUpload {
 public:
  // All references must outlive this.
  LfsUpload(const HubClient& hub, std::string repo_id, std::string branch,
            const UploadRequest& request, const CallLimits& limits);

  // See PushRepo::upload().
  std::vector<UploadResult> run();

 private:
  // An object that the storage wants.
  struct Job {
    std::size_t object = 0;
    UploadRoute route;
  };

  void run_group(std::span<const std::size_t> group);
  void send_all(const std::vector<Job>& jobs);
  void send_while_there_are(const std::vector<Job>& jobs);
  UploadResult send_one(const Job& job);
  std::vector<BatchEntry> ask_batch(std::span<const LfsObject> objects);
  void give_up(std::exception_ptr reason);

  const HubClient& hub_;
  const std::string repo_id_;
  const std::string branch_;
  const UploadRequest& request_;
  std::stop_source stop_;  // asked by the caller, or because the rest is hopeless
  const std::stop_callback<std::function<void()>> callers_stop_;
  const CallLimits limits_;
  UploadShare share_;
  std::vector<UploadResult> results_;  // each written by one thread, read after all have ended
  std::atomic<std::size_t> next_job_{0};
  std::mutex mutex_;
  std::exception_ptr reason_;  // protected by mutex_
};

}  // namespace neffs::hub
