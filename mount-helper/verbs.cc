#include "mount-helper/verbs.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <array>
#include <exception>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>
#include <vector>

#include "fs/cache_layout.h"
#include "fs/unix_time.h"
#include "mount-helper/layer_report.h"
#include "mount-helper/metrics.h"
#include "mount-helper/verification_json.h"
#include "mount-helper/version.h"

namespace neffs::mount_helper {
namespace {

using nlohmann::ordered_json;

constexpr std::uint64_t kMostEnded = 1000;
constexpr std::array kBuckets = {std::pair{hub::Bucket::kApi, "api"},
                                 std::pair{hub::Bucket::kResolvers, "resolvers"},
                                 std::pair{hub::Bucket::kPages, "pages"}};

// Paths need not be UTF-8; JSON must be.
std::string text_of(const ordered_json& json) {
  return json.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

// Everybody may ask; what changes something is for root and for who mounted.
void check_may_change(uid_t caller) {
  if (caller != 0 && caller != ::geteuid())
    throw std::runtime_error("only root and the user who mounted may do this");
}

bool may_be_published(const fs::ModuleTracker::Entry& held) {
  const auto state = held.module.publishing.state;
  return state != fs::PublishState::kNever && state != fs::PublishState::kIncomplete;
}

}  // namespace

Verbs::Verbs(MountFacts mount, const Parts& parts) : mount_(std::move(mount)), parts_(parts) {}

std::string Verbs::answer(std::string_view request, uid_t caller) const {
  try {
    const auto parsed = nlohmann::json::parse(request);
    const auto verb = parsed.at("request").get<std::string>();
    const auto path = [&] { return parsed.at("path").get<std::string>(); };
    if (verb == "hello") return hello();
    if (verb == "status") return text_of(status());
    if (verb == "metrics") return text_of({{"text", metrics()}});
    if (verb == "explain") return explain(path());
    if (verb == "restore") return restore(path(), caller);
    if (verb == "flush") return flush(parsed.value("and_full", true));
    if (verb == "adoptable") return adoptable();
    if (verb == "adopt") return adopt(caller);
    if (verb == "evict") return evict(parsed, caller);
    if (verb == "evicted") return evicted();
    if (verb == "verify") return verify(parsed, caller);
    if (verb == "verified") return verified();
    if (verb == "plan_warming") return plan_warming(parsed, caller);
    if (verb == "warming") return warming();
    if (verb == "pin") return pin(parsed, caller);
    if (verb == "begin_use") return begin_use(parsed, caller);
    if (verb == "end_use") return end_use(parsed.at("use").get<std::uint64_t>(), caller);
    if (verb == "clear_stale_locks") return clear_stale_locks(caller);
    return text_of({{"error", "this daemon does not know the request '" + verb + "'"}});
  } catch (const std::exception& failure) {
    return text_of({{"error", failure.what()}});
  }
}

std::string Verbs::hello() const {
  const bool is_counted = parts_.housekeeper.is_counted();  // before the number, so that it holds
  return text_of({{"version", kVersion},
                  {"pid", ::getpid()},
                  {"held", parts_.housekeeper.held().size()},
                  {"counting", !is_counted},
                  {"of_run", mount_.is_of_run}});
}

// Of an index whose disk is gone nothing is known, and that is no reason to say nothing of the rest.
index::LayerTotals Verbs::totals() const {
  try {
    return parts_.index.copy_totals();
  } catch (const index::IndexError& error) {
    if (!has_warned_.test_and_set())
      spdlog::warn("status does not know what is in the layer: {}", error.what());
    return {};
  }
}

std::optional<PushFacts> Verbs::push_facts() const {
  if (parts_.publisher == nullptr) return std::nullopt;
  const auto& target = parts_.publisher->target();
  PushFacts facts;
  facts.target = target;
  facts.status = parts_.publisher->status();
  facts.totals = parts_.index.upload_totals(target);
  facts.open = parts_.index.open_uploads(target);
  facts.ended = parts_.index.ended_uploads(kMostEnded);
  facts.folders = parts_.pushed->folder_sizes();
  return facts;
}

fs::Publisher& Verbs::publisher() const {
  if (parts_.publisher == nullptr)
    throw std::runtime_error("this mount publishes nothing: " + mount_.push_why);
  return *parts_.publisher;
}

std::string Verbs::flush(bool and_full) const {
  publisher().hurry(and_full);
  return text_of({{"repo", publisher().target().repo}});
}

std::string Verbs::adoptable() const {
  auto modules = parts_.housekeeper.held();
  std::erase_if(modules, [](const auto& held) { return !may_be_published(held); });
  const auto unmarked = parts_.housekeeper.unmarked();
  modules.insert(modules.end(), unmarked.begin(), unmarked.end());
  return text_of({{"repo", publisher().target().repo}, {"modules", array_of(modules, held_json)}});
}

std::string Verbs::adopt(uid_t caller) const {
  check_may_change(caller);
  publisher();  // what is released where nothing is published would go out some other day
  return text_of({{"adopted", parts_.housekeeper.adopt_held()}});
}

ordered_json Verbs::status() const {
  StatusFacts facts;
  facts.mount = mount_;
  facts.uptime = std::chrono::steady_clock::now() - started_;
  for (const auto* view : parts_.sources.views())
    facts.sources.push_back({view->status(), view == parts_.pushed});
  facts.totals = totals();
  facts.quota_bytes = parts_.evictor.options().cache_size;
  facts.held = parts_.housekeeper.held();
  facts.is_counted = parts_.housekeeper.is_counted() && parts_.housekeeper.is_up_to_date();
  facts.waiting = parts_.housekeeper.waiting();
  facts.push = push_facts();
  facts.locks = parts_.housekeeper.locks();
  facts.failures = parts_.housekeeper.failures();
  std::erase_if(facts.failures, [this](const auto& failed) { return is_in_source(failed); });
  return status_json(facts, parts_.fs.counters(), parts_.fetcher.counters());
}

std::string Verbs::metrics() const {
  HubFacts hub;
  if (parts_.http != nullptr) hub.http = parts_.http->counts();
  const auto now = std::chrono::steady_clock::now();
  for (const auto& [bucket, name] : kBuckets) {
    const auto state = parts_.rates != nullptr ? parts_.rates->state(bucket, now) : std::nullopt;
    if (state) hub.quota_left.emplace(name, state->remaining);
  }
  return metrics_text(status(), hub);
}

// A failure here does no harm where a source has the module: it is a hit.
bool Verbs::is_in_source(const fs::FailedModule& failed) const {
  const auto mark = parts_.sources.peek(fs::join_path(failed.path, fs::kDoneMark));
  return mark && mark->name.kind == fs::RemoteName::Kind::kFile;
}

std::string Verbs::explain(const std::string& path) const {
  auto answer = ordered_json::parse(parts_.fs.explain(path));
  answer["mountpoint"] = mount_.mountpoint;
  add_layer_facts(answer, parts_.housekeeper);
  const auto until = parts_.pins.pinned_until_s(fs::unit_of(path), fs::now_s());
  if (until != 0) answer["pinned_for_s"] = until - fs::now_s();
  return text_of(answer);
}

std::string Verbs::restore(const std::string& path, uid_t caller) const {
  check_may_change(caller);
  return text_of({{"path", path}, {"restored", parts_.fs.restore(path)}});
}

std::string Verbs::clear_stale_locks(uid_t caller) const {
  check_may_change(caller);
  const auto cleared = parts_.housekeeper.clear_stale_locks();
  return text_of({{"removed", array_of(cleared.removed, lock_json)},
                  {"in_use", array_of(cleared.in_use, lock_json)}});
}

std::string Verbs::evict(const nlohmann::json& order, uid_t caller) const {
  check_may_change(caller);
  fs::Evictor::Order wanted;
  if (order.contains("to")) wanted.to = order.at("to").get<std::uint64_t>();
  wanted.paths = order.at("paths").get<std::vector<std::string>>();
  parts_.evictor.evict(std::move(wanted));
  return evicted();
}

std::string Verbs::evicted() const {
  const auto status = parts_.evictor.status();
  return text_of({{"busy", status.is_busy},
                  {"modules", status.modules},
                  {"bytes", status.bytes},
                  {"kept", status.kept}});
}

std::string Verbs::verify(const nlohmann::json& order, uid_t caller) const {
  check_may_change(caller);  // who reads everything is not to be kept from it by anybody
  const auto number = parts_.verifier.begin(
      {order.at("paths").get<std::vector<std::string>>(), order.at("repairs").get<bool>()});
  return text_of({{"order", number}});
}

std::string Verbs::verified() const {
  const auto status = parts_.verifier.status();
  auto answer = verification_json(status.found);
  answer["order"] = status.order;
  answer["busy"] = status.is_busy;
  if (!status.error.empty()) answer["failed"] = status.error;
  return text_of(answer);
}

std::string Verbs::plan_warming(const nlohmann::json& order, uid_t caller) const {
  check_may_change(caller);  // likewise
  if (mount_.offline) throw std::runtime_error("it is mounted offline: nothing can be fetched");
  const auto words = [&](const char* key) { return order.at(key).get<std::vector<std::string>>(); };
  fs::WarmOrder wanted{words("versions"), words("modules"), order.at("all").get<bool>()};
  const auto model = order.value("model", "");
  std::size_t known = 0;
  if (!model.empty()) {
    // Beside a model the versions say which of its modules.
    auto modules = parts_.index.modules_of_model(model);
    known = modules.size();
    const auto versions = std::exchange(wanted.versions, {});
    if (!versions.empty())
      std::erase_if(modules, [&](const std::string& module) {
        return !fs::is_of_version(versions, std::string(fs::locate(module).version));
      });
    if (modules.empty()) return text_of({{"known", known}});
    wanted.modules.insert(wanted.modules.end(), modules.begin(), modules.end());
  }
  const auto number = parts_.planner.begin(std::move(wanted));
  return text_of({{"order", number}, {"known", known}});
}

std::string Verbs::pin(const nlohmann::json& order, uid_t caller) const {
  check_may_change(caller);
  const auto plan = parts_.planner.status();
  if (plan.is_busy || plan.order != order.at("order").get<std::uint64_t>())
    throw std::runtime_error("somebody else has begun to warm it");
  parts_.pins.pin(plan.found.meant, fs::now_s());
  return text_of({{"pinned", plan.found.meant.size()}});
}

std::string Verbs::begin_use(const nlohmann::json& use, uid_t caller) const {
  check_may_change(caller);
  std::optional<fs::Process> process;
  if (const auto& told = use.at("process"); !told.is_null())
    process = fs::Process{
        told.at("id").get<std::int64_t>(), told.at("started").get<std::uint64_t>(),
        told.at("boot").get<std::string>(), told.at("pid_namespace").get<std::uint64_t>()};
  const auto number = parts_.model_notes.begin(use.at("model").get<std::string>(), process);
  return text_of({{"use", number}});
}

std::string Verbs::end_use(std::uint64_t number, uid_t caller) const {
  check_may_change(caller);
  const auto modules = parts_.model_notes.end(number);
  return text_of({{"modules", modules ? ordered_json(*modules) : ordered_json(nullptr)}});
}

std::string Verbs::warming() const {
  const auto status = parts_.planner.status();
  const auto& plan = status.found;
  const auto& limits = parts_.evictor.options();
  ordered_json answer = {{"order", status.order},
                         {"busy", status.is_busy},
                         {"modules", plan.modules},
                         {"bytes", plan.bytes},
                         {"modules_here", plan.modules_here},
                         {"unknown", plan.unknown},
                         {"unanswered", plan.unanswered},
                         {"cache_size", nullptr},
                         {"min_free", nullptr},
                         {"layer_bytes", totals().bytes}};
  if (limits.cache_size) answer["cache_size"] = *limits.cache_size;
  if (limits.min_free) answer["min_free"] = *limits.min_free;
  answer["files"] = array_of(plan.files, [](const auto& file) {
    return ordered_json{{"path", file.path}, {"size", file.size}};
  });
  if (!status.error.empty()) answer["failed"] = status.error;
  return text_of(answer);
}

}  // namespace neffs::mount_helper
