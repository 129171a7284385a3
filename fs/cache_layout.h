// The rules of the AWS Neuron compile cache, and nothing else: which names are modules, which of
// them are finished, what a hit reads. Pure functions of names and sizes; another cache's layout
// would be another file like this one.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace neffs::fs {

// Where a path (relative to the cache, no leading slash, "" is the root) stands in the cache.
enum class Place {
  kRoot,
  kTopLevel,      // directly below the root, not a compiler folder
  kVersion,       // neuronxcc-<version>+<hash>
  kModule,        // neuronxcc-*/MODULE_*
  kInsideModule,  // below a module
  kElsewhere,     // below the root, and in no module: registry, configurations, …
};

struct Location {
  Place place = Place::kElsewhere;
  std::string_view version;  // kVersion, kModule, kInsideModule: the compiler folder's name
  std::string_view module;   // kModule, kInsideModule: path of the module, from the root
  std::string_view inside;   // kInsideModule: the rest, relative to the module
};

// The views point into `path`.
Location locate(std::string_view path);

// What comes and goes as one: the module that the path is in, else the path itself.
std::string unit_of(const std::string& path);

// True for names that are never shown from a repo: empty, ".", "..", with '/', NUL or control bytes,
// over 255 bytes, and ".cache" or our control name at the root.
bool is_hostile_name(std::string_view name, bool at_root);

// True for the two names at the root that belong to neffs itself.
bool is_reserved_root_name(std::string_view name);
inline constexpr std::string_view kControlName = ".neffs-control";
inline constexpr std::string_view kPrivateName = ".cache";

// True for lock files, which are a host's own business: `*.lock` anywhere, `lock` at the root.
bool is_lock(std::string_view path);

// True for files inside a module which a local write makes visible without hiding a finished remote
// module: locks, inputs and the log of a failure. Everything else is an output.
bool is_input(std::string_view inside);

// One file of a module; `path` is relative to the module.
struct ModuleFile {
  std::string_view path;
  std::uint64_t size = 0;
};

enum class ModuleState {
  kFinished,
  kFailed,      // model.log without a NEFF, or a NEFF that is the text of an error
  kUnfinished,  // inputs or a lock only, or no completion mark
  kProbeNeff,   // finished unless the NEFF begins with plain text: look with is_failure_text()
};

struct Verdict {
  ModuleState state = ModuleState::kUnfinished;
  const char* why = "";  // for people: "no model.done", …
};

// Judges what a repo holds of a module, all of its files given.
//   version, name: the compiler folder's and the module's own name
Verdict judge_module(std::string_view version, std::string_view name,
                     std::span<const ModuleFile> files);

// Compilers up to 2.14 wrote a failure into model.neff itself, as text.
inline constexpr std::size_t kProbeBytes = 512;
bool is_failure_text(std::string_view first_bytes);

// What the layer itself has of a module, for those who use it there.
enum class LocalState {
  kComplete,    // a hit, also while somebody holds a lock in it
  kFailed,      // compiling it is refused until the failure is removed
  kLocked,      // somebody compiles it, or died over it
  kUnfinished,  // inputs at most, or no completion mark
};

// neff_start: reads the first kProbeBytes of model.neff; called where only they tell
LocalState judge_local(std::string_view version, std::string_view name,
                       std::span<const ModuleFile> files,
                       const std::function<std::string()>& neff_start);

// What has to be in the layer, and in which order, for the layer to be a valid cache at any moment.
struct PlacePlan {
  std::vector<std::string> hit_files;  // what the first open of a file fetches with it, mark last
  bool whole = false;                  // no mark: the files get their names only all together
};
PlacePlan plan_module(std::string_view name, std::span<const ModuleFile> files);

// Files whose presence makes a directory look finished get their names last: in this order.
int place_rank(std::string_view path);

inline constexpr std::string_view kDoneMark = "model.done";
inline constexpr std::string_view kNeff = "model.neff";
inline constexpr std::string_view kFailureLog = "model.log";

}  // namespace neffs::fs
