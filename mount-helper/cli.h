// The command line: words in, one request out.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "mount-helper/commands/add.h"
#include "mount-helper/commands/create.h"
#include "mount-helper/commands/doctor.h"
#include "mount-helper/commands/evict.h"
#include "mount-helper/commands/explain.h"
#include "mount-helper/commands/flush.h"
#include "mount-helper/commands/list.h"
#include "mount-helper/commands/lookup.h"
#include "mount-helper/commands/mount.h"
#include "mount-helper/commands/restore.h"
#include "mount-helper/commands/retract.h"
#include "mount-helper/commands/run.h"
#include "mount-helper/commands/set.h"
#include "mount-helper/commands/status.h"
#include "mount-helper/commands/synchronize.h"
#include "mount-helper/commands/umount.h"
#include "mount-helper/commands/verify.h"
#include "mount-helper/commands/warm.h"

namespace neffs::mount_helper {

struct VersionRequest {};
// Text for stdout and nothing else to do: --help, and the fake mount of mount(8).
struct Printed {
  std::string text;
};

using Request =
    std::variant<MountRequest, UmountRequest, StatusRequest, ExplainRequest, RestoreRequest,
                 DoctorRequest, FlushRequest, RetractRequest, CreateRequest, SetRequest,
                 LookupRequest, ListRequest, SynchronizeRequest, AddRequest, RunRequest,
                 EvictRequest, VerifyRequest, WarmRequest, VersionRequest, Printed>;

// words: without the program's name. program: the name it was called by, with or without its
// directory; `mount.neffs` takes mount(8)'s arguments for a helper: SOURCE MOUNTPOINT [-sfnv] [-o …].
// Throws CommandError (wrong usage).
Request parse_command_line(const std::string& program, const std::vector<std::string>& words);

}  // namespace neffs::mount_helper
