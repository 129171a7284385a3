// A branch of a model repo on a Hugging Face Hub as a PushRepo.
#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <vector>

#include "hub/hub_client.h"
#include "hub/push_repo.h"

namespace neffs::hub {

class HubPushRepo final : public PushRepo {
 public:
  // hub: shared by all repos of one endpoint, must outlive this. id: "namespace/name" as the user
  // wrote it. is_branch_known: that there is such a branch is not asked by the first access().
  HubPushRepo(const HubClient& hub, std::string id, std::string branch,
              bool is_branch_known = false);

  PushAccess access(const CallLimits& limits) override;
  void create(Visibility visibility, const CallLimits& limits) override;
  PushPlan plan(const std::vector<PushFile>& files, const CallLimits& limits) override;
  std::vector<UploadResult> upload(const UploadRequest& request, const CallLimits& limits) override;
  std::string commit(const CommitRequest& request, const CallLimits& limits) override;
  std::vector<PastCommit> recent_commits(std::chrono::sys_seconds since,
                                         const CallLimits& limits) override;

 private:
  std::string id() const;  // the canonical one as soon as access() has learned it
  // path: below /api/models/{id}.
  HubCall call(const std::string& method, const std::string& path,
               const std::string& query = "") const;
  // The parts of access(); each throws a definite answer like any other.
  void look_at_repo(PushAccess& access, const CallLimits& limits);
  void look_at_branch(PushAccess& access, const CallLimits& limits) const;
  void look_at_rights(const CallLimits& limits) const;
  void pause(const HubError& failure, int attempt, const CallLimits& limits) const;

  const HubClient& hub_;
  const std::string branch_;
  std::atomic<bool> is_branch_known_;
  mutable std::mutex mutex_;
  std::string id_;  // protected by mutex_
};

}  // namespace neffs::hub
