// What a daemon is made of. For its own sources only.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fs/fuse/session.h"
#include "fs/head_poller.h"
#include "fs/publisher.h"
#include "hub/curl_http_client.h"
#include "hub/hub_client.h"
#include "hub/hub_push_repo.h"
#include "mount-helper/daemon.h"
#include "mount-helper/hub_session.h"
#include "mount-helper/metrics_file.h"
#include "mount-helper/mounted_sources.h"
#include "mount-helper/push_choice.h"
#include "mount-helper/verbs.h"

namespace neffs::mount_helper {

// A Hub that does not answer must not hold up a mount; it is asked again later.
inline constexpr std::chrono::milliseconds kConnectPatience{5'000};

// Built from top to bottom, ended from bottom to top.
struct Daemon::Parts {
  // Throws as Daemon().
  explicit Parts(DaemonPlan given);
  // Callers wait for the pools' threads no longer, and these for the Hub no longer; then nothing
  // uses the filesystem any more.
  ~Parts();
  Parts(const Parts&) = delete;
  Parts& operator=(const Parts&) = delete;

  // Asked at once, so that `mount` can say it; where a source is known to be public, there is no need.
  void choose_push();
  // For a mount of the same sources while the Hub gives no clear answer. What a name decided is no news.
  void remember_push(const PushTarget& target, const std::string& note,
                     const std::optional<std::string>& remembered);
  void make_housekeeper();
  void make_publisher();
  fs::NamingRules naming_rules();
  // A commit never moves, and who is offline asks nobody.
  void start_polling();
  // By `systemctl reload`: what somebody has mended or decided outside is found out now. In a thread of
  // its own, as a file may be on a disk that does not answer.
  void reload();
  void reload_token();
  void ask_again();
  void reload_options();
  void end_waits();

  DaemonPlan plan;
  std::unique_ptr<index::Index> index;
  hub::CurlHttpClient http;
  hub::Credentials credentials;
  hub::RateLedger rates;
  hub::HttpCounter http_counter;
  hub::CountingHttpClient counted_http;
  hub::HubClient hub;
  PushChoice push;
  std::size_t pushed = 0;                       // which source is published to, if any is
  std::unique_ptr<hub::HubPushRepo> push_repo;  // of that one
  fs::Layer layer;
  fs::NodeTable nodes;
  std::unique_ptr<fs::WorkerPool> fetchers;
  fs::Whiteouts whiteouts;
  fs::Pins pins;
  fs::ModelNotes model_notes;
  MountedSources sources;
  fs::Fetcher fetcher;
  std::unique_ptr<fs::Housekeeper> housekeeper;
  std::unique_ptr<fs::Publisher> publisher;  // none if nothing is published
  fs::ControlChannel control;
  fs::Session session;
  std::unique_ptr<fs::CacheFs> cache_fs;
  std::vector<fs::RemoteView*> answering;  // of the evictor's thread
  std::unique_ptr<fs::Evictor> evictor;
  std::unique_ptr<VerifyErrand> verifier;
  std::unique_ptr<WarmErrand> planner;
  std::unique_ptr<Verbs> verbs;
  std::unique_ptr<fs::HeadPoller> poller;  // none where the head cannot move
  std::unique_ptr<MetricsFile> metrics;    // none unless it is wanted
  std::unique_ptr<fs::WorkerPool> reloader;
};

}  // namespace neffs::mount_helper
