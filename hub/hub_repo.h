// A model repo on a Hugging Face Hub as a RemoteRepo.
#pragma once

#include <chrono>
#include <mutex>
#include <string>

#include "hub/hub_client.h"
#include "hub/remote_repo.h"

namespace neffs::hub {

class HubRepo final : public RemoteRepo {
 public:
  // hub: shared by all repos of one endpoint, must outlive this. id: "namespace/name" as the user
  // wrote it. revision: branch, tag or commit. patience: after which info() and head() give up.
  HubRepo(const HubClient& hub, std::string id, std::string revision,
          std::chrono::milliseconds patience = std::chrono::seconds(10));

  RepoInfo info() override;
  std::string head() override;
  std::optional<std::vector<RemoteEntry>> list(
      const std::string& commit, const std::string& directory, ListDepth depth,
      std::chrono::steady_clock::time_point deadline) override;
  std::optional<std::vector<ChangedPath>> changes(
      const std::string& from, const std::string& to,
      std::chrono::steady_clock::time_point deadline) override;
  std::string read_start(const std::string& commit, const std::string& path, std::size_t bytes,
                         std::chrono::steady_clock::time_point deadline) override;
  void download(const DownloadRequest& request, int fd) override;

 private:
  std::string id() const;  // the canonical one as soon as info() has learned it
  HubCall call(Url url, Bucket bucket) const;

  const HubClient& hub_;
  const std::string revision_;
  const std::chrono::milliseconds patience_;
  mutable std::mutex mutex_;
  std::string id_;  // protected by mutex_
};

}  // namespace neffs::hub
