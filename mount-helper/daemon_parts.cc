// How a daemon's parts are built and ended.
#include "mount-helper/daemon_parts.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <filesystem>
#include <utility>

#include <spdlog/spdlog.h>

#include "fs/unix_time.h"
#include "mount-helper/daemon_settings.h"

namespace neffs::mount_helper {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kFetchers = 8;

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

}  // namespace

Daemon::Parts::Parts(DaemonPlan given)
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

Daemon::Parts::~Parts() {
  reloader.reset();
  metrics.reset();
  end_waits();
  sources.end();
  fetchers.reset();
}

void Daemon::Parts::choose_push() {
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

void Daemon::Parts::remember_push(const PushTarget& target, const std::string& note,
                                  const std::optional<std::string>& remembered) {
  if (plan.options.push != PushMode::kAuto || plan.options.is_read_only) return;
  if (target.choice.kind == PushChoice::Kind::kOpen) return;
  std::optional<std::string> now;
  if (target.choice.publishes()) now = sources.view(target.which).name().text();
  if (now != remembered) index->put_note(note, now);
}

void Daemon::Parts::make_housekeeper() {
  auto keep = keep_options(plan.options);
  keep.publishes = push.publishes();
  keep.mountpoint = plan.mountpoint;
  housekeeper = std::make_unique<fs::Housekeeper>(layer, *index, fs::ProcessTable(), keep,
                                                  [this](const std::string& path, fs::LayerId id) {
                                                    return cache_fs->remove_quietly(path, id);
                                                  });
  if (push.publishes()) make_publisher();
}

void Daemon::Parts::make_publisher() {
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

fs::NamingRules Daemon::Parts::naming_rules() {
  return {[this](const std::string& path) { return !whiteouts.covers(path); },
          [this] { return whiteouts.hold(); },
          [this](const std::string& path, fs::LayerId id, const hub::ContentId& content) {
            nodes.bind(path, id, content.hex);
            if (cache_fs) cache_fs->expect_copy(path);
          }};
}

void Daemon::Parts::start_polling() {
  const auto& all = sources.all();
  for (auto* view : all.views()) view->on_moved([this] { cache_fs->source_moved(); });
  if (all.is_pinned() || is_offline(plan)) return;
  const auto ask = [&all](milliseconds every) {
    // Misses have asked already, where there were any.
    for (auto* view : all.views())
      if (!view->is_fresh(every / 2)) view->ask_head([](const std::exception_ptr&) {});
  };
  poller = std::make_unique<fs::HeadPoller>(ask, plan.options.poll);
}

void Daemon::Parts::end_waits() {
  if (reloader) reloader->stop();
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

}  // namespace neffs::mount_helper
