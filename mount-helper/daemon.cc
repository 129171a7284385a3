#include "mount-helper/daemon.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include "fs/unix_time.h"
#include "mount-helper/daemon_parts.h"
#include "mount-helper/daemon_settings.h"

namespace neffs::mount_helper {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kPatienceAtEnd{1'800};

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
  if (!has_terminal()) {
    parts.reloader = std::make_unique<fs::WorkerPool>("neffs-reload", 1);
    parts.session.on_hangup(
        [&parts] { parts.reloader->submit(fs::Urgency::kDemand, [&parts] { parts.reload(); }); });
  }
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
