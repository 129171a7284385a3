#include "mount-helper/holders.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <functional>
#include <optional>
#include <sstream>
#include <string_view>
#include <system_error>
#include <utility>

namespace neffs::mount_helper {
namespace {

namespace stdfs = std::filesystem;

// Whether a link of /proc/PID leads to where we look. Must not ask the filesystem behind it.
using LeadsThere = std::function<bool(const stdfs::path& link)>;

constexpr std::pair<const char*, const char*> kLinks[] = {
    {"cwd", "current directory"}, {"root", "root directory"}, {"exe", "program"}};

std::optional<pid_t> pid_of(const stdfs::path& process) {
  const std::string name = process.filename().string();
  pid_t pid = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
  if (error != std::errc() || end != name.data() + name.size()) return std::nullopt;
  return pid;
}

std::string command_of(const stdfs::path& process) {
  std::string name;
  std::ifstream in(process / "comm");
  std::getline(in, name);
  return name.empty() ? "?" : name;
}

bool has_open(const stdfs::path& process, const LeadsThere& leads_there) {
  std::error_code error;
  stdfs::directory_iterator fd(process / "fd", error);
  for (; !error && fd != stdfs::directory_iterator(); fd.increment(error)) {
    if (leads_there(fd->path())) return true;
  }
  return false;
}

// "7f00-7f01 r--p 00000000 00:2d 12  /path": the fourth field is the device, in hex.
bool maps_from(const stdfs::path& process, dev_t device) {
  const std::string wanted = fmt::format("{:02x}:{:02x}", major(device), minor(device));
  std::ifstream maps(process / "maps");
  for (std::string line; std::getline(maps, line);) {
    std::istringstream fields(line);
    std::string range;
    std::string mode;
    std::string offset;
    std::string found;
    if (fields >> range >> mode >> offset >> found && found == wanted) return true;
  }
  return false;
}

// What `process` holds, "" for nothing.
std::string held_by(const stdfs::path& process, const LeadsThere& leads_there) {
  for (const auto& [link, what] : kLinks) {
    if (leads_there(process / link)) return what;
  }
  return has_open(process, leads_there) ? "open file" : "";
}

std::vector<Holder> search(const std::function<std::string(const stdfs::path&)>& held) {
  std::vector<Holder> holders;
  std::error_code error;
  stdfs::directory_iterator process("/proc", error);
  for (; !error && process != stdfs::directory_iterator(); process.increment(error)) {
    const std::optional<pid_t> pid = pid_of(process->path());
    if (!pid || *pid == ::getpid()) continue;
    const std::string what = held(process->path());
    if (!what.empty()) holders.push_back({*pid, command_of(process->path()), what});
  }
  return holders;
}

bool is_at_or_below(std::string_view path, const std::string& directory) {
  return path == directory || path.starts_with(directory == "/" ? "/" : directory + "/");
}

}  // namespace

std::vector<Holder> holders_of(const MountEntry& mount) {
  const auto in_mount = [&](const stdfs::path& link) { return mount_id_of(link) == mount.id; };
  return search([&](const stdfs::path& process) -> std::string {
    std::string what = held_by(process, in_mount);
    if (what.empty() && maps_from(process, mount.device)) what = "mapped file";
    return what;
  });
}

std::vector<Holder> holders_below(const stdfs::path& directory) {
  const auto is_directory_below = [&](const stdfs::path& link) {
    std::error_code error;
    const stdfs::path target = stdfs::read_symlink(link, error);
    struct stat found {};
    return !error && is_at_or_below(target.native(), directory.native()) &&
           ::stat(link.c_str(), &found) == 0 && S_ISDIR(found.st_mode);
  };
  return search([&](const stdfs::path& process) { return held_by(process, is_directory_below); });
}

std::string holders_text(const std::vector<Holder>& holders) {
  constexpr std::size_t kMostNamed = 5;
  std::string text;
  for (std::size_t i = 0; i < std::min(holders.size(), kMostNamed); ++i) {
    const Holder& holder = holders[i];
    text += fmt::format("{}{} (pid {}, {})", i == 0 ? "" : ", ", holder.command, holder.pid,
                        holder.what);
  }
  if (holders.size() > kMostNamed) text += fmt::format(" and {} more", holders.size() - kMostNamed);
  return text;
}

}  // namespace neffs::mount_helper
