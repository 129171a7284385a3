#include "mount-helper/synchronization.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <thread>
#include <utility>

#include "fs/publisher.h"
#include "fs/unix_time.h"
#include "hub/hub_push_repo.h"
#include "hub/hub_repo.h"
#include "mount-helper/command_error.h"
#include "mount-helper/output.h"

namespace neffs::mount_helper {
namespace {

using Clock = std::chrono::steady_clock;
using index::UploadState;
using std::chrono::milliseconds;

constexpr std::chrono::seconds kToAsk{60};
constexpr milliseconds kBetweenLooks{50};
// A Hub that is away for so long is not waited for by a command.
constexpr std::chrono::minutes kPatience{3};

bool is_on_its_way(const index::UploadEntry& upload) {
  return upload.state == UploadState::kQueued || upload.state == UploadState::kUploading;
}

// No waiting mends it.
bool is_refused(const std::string& state) {
  using hub::HubErrorKind;
  constexpr HubErrorKind kKinds[] = {HubErrorKind::kUnauthorized, HubErrorKind::kForbidden,
                                     HubErrorKind::kRepoNotFound, HubErrorKind::kRevisionNotFound,
                                     HubErrorKind::kGated,        HubErrorKind::kDisabled,
                                     HubErrorKind::kOffline};
  return std::any_of(std::begin(kKinds), std::end(kKinds),
                     [&](HubErrorKind kind) { return state == hub::to_string(kind); });
}

class Run {
 public:
  Run(const fs::Layer& layer, index::Index& index, const hub::HubClient& hub,
      const SynchronizePlan& plan)
      : index_(index),
        plan_(plan),
        target_{hub.endpoint(), plan.target.repo, plan.target.revision},
        repo_(hub, plan.target.repo, plan.target.revision),
        reader_(hub, plan.target.repo, plan.target.revision, kToAsk),
        publisher_(layer, index, repo_, reader_, target_, helpers(),
                   {milliseconds(0), plan.only_private, plan.directory}),
        cache_(layer, index, plan.directory,
               fmt::format("{}/{}@{}", target_.endpoint, target_.repo, target_.branch),
               plan.settle) {}

  Synchronized run() {
    // Before anything becomes the repo's to be: it would wait for a repo that was never meant.
    if (cache_.find()) check_access();
    auto contents = cache_.take();
    const auto queued = queue(contents);
    Synchronized result;
    if (has_work()) {
      if (!has_access_) check_access();
      result.error = push();
      result.commits = publisher_.status().commits;
    }
    result.commit = head_.empty() ? reader_.head() : head_;
    result.there_already = contents.copies;
    result.copies_of_others = contents.copies_of_others;
    result.left = std::move(contents.skipped);
    count(queued, result);
    return result;
  }

 private:
  fs::Publisher::Helpers helpers() {
    return {
        [this](const std::string&, const std::string& commit, const auto&) { note_head(commit); },
        [](const std::string&) { return false; },  // nobody can be asked who writes
        [](const std::string&) {}, [](const std::string&) {}};
  }

  // A mount that finds the Hub away shows what it last knew: that must hold what are copies from now on.
  void note_head(const std::string& commit) {
    auto known = index_.source(target_.endpoint, target_.repo, target_.branch);
    if (known) {
      known->commit = commit;
      index_.put_source(*known);
    }
    commit_ = commit;
  }

  // Returns what of it is not in the repo yet, as far as is known here.
  std::vector<std::string> queue(const PlainContents& contents) {
    std::vector<std::string> paths;
    for (const auto& piece : contents.whole) {
      const auto before = index_.upload(piece.path);
      if (!publisher_.settled(piece.path, piece.files))
        throw CommandError(plan_.directory, "the queue cannot be written", "is the disk full?");
      const auto now = index_.upload(piece.path);
      const bool is_known = before && now && before->entry.generation == now->entry.generation &&
                            before->entry.state == UploadState::kSuperseded;
      if (!is_known) paths.push_back(piece.path);
    }
    // What failed may not fail again: that is what somebody runs this anew for.
    std::vector<std::int64_t> failed;
    for (const auto& upload : index_.open_uploads(target_))
      if (upload.state == UploadState::kFailed) failed.push_back(upload.generation);
    if (!failed.empty()) index_.put_back(failed, 0, "", fs::now_s());
    return paths;
  }

  bool has_work() {
    const auto open = index_.open_uploads(target_);
    return std::any_of(open.begin(), open.end(), is_on_its_way);
  }

  void check_access() {
    const auto access = repo_.access({Clock::now() + kToAsk, {}});
    if (access.refusal) throw hub::HubError(*access.refusal);
    if (plan_.only_private && !access.is_private)
      throw CommandError(access.id,
                         "it is public, and nobody has said that it is to be published to",
                         "--repo_id names it, or another one; neffs create makes one of your own");
    has_access_ = true;
  }

  // Returns why it was given up, "" if all was tried.
  std::string push() {
    publisher_.start();
    publisher_.hurry();
    auto last = index_.upload_totals(target_);
    auto since = Clock::now();
    while (has_work()) {
      const auto status = publisher_.status();
      const auto totals = index_.upload_totals(target_);
      if (!(totals == last) || status.state == "ok") since = Clock::now();
      last = totals;
      if (is_refused(status.state) || Clock::now() - since > kPatience) {
        publisher_.stop();
        return status.last_error;
      }
      if (plan_.on_progress) plan_.on_progress(progress_text(totals));
      std::this_thread::sleep_for(kBetweenLooks);
    }
    publisher_.stop();
    head_ = commit_;
    return "";
  }

  std::string progress_text(const index::UploadTotals& totals) const {
    const auto left = totals.queued.uploads + totals.uploading.uploads;
    return fmt::format("{}: {} ({}) to go", target_.repo, counted(left, "module"),
                       human_size(totals.queued.bytes + totals.uploading.bytes));
  }

  void count(const std::vector<std::string>& queued, Synchronized& result) {
    for (const auto& path : queued) {
      const auto upload = index_.upload(path);
      const auto state = upload ? upload->entry.state : UploadState::kQueued;
      if (state == UploadState::kPushed)
        ++result.pushed;
      else if (state == UploadState::kSuperseded)
        ++result.superseded;
      else if (!upload)
        result.left.push_back({path, "it changed while it was published", false});
    }
    for (const auto& upload : index_.open_uploads(target_)) {
      if (upload.state == UploadState::kFailed)
        result.left.push_back({upload.path, upload.error, true});
      else if (upload.state == UploadState::kHeld)
        result.left.push_back({upload.path, "it waits for " + upload.target.repo, false});
      else if (is_on_its_way(upload))
        result.left.push_back({upload.path, "it is still queued", false});
    }
    std::sort(result.left.begin(), result.left.end(),
              [](const auto& one, const auto& other) { return one.path < other.path; });
  }

  index::Index& index_;
  const SynchronizePlan& plan_;
  const index::UploadTarget target_;
  hub::HubPushRepo repo_;
  hub::HubRepo reader_;
  std::string commit_;  // written by the publisher's thread, read when that has ended
  std::string head_;
  bool has_access_ = false;
  fs::Publisher publisher_;
  PlainCache cache_;
};

}  // namespace

Synchronized synchronize(const fs::Layer& layer, index::Index& index, const hub::HubClient& hub,
                         const SynchronizePlan& plan) {
  return Run(layer, index, hub, plan).run();
}

}  // namespace neffs::mount_helper
