#include "mount-helper/commands/mount.h"

#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "fs/layer.h"
#include "mount-helper/command_error.h"
#include "mount-helper/control.h"
#include "mount-helper/daemon.h"
#include "mount-helper/hub_session.h"
#include "mount-helper/invoker.h"
#include "mount-helper/launch.h"
#include "mount-helper/logging.h"
#include "mount-helper/mount_point.h"
#include "mount-helper/mount_settings.h"
#include "mount-helper/mount_table.h"
#include "mount-helper/output.h"
#include "mount-helper/service_manager.h"
#include "mount-helper/source.h"
#include "mount-helper/state_directory.h"

namespace neffs::mount_helper {
namespace {

constexpr std::chrono::milliseconds kPatienceWithCounting{100};
constexpr std::chrono::milliseconds kBetweenLooks{10};

std::vector<Source> sources_of(const MountSettings& settings, const Invoker& invoker) {
  auto sources =
      settings.sources.empty() ? default_sources(invoker) : parse_sources(settings.sources);
  return with_push_repo(std::move(sources), settings.options.push_repo);
}

struct OpenLayer {
  std::string path;
  fs::UniqueFd fd;
};

OpenLayer open_layer(const std::string& layer, MountPoint& point) {
  if (layer.empty()) return {point.path.string(), std::move(point.directory)};
  std::error_code error;
  const auto path = std::filesystem::canonical(layer, error);
  const std::string what = "cannot use layer=" + layer;
  if (error) throw CommandError(what, error.message(), "make the directory first");
  fs::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) throw CommandError(what, std::generic_category().message(errno));
  const auto inside = path.lexically_relative(point.path);
  if (path != point.path && !inside.empty() && *inside.begin() != "..")
    throw CommandError(what, "it is inside the mountpoint", "choose a directory outside of it");
  return {path.string(), std::move(fd)};
}

DaemonPlan make_plan(const MountRequest& request) {
  const auto invoker = invoker_of_process();
  const auto settings =
      read_settings(request.sources, request.option_lists, request.mount_point, invoker);
  DaemonPlan plan;
  plan.sources = sources_of(settings, invoker);
  plan.is_of_run = request.is_of_run;
  plan.options = settings.options;
  plan.sources_said = settings.sources;
  // A daemon works elsewhere.
  for (auto* path : {&plan.options.token_file, &plan.options.metrics})
    if (!path->empty()) *path = std::filesystem::absolute(*path);
  plan.environment = environment_of(invoker, plan.options.token_file);
  auto point = prepare_mount_point(request.mount_point);
  plan.mountpoint = point.path.string();
  auto layer = open_layer(plan.options.layer, point);
  check_layer_is_local(layer.fd.get(), layer.path);
  plan.state = take_state_directory(
      layer.fd.get(), layer.path,
      std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()));
  plan.layer_path = std::move(layer.path);
  plan.layer_fd = std::move(layer.fd);
  plan.read_settings = [request, where = plan.mountpoint, invoker] {
    return read_settings(request.sources, request.option_lists, where, invoker);
  };
  for (const auto& warning : point.warnings) warn(warning);
  for (const auto& name : plan.state.set_aside)
    warn(name + " was not made by neffs, or not left as it made it; it is set aside");
  if (plan.options.is_read_only)
    warn(
        "a read-only mount is for browsing: old libneuronxla needs to write its lock file even "
        "for a hit; leave `ro` out to use the cache, the repo is never written");
  return plan;
}

// In the foreground it is the service itself. A daemon has whoever launched it to tell, and nobody
// else: `run` may be part of a service that is not about the mount.
void tell_in_foreground(const std::string& summary, const std::string& status) {
  fmt::print("{}\n", summary);
  std::fflush(stdout);
  tell_service_manager(hub::Environment::of_process(), "READY=1\nSTATUS=" + status);
}

void serve(DaemonPlan plan, Readiness& readiness, bool is_foreground) {
  prepare_to_serve();
  start_logging(
      plan.options.log, is_foreground,
      {{"NEFFS_MOUNTPOINT", plan.mountpoint}, {"NEFFS_REPO", sources_text(plan.sources)}});
  plan.state.write_pid();
  const auto status = fmt::format("{} on {}", sources_text(plan.sources), plan.mountpoint);
  Daemon daemon(std::move(plan));
  daemon.mount();
  daemon.run([&] {
    readiness.ready(daemon.summary());
    if (is_foreground) tell_in_foreground(daemon.summary(), status);
  });
}

std::string failure(const DaemonPlan& plan) {
  return fmt::format("cannot mount {}", sources_text(plan.sources));
}

// Returns when the mount answers. What was in the layer is counted meanwhile, and waited for a moment.
std::string counted_held(const std::string& mountpoint) {
  const auto deadline = std::chrono::steady_clock::now() + kPatienceWithCounting;
  while (true) {
    const auto hello = ask_or_throw(mountpoint, hello_request());
    if (!hello.at("counting").get<bool>())
      return fmt::format("{}, kept on this host alone",
                         counted(hello.at("held").get<std::uint64_t>(), "module"));
    if (std::chrono::steady_clock::now() >= deadline)
      return "being counted: neffs status tells how many modules";
    std::this_thread::sleep_for(kBetweenLooks);
  }
}

std::string held_text(const std::string& mountpoint) {
  try {
    return counted_held(mountpoint);
  } catch (const CommandError&) {
    // A `neffs run` may have used and unmounted it in the meantime.
    if (mount_at(read_mount_table(), mountpoint)) throw;
    return "not told: it is unmounted again";
  }
}

}  // namespace

MountedNow mount_in_background(const MountRequest& request) {
  auto plan = make_plan(request);
  const auto what_failed = failure(plan);
  const auto mountpoint = plan.mountpoint;
  const auto shown = sources_text(plan.sources);
  const auto result =
      launch([&](Readiness& readiness) { serve(std::move(plan), readiness, false); });
  if (!result.is_ready) throw CommandError(what_failed, result.text);
  return {mountpoint, fmt::format("mounted {} on {}\n{}\nheld     {}", shown, mountpoint,
                                  result.text, held_text(mountpoint))};
}

int mount_command(const MountRequest& request) {
  if (!request.is_foreground) {
    fmt::print("{}\n", mount_in_background(request).summary);
    return kSuccess;
  }
  auto plan = make_plan(request);
  const auto what_failed = failure(plan);
  Readiness nobody{fs::UniqueFd()};
  try {
    serve(std::move(plan), nobody, true);
  } catch (const std::exception& error) {
    throw CommandError(what_failed, error.what());
  }
  return kSuccess;
}

}  // namespace neffs::mount_helper
