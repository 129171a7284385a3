#include "mount-helper/host_facts.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <ctime>
#include <fstream>

#include "fs/fuse/session.h"
#include "hub/url.h"
#include "hub/whoami.h"
#include "mount-helper/hub_session.h"
#include "mount-helper/mount_table.h"

namespace neffs::mount_helper {
namespace {

namespace stdfs = std::filesystem;

constexpr const char* kDevice = "/dev/fuse";
constexpr std::chrono::seconds kPatience{5};

std::string find_fusermount() {
  constexpr std::array kPlaces = {"/usr/bin/fusermount3", "/bin/fusermount3",
                                  "/usr/local/bin/fusermount3"};
  for (const char* place : kPlaces)
    if (::access(place, X_OK) == 0) return place;
  return "";
}

bool has_line(const char* file, std::string_view wanted) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    line.erase(line.find_last_not_of(" \t\r") + 1);
    line.erase(0, line.find_first_not_of(" \t"));
    if (line == wanted) return true;
  }
  return false;
}

// As RFC 9110 has it; nullopt for what is no such time.
std::optional<std::time_t> time_of(std::string_view text) {
  std::tm parts{};
  const char* end = ::strptime(std::string(text).c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  if (end == nullptr) return std::nullopt;
  return ::timegm(&parts);
}

// The filesystem below a path that need not be there yet.
std::string disk_of(stdfs::path path) {
  const auto table = read_mount_table();
  auto entry = mount_containing(table, path);
  while (entry && entry->type == kFilesystemType && path.has_parent_path() &&
         path != path.parent_path()) {
    path = path.parent_path();
    entry = mount_containing(table, path);
  }
  return entry ? entry->type : "";
}

}  // namespace

HostFacts look_at_host(const stdfs::path& cache, const hub::Environment& environment) {
  HostFacts facts;
  facts.is_root = ::geteuid() == 0;
  facts.has_device = ::access(kDevice, F_OK) == 0;
  facts.may_open_device = ::access(kDevice, R_OK | W_OK) == 0;
  facts.fusermount = find_fusermount();
  facts.allows_other = has_line("/etc/fuse.conf", "user_allow_other");
  struct utsname system {};
  if (::uname(&system) == 0) facts.kernel = system.release;
  facts.fuse_library = fs::fuse_library_version();
  facts.disk = disk_of(cache);
  struct statvfs disk {};
  if (::statvfs(cache.c_str(), &disk) == 0) {
    facts.free_bytes = std::uint64_t{disk.f_bavail} * disk.f_frsize;
    facts.disk_bytes = std::uint64_t{disk.f_blocks} * disk.f_frsize;
  }
  facts.cc_flags = environment.get("NEURON_CC_FLAGS").value_or("");
  facts.cache_url = environment.get("NEURON_COMPILE_CACHE_URL").value_or("");
  return facts;
}

HubReach reach_hub(const Source& source, const hub::Environment& environment) {
  HubReach reach;
  reach.endpoint = endpoint_of(environment);
  reach.repo = sources_text({source});
  try {
    const HubSession session(environment);
    const auto& client = session.client();
    reach.token = client.credentials().origin();
    hub::HubCall call;
    call.url = client.url(fmt::format("/api/models/{}/revision/{}", hub::encode_path(source.repo),
                                      hub::encode_segment(source.revision)),
                          "expand=sha");
    call.subject = reach.repo;
    const auto answer = client.ask(call, std::chrono::steady_clock::now() + kPatience, {});
    const auto date = answer.headers.get("Date");
    if (const auto theirs = date ? time_of(*date) : std::nullopt)
      reach.ahead_of_us = std::chrono::seconds(*theirs - std::time(nullptr));
    // A public repo answers whoever asks, and says nothing of the token.
    if (!client.credentials().token().empty())
      reach.user = hub::user_of_token(client, {std::chrono::steady_clock::now() + kPatience, {}});
  } catch (const hub::HubError& error) {
    reach.failure = error.kind;
    reach.text = error.what();
  }
  return reach;
}

}  // namespace neffs::mount_helper
