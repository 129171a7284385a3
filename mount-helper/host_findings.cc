#include "mount-helper/host_findings.h"

#include <fmt/format.h>

#include <sstream>
#include <string_view>
#include <utility>

#include "mount-helper/mount_point.h"
#include "mount-helper/output.h"
#include "mount-helper/state_directory.h"

namespace neffs::mount_helper {
namespace {

using hub::HubErrorKind;
using std::chrono::seconds;

constexpr std::string_view kCacheFlag = "--cache_dir";
constexpr const char* kDevice = "/dev/fuse";
constexpr std::uint64_t kLittleRoom = std::uint64_t{2} << 30;  // a large NEFF and its neighbours
// Tokens and signed addresses are dated.
constexpr seconds kSkew{60};

// Of "6.1.0-18-amd64", or "3.10.5".
std::pair<int, int> version_in(const std::string& text) {
  std::pair<int, int> version;
  char dot = 0;
  std::istringstream in(text);
  in >> version.first >> dot >> version.second;
  return version;
}

std::string mend_of(HubErrorKind kind, const HubReach& reach) {
  switch (kind) {
    case HubErrorKind::kUnauthorized:
      return reach.token == "anonymous" ? "hf auth login, or set HF_TOKEN"
                                        : fmt::format(
                                              "the token of {} is refused: hf auth login, "
                                              "or set HF_TOKEN to one that is valid",
                                              reach.token);
    case HubErrorKind::kForbidden:
    case HubErrorKind::kRepoNotFound:
      return "check the name, and that the token may read it; neffs create makes a new one";
    case HubErrorKind::kRevisionNotFound:
      return "check the part after @";
    case HubErrorKind::kGated:
      return fmt::format("accept its terms at {}/{}", reach.endpoint,
                         reach.repo.substr(0, reach.repo.find('@')));
    case HubErrorKind::kThrottled:
      return "it goes on by itself; a token raises the limit, a mirror serves many hosts";
    case HubErrorKind::kInvalidAnswer:
      return "something else than the Hub answers there: a captive portal or a proxy; check "
             "HF_ENDPOINT and HTTPS_PROXY";
    case HubErrorKind::kUnavailable:
      return "check the network, HF_ENDPOINT, HTTPS_PROXY and SSL_CERT_FILE; what is here is used "
             "meanwhile";
    default:
      return "neffs mount says more";
  }
}

// An error may end with what mends it, in parentheses.
std::pair<std::string, std::string> what_and_mend(std::string text) {
  const auto at = text.find(" (");
  if (at == std::string::npos || !text.ends_with(')')) return {std::move(text), ""};
  return {text.substr(0, at), text.substr(at + 2, text.size() - at - 3)};
}

// One of the words of NEURON_CC_FLAGS.
bool has_word(const std::string& flags, const std::string& wanted) {
  std::istringstream words(flags);
  for (std::string word; words >> word;)
    if (word == wanted) return true;
  return false;
}

bool is_same(const std::string& one, const std::filesystem::path& other) {
  return std::filesystem::path(one + "/").lexically_normal() ==
         std::filesystem::path(other.string() + "/").lexically_normal();
}

// Of where the cache is.
bool says_nothing(const HostFacts& facts) {
  return facts.cc_flags.find(kCacheFlag) == std::string::npos && facts.cache_url.empty();
}

}  // namespace

std::vector<Finding> find_host_trouble(const HostFacts& facts) {
  std::vector<Finding> findings;
  const auto add = [&](const char* check, std::string subject, std::string what, std::string mend) {
    findings.push_back({check, std::move(subject), std::move(what), std::move(mend)});
  };
  if (!facts.has_device)
    add("device", kDevice, "is not there",
        "modprobe fuse; in a container, start it with --device /dev/fuse");
  else if (!facts.may_open_device)
    add("device", kDevice, "may not be opened by this user",
        "chmod 666 /dev/fuse, or mount as root");
  if (!facts.is_root && facts.fusermount.empty())
    add("fusermount3", "fusermount3", "is not installed, and only it mounts for ordinary users",
        "install the package fuse3, or mount as root");
  if (is_network_filesystem(facts.disk))
    add("disk", facts.disk, "is a network filesystem, on which no cache is kept",
        "give a local directory with -o layer=DIR");
  if (facts.disk_bytes > 0 && facts.free_bytes < kLittleRoom)
    add("disk", facts.disk.empty() ? "the cache's disk" : facts.disk,
        fmt::format("{} of {} are free", human_size(facts.free_bytes),
                    human_size(facts.disk_bytes)),
        "make room, or give a larger disk with -o layer=DIR; neffs evict removes copies");
  return findings;
}

std::string neuron_cache_of(const std::string& cc_flags, const std::string& cache_url) {
  if (has_word(cc_flags, "--no_cache")) return "";
  std::string directory = cache_url.empty() ? kDefaultMountPoint : cache_url;
  std::istringstream words(cc_flags);
  for (std::string word; words >> word;) {
    if (!word.starts_with(kCacheFlag)) continue;
    if (word.size() == kCacheFlag.size())
      words >> directory;
    else if (word[kCacheFlag.size()] == '=')
      directory = word.substr(kCacheFlag.size() + 1);
  }
  return directory;
}

std::vector<Finding> find_stray_cache(const HostFacts& facts,
                                      const std::filesystem::path& mount_point) {
  const auto used = neuron_cache_of(facts.cc_flags, facts.cache_url);
  if (used.empty())
    return {{"cache", "NEURON_CC_FLAGS", "turns the cache off (--no_cache)", "take it out"}};
  if (is_same(used, mount_point) || says_nothing(facts)) return {};
  const bool is_flag = facts.cc_flags.find(kCacheFlag) != std::string::npos;
  return {{"cache", is_flag ? "NEURON_CC_FLAGS" : "NEURON_COMPILE_CACHE_URL",
           fmt::format("programs use {}, not {}", printable(used), mount_point.string()),
           "mount there, or set it to the mountpoint"}};
}

std::vector<Finding> find_hub_trouble(const HubReach& reach) {
  if (reach.failure == HubErrorKind::kOffline) return {};
  if (reach.failure) {
    auto [what, mend] = what_and_mend(printable(reach.text));
    return {{"Hub", reach.endpoint, what, mend.empty() ? mend_of(*reach.failure, reach) : mend}};
  }
  if (!reach.ahead_of_us || std::chrono::abs(*reach.ahead_of_us) <= kSkew) return {};
  const auto skew = *reach.ahead_of_us;
  return {{"clock", "this host",
           fmt::format("is {} {} the Hub", human_duration(std::chrono::abs(skew)),
                       skew > seconds(0) ? "behind" : "ahead of"),
           "set the clock: timedatectl set-ntp true"}};
}

std::vector<Finding> notes_of(const HostFacts& facts, const std::filesystem::path& mount_point) {
  std::vector<Finding> notes;
  if (says_nothing(facts) && !is_same(kDefaultMountPoint, mount_point))
    notes.push_back({"note", mount_point.string(), "is used only by programs that are told of it",
                     fmt::format("NEURON_COMPILE_CACHE_URL={0}, and for optimum-neuron's trainers "
                                 "--cache_dir={0} in NEURON_CC_FLAGS",
                                 mount_point.string())});
  if (!facts.is_root && !facts.allows_other)
    notes.push_back({"note", "/etc/fuse.conf", "other users cannot use a mount of yours",
                     "a line user_allow_other there, and -o allow_other; or mount as root"});
  if (version_in(facts.kernel) < std::pair(6, 9))
    notes.push_back({"note", "Linux " + facts.kernel, "reads are copied by the daemon",
                     "from 6.9 on the kernel reads the files itself, for mounts of root"});
  else if (version_in(facts.fuse_library) < std::pair(3, 14))
    notes.push_back({"note", "libfuse " + facts.fuse_library, "reads are copied by the daemon",
                     "with 3.14 or later the kernel reads the files itself, for mounts of root"});
  else if (!facts.is_root)
    notes.push_back({"note", "this user", "reads are copied by the daemon",
                     "for mounts of root the kernel reads the files itself"});
  return notes;
}

}  // namespace neffs::mount_helper
