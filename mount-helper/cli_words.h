// What the words of a command line are bound to while CLI11 reads them, and the definitions of the commands,
// which are their help too.
#pragma once

#include <string>
#include <vector>

#include "mount-helper/cli.h"

namespace CLI {
class App;
}

namespace neffs::mount_helper {

// What `umount --flush` means without a time.
inline constexpr const char* kForever = "forever";

// For CLI11's check(): "" if the text is a number of seconds, else why it is none.
std::string check_seconds(const std::string& text);

struct Words {
  std::string first;   // SOURCE, or the mountpoint if it stands alone
  std::string second;  // MOUNTPOINT
  std::vector<std::string> option_lists;
  MountRequest mount;
  UmountRequest umount;
  StatusRequest status;
  std::string watch_seconds;  // of status; "" if it does not watch
  ExplainRequest explain;
  RestoreRequest restore;
  EvictRequest evict;
  std::string evict_to;
  VerifyRequest verify;
  WarmRequest warm;
  DoctorRequest doctor;
  FlushRequest flush;
  RetractRequest retract;
  CreateRequest create;
  SetRequest set;
  LookupRequest lookup;
  ListRequest list;
  SynchronizeRequest synchronize;
  AddRequest add;
  std::string shell;       // of completion
  bool is_man = false;     // of help
  std::string help_about;  // … a command
  RunRequest run;
  std::string flush_seconds;  // of umount; "" if it does not flush
};

// Both outlive the reading of the words.
void define_mount_commands(CLI::App& app, Words& words);
void define_repo_commands(CLI::App& app, Words& words);
// Those that print what they know of the others.
void define_documents(CLI::App& app, Words& words);

// Parts of several commands.
void define_option_lists(CLI::App& command, Words& words);
void define_quiet(CLI::App& command, bool& is_quiet);
void define_mount_point(CLI::App& command, std::string& mount_point, const char* name);

}  // namespace neffs::mount_helper
