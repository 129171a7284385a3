// The sources of a mount: each with its repo, its view, and the threads that ask for it.
#pragma once

#include <chrono>
#include <memory>
#include <vector>

#include "fs/remote_view.h"
#include "fs/sources.h"
#include "fs/worker_pool.h"
#include "hub/hub_client.h"
#include "hub/hub_repo.h"
#include "index/index.h"
#include "mount-helper/source.h"

namespace neffs::mount_helper {

// Built and ended by one thread; the views are for any.
class MountedSources {
 public:
  // hub and index outlive this.
  MountedSources(const std::vector<Source>& names, const hub::HubClient& hub, index::Index& index,
                 std::chrono::milliseconds patience);
  ~MountedSources();
  MountedSources(const MountedSources&) = delete;
  MountedSources& operator=(const MountedSources&) = delete;

  // Learns all heads at once, and has the names at their roots asked for. Throws HubError of the first
  // that refuses for good; one that nobody has named is passed over then, and shown as it is.
  void connect();
  // No question is begun any more.
  void stop();
  // The questions have ended; the views stay.
  void end();

  const fs::Sources& all() const { return all_; }
  std::size_t size() const { return mounted_.size(); }
  fs::RemoteView& view(std::size_t which) const { return mounted_[which]->view; }
  hub::HubRepo& repo(std::size_t which) const { return mounted_[which]->repo; }

 private:
  // A source that does not answer must not keep the threads of the others waiting.
  struct Mounted {
    Mounted(const Source& source, const hub::HubClient& hub, index::Index& index,
            std::chrono::milliseconds patience);
    const bool is_named;
    hub::HubRepo repo;
    std::unique_ptr<fs::WorkerPool> askers;  // none after the end
    fs::RemoteView view;
  };
  std::vector<fs::RemoteView*> views() const;

  std::vector<std::unique_ptr<Mounted>> mounted_;
  fs::Sources all_;
};

}  // namespace neffs::mount_helper
