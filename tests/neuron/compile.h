// What libneuronxla does to the cache for one graph: a hit, or a miss and the compile after it.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "tests/neuron/locks.h"
#include "tests/neuron/neff_ways.h"
#include "tests/neuron/transcript.h"
#include "tests/neuron/words.h"

namespace neffs::test {

// How the compiler, or the process that runs it, ends.
enum class Ending {
  kSuccess,
  kFailure,          // model.log in the place of a NEFF
  kKilledLocked,     // as soon as it has the lock
  kKilledCompiling,  // after it has written its inputs
  kKilledWriting,    // in the middle of the NEFF
};

enum class Retry { kNo, kKeepLog, kDeleteLog };

enum class Wrapped { kNo, kBeforeUnlock, kAfterUnlock };  // always after model.done

struct Job {
  std::filesystem::path cache;
  std::filesystem::path work;  // the compiler's own place, not in the cache
  std::string module;          // from the cache's root
  LockKind lock = LockKind::kExclusive;
  bool locks_first = false;  // enters the entry, lock and all, before it looks whether it is a hit
  bool writes_inputs_first = false;
  PutWay put = PutWay::kInPlace;
  TakeWay take = TakeWay::kRead;
  Ending ending = Ending::kSuccess;
  Retry retry = Retry::kNo;  // of a failed entry
  Wrapped wrapped = Wrapped::kNo;
  int patience = 0;  // how often the lock is tried; 0: until it is free

  std::filesystem::path entry() const { return cache / module; }
};

Job job_of(const std::filesystem::path& cache, const std::filesystem::path& work, Words& words);

struct Outcome {
  std::string word;    // "compiled", "hit", "failed", "failed before", "locked", "error E…"
  std::string digest;  // of the NEFF that was read
  int exit_code() const;
};

// What many workers agree on, so that all of them miss and one compiles meanwhile.
struct Meeting {
  std::function<void()> missed = [] {};
  std::function<void()> compiling = [] {};
};

// One look-up of one graph by one process or thread.
class Compile {
 public:
  Compile(Job job, const Transcript& transcript, Meeting meeting = {});
  Outcome run();
  // The same by a directory that is made elsewhere in the compiler's folder and renamed into place.
  Outcome run_beside();
  // What `neuron_parallel_compile collect` does: the inputs, and nothing is compiled.
  Outcome collect();

 private:
  std::optional<Outcome> look();
  Outcome look_or_compile();
  Outcome compile();
  Outcome take_neff(const std::string& word);
  void make_entry();
  void write_inputs(const std::filesystem::path& directory);
  std::filesystem::path run_compiler();
  void write_outputs(const std::filesystem::path& made);
  void write_wrapped(Wrapped now);
  int wait_for(EntryLock& lock);
  void end_here_if(Ending ending) const;
  bool exists(const std::string& name) const;
  void upload(const std::string& name, const std::string& text) const;
  Outcome guarded(const std::function<Outcome()>& work) const;
  std::string hit_mark() const;

  const Job job_;
  const Transcript& transcript_;
  const Meeting meeting_;
  const std::filesystem::path entry_;
};

}  // namespace neffs::test
