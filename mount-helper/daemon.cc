#include "mount-helper/daemon.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <thread>
#include <utility>

#include <spdlog/spdlog.h>

#include "fs/fuse/session.h"
#include "fs/head_poller.h"
#include "fs/publisher.h"
#include "fs/unix_time.h"
#include "hub/curl_http_client.h"
#include "hub/hub_client.h"
#include "hub/hub_push_repo.h"
#include "mount-helper/daemon_settings.h"
#include "mount-helper/hub_session.h"
#include "mount-helper/metrics_file.h"
#include "mount-helper/mounted_sources.h"
#include "mount-helper/push_choice.h"
#include "mount-helper/verbs.h"

namespace neffs::mount_helper {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kFetchers = 8;
// A Hub that does not answer must not hold up a mount; it is asked again later.
constexpr milliseconds kConnectPatience{5'000};
constexpr milliseconds kPatienceAtEnd{1'800};

std::unique_ptr<index::Index> open_index(const DaemonPlan& plan) {
  index::OpenReport report;
  auto index = index::Index::open(plan.state.path_of(kIndexName), report);
  if (report.damaged_copy)
    spdlog::warn(
        "the index was damaged ({}) and is built anew; what was deleted here, what is pinned and "
        "what "
        "models have used is not known any more; the old one is kept as {}",
        report.damage, report.damaged_copy->filename().string());
  return index;
}

// Downloads of an earlier life are of no use: their names died with it.
fs::UniqueFd open_partial_directory(const DaemonPlan& plan) {
  std::filesystem::remove_all(plan.state.path_of("partial"));
  if (::mkdirat(plan.state.directory.get(), "partial", 0700) != 0) fs::throw_errno("mkdir");
  fs::UniqueFd fd(::openat(plan.state.directory.get(), "partial",
                           O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) fs::throw_errno("open");
  return fd;
}

std::string source_text(const fs::SourceStatus& source) {
  const auto name = fmt::format("source   {}@{}", source.name.repo, source.name.revision);
  if (source.commit.empty())
    return name + fmt::format("  ({}, nothing is known of it yet)", source.state);
  return name + fmt::format("  at {}{}", source.commit.substr(0, 12),
                            source.checked_s_ago < 0 ? "  (offline: as it was last seen)" : "");
}

// Of a process that was started in one, SIGHUP says that it is gone.
bool has_terminal() {
  return static_cast<bool>(fs::UniqueFd(::open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC)));
}

std::string push_text(const PushChoice& push, const std::string& repo) {
  if (push.kind == PushChoice::Kind::kNone) return "none: " + push.why;
  return fmt::format("{}  ({})", repo, push.why);
}

}  // namespace

// Ends the process if what ends the mount takes too long: the queue and the layer are safe at any
// moment, so nothing is worth waiting for.
class Daemon::EndTimer {
 public:
  explicit EndTimer(milliseconds patience)
      : thread_([this, patience] {
          std::unique_lock lock(mutex_);
          if (!done_cv_.wait_for(lock, patience, [this] { return done_; })) ::_exit(0);
        }) {}
  ~EndTimer() {
    {
      const std::lock_guard lock(mutex_);
      done_ = true;
    }
    done_cv_.notify_all();
    thread_.join();
  }
  EndTimer(const EndTimer&) = delete;
  EndTimer& operator=(const EndTimer&) = delete;

 private:
  std::mutex mutex_;
  std::condition_variable done_cv_;
  bool done_ = false;
  std::thread thread_;
};

// Built from top to bottom, ended from bottom to top.
struct Daemon::Parts {
  explicit Parts(DaemonPlan given)
      : plan(std::move(given)),
        index(open_index(plan)),
        http(curl_options(plan.environment)),
        credentials(plan.options.token_file, plan.environment),
        counted_http(http, http_counter, endpoint_of(plan.environment)),
        hub(counted_http, credentials, rates, hub_options(plan)),
        layer(std::move(plan.layer_fd)),
        fetchers(std::make_unique<fs::WorkerPool>("neffs-fetch", kFetchers)),
        whiteouts(*index),
        pins(*index, fs::now_s()),
        model_notes(*index, fs::ProcessTable()),
        sources(plan.sources, hub, *index, kConnectPatience),
        fetcher(layer, open_partial_directory(plan), *index, *fetchers, fetch_options(plan.options),
                naming_rules()),
        control([this](std::string_view request, uid_t caller) {
          return verbs->answer(request, caller);
        }),
        session(mount_spec(plan)) {}

  // Callers wait for the pools' threads no longer, and these for the Hub no longer; then nothing
  // uses the filesystem any more.
  ~Parts() {
    metrics.reset();
    end_waits();
    sources.end();
    fetchers.reset();
  }

  // A commit never moves, and who is offline asks nobody.
  void start_polling() {
    const auto& all = sources.all();
    for (auto* view : all.views()) view->on_moved([this] { cache_fs->source_moved(); });
    if (all.is_pinned() || is_offline(plan) || plan.options.poll == milliseconds(0)) return;
    // Misses have asked already, where there were any.
    const auto lately = plan.options.poll / 2;
    const auto ask = [&all, lately] {
      for (auto* view : all.views())
        if (!view->is_fresh(lately)) view->ask_head([](const std::exception_ptr&) {});
    };
    poller = std::make_unique<fs::HeadPoller>(ask, plan.options.poll);
  }

  // By `systemctl reload`: what somebody has mended outside is found out now.
  void reload() {
    try {
      credentials.renew();
    } catch (const hub::HubError& error) {
      spdlog::warn("the token of before is used on: {}", error.what());
    }
    spdlog::info("reloaded; token: {}", credentials.origin());
    if (is_offline(plan)) return;
    for (auto* view : sources.all().views()) view->ask_head([](const std::exception_ptr&) {});
    try {
      if (publisher) publisher->hurry();
    } catch (const std::exception& error) {  // it goes on at its own pace
      spdlog::warn("{}", error.what());
    }
  }

  void end_waits() {
    if (poller) poller->stop();
    if (cache_fs) cache_fs->waits().give_up_all();  // an error, not a miss for want of the Hub
    http.shutdown();
    fetcher.stop();
    sources.stop();
    if (evictor) evictor->stop();  // a fetch may wait for the room that it makes
    fetchers->stop();
    if (publisher) publisher->stop();
    if (verifier) verifier->stop();
    if (planner) planner->stop();
    if (cache_fs) cache_fs->waits().give_up_all();
    if (housekeeper)
      housekeeper->stop();  // what it tells the kernel may have waited for one of those
  }

  // Asked at once, so that `mount` can say it; where a source is known to be public, there is no need.
  void choose_push() {
    std::vector<std::unique_ptr<hub::HubPushRepo>> repos;
    std::vector<PushCandidate> candidates;
    const std::string note = "published to by " + sources_text(plan.sources);
    const auto remembered = index->note(note);
    std::optional<std::size_t> last;
    for (const auto* view : sources.all().views()) {
      const auto& name = view->name();
      const auto known = index->source(name.endpoint, name.repo, name.revision);
      const auto text = name.text();
      if (text == remembered) last = candidates.size();
      repos.push_back(
          std::make_unique<hub::HubPushRepo>(hub, name.repo, name.revision, text == remembered));
      candidates.push_back(
          {name.repo, repos.back().get(), known && !known->is_private, view->is_pinned()});
    }
    const hub::CallLimits limits{std::chrono::steady_clock::now() + kConnectPatience, {}};
    auto target = ask_pushes(plan.options, candidates, is_offline(plan), limits, last);
    remember_push(target, note, remembered);
    push = std::move(target.choice);
    pushed = target.which;
    if (push.publishes()) push_repo = std::move(repos[pushed]);
  }

  // For a mount of the same sources while the Hub gives no clear answer. What a name decided is no news.
  void remember_push(const PushTarget& target, const std::string& note,
                     const std::optional<std::string>& remembered) {
    if (plan.options.push != PushMode::kAuto || plan.options.is_read_only) return;
    if (target.choice.kind == PushChoice::Kind::kOpen) return;
    std::optional<std::string> now;
    if (target.choice.publishes()) now = sources.view(target.which).name().text();
    if (now != remembered) index->put_note(note, now);
  }

  void make_housekeeper() {
    auto keep = keep_options(plan.options);
    keep.publishes = push.publishes();
    keep.mountpoint = plan.mountpoint;
    housekeeper = std::make_unique<fs::Housekeeper>(
        layer, *index, fs::ProcessTable(), keep, [this](const std::string& path, fs::LayerId id) {
          return cache_fs->remove_quietly(path, id);
        });
    if (push.publishes()) make_publisher();
  }

  void make_publisher() {
    auto& view = sources.view(pushed);
    const auto& name = view.name();
    fs::Publisher::Helpers helpers{
        [this, &view](const std::string& parent, const std::string& commit, const auto& added) {
          if (!view.take_over(parent, commit, added)) cache_fs->source_moved();
        },
        [this](const std::string& path) { return cache_fs->is_written(path); },
        [this](const std::string& path) { housekeeper->changed(path); },
        [this](const std::string& path) {
          cache_fs->became_copy(path);
          housekeeper->changed(path);
        }};
    publisher = std::make_unique<fs::Publisher>(
        layer, *index, *push_repo, sources.repo(pushed),
        index::UploadTarget{name.endpoint, name.repo, name.revision}, std::move(helpers),
        fs::PublishOptions{plan.options.commit_interval, push.only_private, plan.mountpoint});
    housekeeper->publish_to(*publisher);
  }

  fs::NamingRules naming_rules() {
    return {[this](const std::string& path) { return !whiteouts.covers(path); },
            [this] { return whiteouts.hold(); },
            [this](const std::string& path, fs::LayerId id, const hub::ContentId& content) {
              nodes.bind(path, id, content.hex);
              if (cache_fs) cache_fs->expect_copy(path);
            }};
  }

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
};

Daemon::Daemon(DaemonPlan plan) : parts_(std::make_unique<Parts>(std::move(plan))) {
  parts_->sources.connect();
  parts_->choose_push();
  parts_->make_housekeeper();
}

Daemon::~Daemon() {
  parts_.reset();
}

void Daemon::mount() {
  auto& parts = *parts_;
  const fs::UniqueFd probe(::openat(parts.plan.state.directory.get(), "probe",
                                    O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!probe) fs::throw_errno("open");
  parts.session.mount(parts.layer.root_fd(), probe.get());
  parts.cache_fs = std::make_unique<fs::CacheFs>(
      parts.layer, *parts.index, parts.sources.all(), parts.whiteouts, parts.fetcher, parts.nodes,
      fs::CacheFs::Helpers{parts.session.backing(),
                           parts.session.kernel(),
                           parts.housekeeper.get(),
                           {&parts.pins, &parts.model_notes}},
      fs_options(parts.plan.options));
  parts.evictor = std::make_unique<fs::Evictor>(
      parts.layer, *parts.index, parts.plan.options.evict,
      fs::Evictor::Helpers{[&parts](const std::stop_token& stop) {
                             parts.answering = parts.cache_fs->answering_sources(stop);
                           },
                           [&parts](const std::string& unit, const std::stop_token& stop) {
                             return parts.cache_fs->evict(unit, parts.answering, stop);
                           },
                           [&parts](const std::string& unit) {
                             return parts.pins.pinned_until_s(unit, fs::now_s()) != 0;
                           }});
  parts.verifier = std::make_unique<VerifyErrand>(
      "neffs-verify", [&parts](const auto& order, const auto& tell, const std::stop_token& stop) {
        parts.cache_fs->verify(order, tell, stop);
      });
  parts.planner = std::make_unique<WarmErrand>(
      "neffs-plan", [&parts](const auto& order, const auto& tell, const std::stop_token& stop) {
        parts.cache_fs->plan_warming(order, tell, stop);
      });
  parts.fetcher.on_full(
      [&parts](std::uint64_t bytes) { return parts.evictor->make_room_for(bytes); });
  parts.verbs = std::make_unique<Verbs>(
      MountFacts{parts.plan.mountpoint, parts.plan.layer_path, parts.session.is_passthrough(),
                 is_offline(parts.plan), parts.plan.is_of_run, parts.push.why},
      Verbs::Parts{*parts.cache_fs, parts.sources.all(), parts.fetcher, *parts.housekeeper,
                   *parts.index, *parts.evictor, *parts.verifier, *parts.planner, parts.pins,
                   parts.model_notes, parts.publisher.get(),
                   parts.publisher ? &parts.sources.view(parts.pushed) : nullptr,
                   &parts.http_counter, &parts.rates});
  parts.start_polling();
  parts.housekeeper->start();
  if (!parts.plan.options.is_read_only && !is_offline(parts.plan)) parts.evictor->start();
  parts.verifier->start();
  parts.planner->start();
  if (parts.publisher && !is_offline(parts.plan)) parts.publisher->start();
  parts.fetchers->submit(fs::Urgency::kAhead, [&parts] { parts.fetcher.placer().recover(); });
  if (const auto& file = parts.plan.options.metrics; !file.empty())
    parts.metrics =
        std::make_unique<MetricsFile>(file, [&parts] { return parts.verbs->metrics(); });
}

void Daemon::run(const std::function<void()>& serving) {
  auto& parts = *parts_;
  if (!has_terminal()) parts.session.on_hangup([&parts] { parts.reload(); });
  parts.session.run(*parts.cache_fs, parts.control, serving, [this, &parts] {
    end_timer_ = std::make_unique<EndTimer>(kPatienceAtEnd);
    parts.end_waits();
  });
}

std::string Daemon::summary() const {
  const auto& parts = *parts_;
  std::string text;
  for (const auto* view : parts.sources.all().views()) text += source_text(view->status()) + '\n';
  text += "push     " + push_text(parts.push, parts.sources.view(parts.pushed).name().repo);
  text += fmt::format("\ntoken    {}", parts.credentials.origin());
  text += fmt::format("\nlayer    {}", parts.plan.layer_path);
  text +=
      fmt::format("\ndata     {}", parts.session.is_passthrough() ? "by the kernel (passthrough)"
                                                                  : "copied by the daemon");
  return text;
}

}  // namespace neffs::mount_helper
