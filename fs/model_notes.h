// Which modules belong to a model: nothing in a repo tells it, so it is noted which are used while a program
// works on the model.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "fs/process_table.h"
#include "fs/use_listener.h"
#include "index/index.h"

namespace neffs::fs {

// What is used by anybody between begin() and end() is the model's; of several that run at once, each has all
// of it. In the index at once: a daemon that is killed has noted what was used. Safe for any thread; the
// mutex is a leaf, held for map operations only.
class ModelNotes final : public UseListener {
 public:
  // The index outlives this.
  ModelNotes(index::Index& index, ProcessTable processes);

  // Returns its number. One whose process is known to be gone ends by itself; nullopt: by end() alone.
  std::uint64_t begin(const std::string& model, const std::optional<Process>& process);
  // How many modules were used meanwhile; nullopt if there is none of this number (any more).
  std::optional<std::size_t> end(std::uint64_t number);

  bool listens() const override { return count_ > 0; }
  void used(const std::string& module) override;

 private:
  struct Run {
    std::string model;
    std::optional<Process> process;
    std::set<std::string> modules;
  };

  void note(std::uint64_t number, const Run& run, const std::string& module);

  index::Index& index_;
  const ProcessTable processes_;
  std::atomic<std::size_t> count_{0};
  std::mutex mutex_;  // a leaf; protects everything below
  std::uint64_t last_ = 0;
  std::map<std::uint64_t, Run> runs_;
};

}  // namespace neffs::fs
