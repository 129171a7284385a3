// Which process a thread belongs to, and whether a process of some time ago still lives.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace neffs::fs {

// A process told so well that it is found again after a restart of neffs or of the host.
struct Process {
  std::int64_t id = 0;        // of the whole process, as the namespace below counts
  std::uint64_t started = 0;  // in the kernel's clock ticks since the boot
  std::string boot;           // the kernel's random id of the boot
  std::uint64_t pid_namespace = 0;

  friend bool operator==(const Process&, const Process&) = default;
};

enum class Life {
  kAlive,
  kGone,
  kEarlierBoot,  // gone, with everything else of its boot
  kUnknown,      // counts as alive
};

// "alive", "gone", "earlier boot", "unknown".
const char* name_of(Life life);

// Reads /proc; nothing is kept but the boot and our own pid namespace. Safe for any thread; throws
// nothing but std::bad_alloc.
class ProcessTable {
 public:
  // proc: where it is mounted; tests make one up
  explicit ProcessTable(std::filesystem::path proc = "/proc");

  // thread: as the kernel reports it, 0 for one that cannot be seen from here. nullopt if it cannot
  // be told whose it is.
  std::optional<Process> process_of(pid_t thread) const;
  // Gone is only what is known to be: a process of another pid namespace than ours, or one that
  // /proc hides from us, is unknown. One that is dead and waits to be reaped is gone.
  Life judge(const Process& process) const;
  // When the machine was started, Unix time; nullopt if unknown.
  std::optional<std::int64_t> booted_s() const;

 private:
  bool hides_others() const;

  const std::filesystem::path proc_;
  const std::string boot_;             // "" if unknown
  const std::uint64_t pid_namespace_;  // 0 if unknown, or if proc_ counts as another one
};

}  // namespace neffs::fs
