#include "fs/model_notes.h"

#include <exception>
#include <utility>
#include <vector>

#include <spdlog/spdlog.h>

#include "fs/publishable.h"

namespace neffs::fs {

ModelNotes::ModelNotes(index::Index& index, ProcessTable processes)
    : index_(index), processes_(std::move(processes)) {}

std::uint64_t ModelNotes::begin(const std::string& model, const std::optional<Process>& process) {
  const std::lock_guard lock(mutex_);
  runs_.emplace(++last_, Run{model, process, {}});
  count_ = runs_.size();
  return last_;
}

std::optional<std::size_t> ModelNotes::end(std::uint64_t number) {
  const std::lock_guard lock(mutex_);
  const auto run = runs_.find(number);
  if (run == runs_.end()) return std::nullopt;
  const auto modules = run->second.modules.size();
  runs_.erase(run);
  count_ = runs_.size();
  return modules;
}

void ModelNotes::used(const std::string& module) {
  // What was moved out of the way ("MODULE_….bad") is no module that anybody fetches.
  if (piece_of(module) == Piece::kNone) return;
  std::vector<std::pair<std::uint64_t, Run>> told;
  {
    const std::lock_guard lock(mutex_);
    for (auto& [number, run] : runs_)
      if (run.modules.insert(module).second) told.push_back({number, {run.model, run.process, {}}});
  }
  for (const auto& [number, run] : told) note(number, run, module);
}

void ModelNotes::note(std::uint64_t number, const Run& run, const std::string& module) {
  try {
    const auto life = run.process ? processes_.judge(*run.process) : Life::kUnknown;
    if (life == Life::kGone || life == Life::kEarlierBoot)
      end(number);
    else
      index_.add_module_of_model(run.model, module);
  } catch (const std::exception& error) {
    spdlog::warn("that {} has used {} is not noted: {}", run.model, module, error.what());
  }
}

}  // namespace neffs::fs
