#include "mount-helper/daemon_settings.h"

#include <unistd.h>

#include "mount-helper/hub_session.h"

namespace neffs::mount_helper {
namespace {

fs::NamesOptions names_options(const MountOptions& options) {
  fs::NamesOptions names;
  names.uid = ::geteuid();
  names.gid = options.gid.value_or(::getegid());
  names.directory_mode = 0777 & ~options.dmask;
  names.file_mode = 0666 & ~options.fmask;
  return names;
}

}  // namespace

bool is_offline(const DaemonPlan& plan) {
  return plan.options.is_offline || mount_helper::is_offline(plan.environment);
}

hub::HubClient::Options hub_options(const DaemonPlan& plan) {
  hub::HubClient::Options options;
  options.endpoint = endpoint_of(plan.environment);
  options.offline = is_offline(plan);
  return options;
}

fs::FsOptions fs_options(const MountOptions& options) {
  fs::FsOptions result;
  const bool list_all =
      options.list == ListMode::kAll || (options.list == ListMode::kAuto && options.is_read_only);
  result.list = list_all ? fs::ListPolicy::kAll : fs::ListPolicy::kLocal;
  result.hub_timeout = options.hub_timeout;
  result.miss_check = options.miss_check;
  result.names = names_options(options);
  return result;
}

fs::FetchOptions fetch_options(const MountOptions& options) {
  const auto names = names_options(options);
  return {options.fetch_timeout, names.directory_mode, names.file_mode, names.uid, names.gid};
}

fs::KeepOptions keep_options(const MountOptions& options) {
  if (!options.is_read_only) return options.keep;
  return {.stale_locks = fs::StaleLocks::kKeep, .failures = std::nullopt};
}

fs::MountSpec mount_spec(const DaemonPlan& plan) {
  const bool is_root = ::geteuid() == 0;
  const auto& options = plan.options;
  fs::MountSpec spec;
  spec.source = sources_text(plan.sources);
  spec.mountpoint = plan.mountpoint;
  spec.allow_other = is_root || options.allow_other;
  spec.default_permissions = is_root || options.default_permissions || options.allow_other;
  spec.read_only = options.is_read_only;
  spec.kernel_options = options.kernel_options;
  switch (options.passthrough) {
    case PassthroughMode::kAuto:
      spec.passthrough = fs::Passthrough::kAuto;
      break;
    case PassthroughMode::kOn:
      spec.passthrough = fs::Passthrough::kOn;
      break;
    case PassthroughMode::kOff:
      spec.passthrough = fs::Passthrough::kOff;
      break;
  }
  return spec;
}

}  // namespace neffs::mount_helper
