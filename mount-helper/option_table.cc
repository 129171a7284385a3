#include <array>
#include <stdexcept>

#include "mount-helper/command_error.h"
#include "mount-helper/option_values.h"
#include "mount-helper/options.h"
#include "mount-helper/source.h"

namespace neffs::mount_helper {
namespace {

using Options = MountOptions;
using Text = const std::string&;
using From = const MountOptions&;

void apply_cache_size(Options& options, Text value) {
  options.evict.cache_size =
      value == "none" ? std::nullopt : std::optional<std::uint64_t>(parse_size(value));
}

void apply_push(Options& options, Text value) {
  options.push_repo.clear();
  if (value == "auto") {
    options.push = PushMode::kAuto;
  } else if (value == "none") {
    options.push = PushMode::kNone;
  } else if (!is_repo_id(value)) {
    throw std::invalid_argument("neither auto nor none nor a repo, namespace/name");
  } else {
    options.push = PushMode::kRepo;
    options.push_repo = value;
  }
}

void apply_failures(Options& options, Text value) {
  options.keep.failures.reset();
  if (value != "keep") options.keep.failures = parse_seconds(value);
}

// In the order of the enums.
ListMode list_mode(Text value) {
  return static_cast<ListMode>(parse_word(value, {"auto", "local", "all"}));
}
PassthroughMode passthrough_mode(Text value) {
  return static_cast<PassthroughMode>(parse_word(value, {"auto", "on", "off"}));
}
fs::StaleLocks stale_locks(Text value) {
  return static_cast<fs::StaleLocks>(parse_word(value, {"reboot", "keep", "clear"}));
}
LogLevel log_level(Text value) {
  return static_cast<LogLevel>(parse_word(value, {"error", "warn", "info", "debug"}));
}

constexpr std::array kTable = {
    OptionSpec{"ro", "", "off", "the kernel refuses writes, every name is listed: for browsing",
               [](Options& o, Text) { o.is_read_only = true; }},
    OptionSpec{"push", "auto|none|REPO", "auto",
               "which repo is written to; auto: the first private one that the token may write",
               apply_push},
    OptionSpec{"adopt", "hold|push", "hold", "what happens to complete modules found in the layer",
               [](Options& o, Text v) {
                 o.keep.adopts = parse_word(v, {"hold", "push"}) == 1;
               }},
    OptionSpec{"layer", "DIR", "the mountpoint's own directory", "where the local bytes are",
               [](Options& o, Text v) { o.layer = parse_path(v); }},
    OptionSpec{"list", "auto|local|all", "auto",
               "what a listing of a compiler folder shows; auto: all under ro, else local",
               [](Options& o, Text v) { o.list = list_mode(v); }},
    OptionSpec{"cache_size", "SIZE", "none", "copies are evicted above it", apply_cache_size,
               [](Options& o, From n) { o.evict.cache_size = n.evict.cache_size; }},
    OptionSpec{"min_free", "SIZE", "10 % of the disk", "eviction keeps this much free",
               [](Options& o, Text v) { o.evict.min_free = parse_size(v); },
               [](Options& o, From n) { o.evict.min_free = n.evict.min_free; }},
    OptionSpec{"poll", "SECONDS", "60", "how often the head commit is asked for",
               [](Options& o, Text v) { o.poll = parse_seconds(v); },
               [](Options& o, From n) { o.poll = n.poll; }},
    OptionSpec{"miss_check", "SECONDS", "15", "how fresh the head is when a module is a miss",
               [](Options& o, Text v) { o.miss_check = parse_seconds(v); },
               [](Options& o, From n) { o.miss_check = n.miss_check; }},
    OptionSpec{"settle", "SECONDS", "5", "how long a module is quiet before it is queued",
               [](Options& o, Text v) { o.keep.settle = parse_seconds(v); },
               [](Options& o, From n) { o.keep.settle = n.keep.settle; }},
    OptionSpec{"commit_interval", "SECONDS", "40", "least time between two commits",
               [](Options& o, Text v) { o.commit_interval = parse_seconds(v); },
               [](Options& o, From n) { o.commit_interval = n.commit_interval; }},
    OptionSpec{"hub_timeout", "SECONDS", "2", "how long a look-up may wait for the Hub",
               [](Options& o, Text v) { o.hub_timeout = parse_seconds(v); },
               [](Options& o, From n) { o.hub_timeout = n.hub_timeout; }},
    OptionSpec{"fetch_timeout", "SECONDS", "60", "how long a download may get no byte",
               [](Options& o, Text v) { o.fetch_timeout = parse_seconds(v); },
               [](Options& o, From n) { o.fetch_timeout = n.fetch_timeout; }},
    OptionSpec{"stale_locks", "reboot|keep|clear", "reboot",
               "which locks of dead processes are removed",
               [](Options& o, Text v) { o.keep.stale_locks = stale_locks(v); }},
    OptionSpec{"failures", "keep|SECONDS", "keep", "when a local failed entry expires",
               apply_failures},
    OptionSpec{"dmask", "OCTAL", "0", "takes bits from the mode of remote-only directories",
               [](Options& o, Text v) { o.dmask = parse_mask(v); }},
    OptionSpec{"fmask", "OCTAL", "0", "takes bits from the mode of remote-only files",
               [](Options& o, Text v) { o.fmask = parse_mask(v); }},
    OptionSpec{"gid", "GID", "-", "the group of remote-only names",
               [](Options& o, Text v) { o.gid = parse_gid(v); }},
    OptionSpec{"offline", "", "off", "no HTTP at all; also by HF_HUB_OFFLINE",
               [](Options& o, Text) { o.is_offline = true; }},
    OptionSpec{"passthrough", "auto|on|off", "auto", "the kernel reads the layer's files itself",
               [](Options& o, Text v) { o.passthrough = passthrough_mode(v); }},
    OptionSpec{"token_file", "PATH", "as the Hub's clients", "where the token is read from",
               [](Options& o, Text v) { o.token_file = parse_path(v); }},
    OptionSpec{"allow_other", "", "on as root", "other users may use the mount",
               [](Options& o, Text) { o.allow_other = true; }},
    OptionSpec{"default_permissions", "", "on as root", "the kernel checks permissions",
               [](Options& o, Text) { o.default_permissions = true; }},
    OptionSpec{"metrics", "FILE", "off", "Prometheus text, rewritten every 15 s",
               [](Options& o, Text v) { o.metrics = parse_path(v); }},
    OptionSpec{"log", "error|warn|info|debug", "info", "what is logged",
               [](Options& o, Text v) { o.log = log_level(v); },
               [](Options& o, From n) { o.log = n.log; }},
};

}  // namespace

std::span<const OptionSpec> option_table() {
  return kTable;
}

}  // namespace neffs::mount_helper
