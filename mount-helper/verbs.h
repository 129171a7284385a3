// What the daemon answers to the commands: a verb each, JSON in and out.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "fs/cache_fs.h"
#include "fs/errand.h"
#include "fs/evictor.h"
#include "fs/fetcher.h"
#include "fs/housekeeper.h"
#include "fs/model_notes.h"
#include "fs/pins.h"
#include "fs/sources.h"
#include "fs/verify.h"
#include "hub/http_counts.h"
#include "hub/rate_limit.h"
#include "index/index.h"
#include "mount-helper/status_report.h"

namespace neffs::mount_helper {

using VerifyErrand = fs::Errand<fs::VerifyOrder, fs::Verification>;
using WarmErrand = fs::Errand<fs::WarmOrder, fs::WarmPlan>;

// Safe for any thread: what it asks is.
class Verbs {
 public:
  // All of them must outlive this.
  struct Parts {
    fs::CacheFs& fs;
    const fs::Sources& sources;
    fs::Fetcher& fetcher;
    fs::Housekeeper& housekeeper;
    index::Index& index;
    fs::Evictor& evictor;
    VerifyErrand& verifier;
    WarmErrand& planner;
    fs::Pins& pins;
    fs::ModelNotes& model_notes;
    fs::Publisher* publisher = nullptr;      // none if nothing is published
    const fs::RemoteView* pushed = nullptr;  // the source that is published to
    const hub::HttpCounter* http = nullptr;
    const hub::RateLedger* rates = nullptr;
  };

  Verbs(MountFacts mount, const Parts& parts);

  // Never waits for the Hub and never throws: what goes wrong is the "error" of the answer.
  std::string answer(std::string_view request, uid_t caller) const;
  // In Prometheus' text format; throws IndexError.
  std::string metrics() const;

 private:
  std::string hello() const;
  nlohmann::ordered_json status() const;
  index::LayerTotals totals() const;
  std::string explain(const std::string& path) const;
  std::string restore(const std::string& path, uid_t caller) const;
  std::string clear_stale_locks(uid_t caller) const;
  std::string evict(const nlohmann::json& order, uid_t caller) const;
  std::string evicted() const;
  std::string verify(const nlohmann::json& order, uid_t caller) const;
  std::string verified() const;
  std::string plan_warming(const nlohmann::json& order, uid_t caller) const;
  std::string warming() const;
  std::string pin(const nlohmann::json& order, uid_t caller) const;
  std::string begin_use(const nlohmann::json& use, uid_t caller) const;
  std::string end_use(std::uint64_t number, uid_t caller) const;
  fs::Publisher& publisher() const;
  std::string flush(bool and_full) const;
  std::string adoptable() const;
  std::string adopt(uid_t caller) const;
  std::optional<PushFacts> push_facts() const;
  bool is_in_source(const fs::FailedModule& failed) const;

  const MountFacts mount_;
  const Parts parts_;
  const std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  mutable std::atomic_flag has_warned_;  // of the index, once in a life
};

}  // namespace neffs::mount_helper
