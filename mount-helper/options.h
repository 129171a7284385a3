// The options of `mount`: one table, one parser, one plain struct.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fs/evictor.h"
#include "fs/keep_options.h"

namespace neffs::mount_helper {

enum class ListMode { kAuto, kLocal, kAll };
enum class PassthroughMode { kAuto, kOn, kOff };
enum class PushMode { kAuto, kNone, kRepo };
enum class LogLevel { kError, kWarn, kInfo, kDebug };

// What was asked for, with the defaults of the contract in the place of what was not.
struct MountOptions {
  bool is_read_only = false;
  bool is_offline = false;
  PushMode push = PushMode::kAuto;
  std::string push_repo;  // kRepo only
  std::string layer;      // "" is the mountpoint's own directory
  ListMode list = ListMode::kAuto;
  PassthroughMode passthrough = PassthroughMode::kAuto;
  std::chrono::milliseconds poll{60'000};
  std::chrono::milliseconds miss_check{15'000};
  std::chrono::milliseconds hub_timeout{2'000};
  std::chrono::milliseconds fetch_timeout{60'000};
  fs::KeepOptions keep;  // adopt, stale_locks, failures, settle
  std::chrono::milliseconds commit_interval{40'000};
  fs::EvictOptions evict;  // cache_size, min_free
  mode_t dmask = 0;
  mode_t fmask = 0;
  std::optional<gid_t> gid;
  std::string token_file;            // "" is where the Hub's own clients look
  bool allow_other = false;          // asked for; root gets it in any case
  bool default_permissions = false;  // likewise
  LogLevel log = LogLevel::kInfo;
  std::string metrics;  // a file; "" writes none

  // The text of each option of the table that was given, by name.
  std::map<std::string, std::string> said;
  // Options of every mount (nosuid, noatime, …) for the kernel, in the order given.
  std::vector<std::string> kernel_options;
};

// One option of the contract.
struct OptionSpec {
  std::string_view name;
  std::string_view value;  // how a value is written, "" for a switch
  std::string_view default_text;
  std::string_view help;
  // Puts the value into the options. Throws std::invalid_argument.
  void (*apply)(MountOptions& options, const std::string& value);
  // Of an option that may change while it is mounted; else null.
  void (*take_over)(MountOptions& options, const MountOptions& from) = nullptr;
};

// Every option, in the order of the manual.
std::span<const OptionSpec> option_table();

// One as neffs.conf has it.
struct OptionLine {
  std::string name;
  std::string value;  // of a switch: yes or no, in the usual words; "" is yes
  std::string place;  // "FILE:LINE"
};

// lists: the arguments of all -o, each "name,name=value,…"; a comma or backslash inside a value has a
// backslash before it. The last one of a name wins, and all of them over `lines`, of which the last
// one of a name counts, too. Throws CommandError (wrong usage).
MountOptions parse_options(const std::vector<std::string>& lists,
                           const std::vector<OptionLine>& lines = {});

// What became of the options that `now` has otherwise.
struct OptionChanges {
  std::vector<std::string> taken_over;  // names, in the order of the table
  std::vector<std::string> left;        // likewise: a mount keeps them for its life
};
OptionChanges take_over(MountOptions& options, const MountOptions& now);

// The table as help text.
std::string options_help();

}  // namespace neffs::mount_helper
