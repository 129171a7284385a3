#include "fs/process_table.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <sstream>
#include <string_view>
#include <system_error>
#include <utility>

#include "fs/unique_fd.h"

namespace neffs::fs {
namespace {

// Everything the file says, or the errno of what failed; a process may end between open and read.
struct Text {
  int error = 0;
  std::string text;
};

Text read_text(const std::filesystem::path& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return {errno, ""};
  Text all;
  std::array<char, 4096> buffer{};
  while (true) {
    const auto got = ::read(fd.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return {errno, ""};
    if (got == 0) return all;
    all.text.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

template <typename Number>
std::optional<Number> number_in(std::string_view text) {
  Number number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end != text.data() ? std::optional(number) : std::nullopt;
}

// What stands behind "KEY:" in a status file, blanks in front left out.
std::string value_of(const std::string& status, std::string_view key) {
  std::istringstream lines(status);
  for (std::string line; std::getline(lines, line);) {
    const std::string_view view = line;
    if (!view.starts_with(key) || view.substr(key.size(), 1) != ":") continue;
    const auto value = view.find_first_not_of(" \t", key.size() + 1);
    return value == std::string_view::npos ? "" : std::string(view.substr(value));
  }
  return "";
}

struct Stat {
  char state = 0;
  std::int64_t threads = 0;
  std::uint64_t started = 0;
};

// The name, the second field, may hold blanks and parentheses; nothing behind it does.
std::optional<Stat> parse_stat(const std::string& text) {
  const auto name_end = text.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream rest(text.substr(name_end + 1));
  constexpr int kState = 3;
  constexpr int kThreads = 20;
  constexpr int kStarted = 22;
  Stat stat;
  std::string field;
  for (int number = kState; number <= kStarted; ++number) {
    if (!(rest >> field)) return std::nullopt;
    if (number == kState) stat.state = field.front();
    if (number == kThreads) stat.threads = number_in<std::int64_t>(field).value_or(0);
  }
  const auto started = number_in<std::uint64_t>(field);
  if (!started) return std::nullopt;
  stat.started = *started;
  return stat;
}

// A process whose first thread has ended while others run looks like a zombie, too.
bool is_dead(const Stat& stat) {
  const bool is_over = stat.state == 'Z' || stat.state == 'X' || stat.state == 'x';
  return is_over && stat.threads <= 1;
}

std::string read_boot(const std::filesystem::path& proc) {
  std::string boot = read_text(proc / "sys/kernel/random/boot_id").text;
  return boot.substr(0, boot.find('\n'));
}

// Where /proc shows another pid namespace than ours, its numbers mean other processes.
std::uint64_t read_pid_namespace(const std::filesystem::path& proc) {
  const std::string ids = value_of(read_text(proc / "self/status").text, "NSpid");
  if (ids.find_first_of(" \t") != std::string::npos) return 0;
  std::error_code error;
  const std::string link = std::filesystem::read_symlink(proc / "self/ns/pid", error).string();
  constexpr std::string_view kStart = "pid:[";
  if (error || !link.starts_with(kStart)) return 0;
  return number_in<std::uint64_t>(std::string_view(link).substr(kStart.size())).value_or(0);
}

}  // namespace

const char* name_of(Life life) {
  switch (life) {
    case Life::kAlive:
      return "alive";
    case Life::kGone:
      return "gone";
    case Life::kEarlierBoot:
      return "earlier boot";
    case Life::kUnknown:
      break;
  }
  return "unknown";
}

ProcessTable::ProcessTable(std::filesystem::path proc)
    : proc_(std::move(proc)), boot_(read_boot(proc_)), pid_namespace_(read_pid_namespace(proc_)) {}

std::optional<Process> ProcessTable::process_of(pid_t thread) const {
  if (thread <= 0 || boot_.empty() || pid_namespace_ == 0) return std::nullopt;
  const auto status = read_text(proc_ / std::to_string(thread) / "status").text;
  const auto id = number_in<std::int64_t>(value_of(status, "Tgid"));
  if (!id) return std::nullopt;
  const auto stat = parse_stat(read_text(proc_ / std::to_string(*id) / "stat").text);
  if (!stat) return std::nullopt;
  return Process{*id, stat->started, boot_, pid_namespace_};
}

Life ProcessTable::judge(const Process& process) const {
  if (boot_.empty() || process.boot.empty()) return Life::kUnknown;
  if (process.boot != boot_) return Life::kEarlierBoot;
  if (pid_namespace_ == 0 || process.pid_namespace != pid_namespace_) return Life::kUnknown;
  const auto [error, text] = read_text(proc_ / std::to_string(process.id) / "stat");
  if (error == ENOENT || error == ESRCH) return hides_others() ? Life::kUnknown : Life::kGone;
  const auto stat = parse_stat(text);
  if (error != 0 || !stat) return Life::kUnknown;
  return stat->started != process.started || is_dead(*stat) ? Life::kGone : Life::kAlive;
}

std::optional<std::int64_t> ProcessTable::booted_s() const {
  constexpr std::string_view kKey = "btime ";
  std::istringstream lines(read_text(proc_ / "stat").text);
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with(kKey))
      return number_in<std::int64_t>(std::string_view(line).substr(kKey.size()));
  return std::nullopt;
}

// With hidepid a process of somebody else looks as if it were not there. The first one always is.
bool ProcessTable::hides_others() const {
  return read_text(proc_ / "1" / "stat").error == ENOENT;
}

}  // namespace neffs::fs
