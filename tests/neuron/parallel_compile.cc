#include "tests/neuron/parallel_compile.h"

#include <algorithm>

#include "tests/mount/files.h"
#include "tests/neuron/family.h"

namespace neffs::test {
namespace {

namespace stdfs = std::filesystem;

// How many a worker compiles before it scans again.
constexpr int kRescanAfter = 10;

std::vector<stdfs::path> children(const stdfs::path& directory, const std::string& prefix) {
  std::vector<stdfs::path> paths;
  for (const auto& entry : stdfs::directory_iterator(directory))
    if (entry.path().filename().string().starts_with(prefix) && entry.is_directory())
      paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  return paths;
}

bool has_lock(const stdfs::path& entry) {
  const auto names = names_in(entry);
  return std::any_of(names.begin(), names.end(),
                     [](const std::string& name) { return name.ends_with(".lock"); });
}

std::vector<std::string>& list_for(const stdfs::path& entry, Scan& scan) {
  const auto has = [&](const char* name) { return stat_error(entry / name) == 0; };
  if (has("model.neff") && has("model.done")) return scan.done;
  if (has("model.log") && !has("model.neff")) return scan.failed;
  return has_lock(entry) ? scan.locked : scan.todo;
}

int number_of(const std::string& module) {
  return std::stoi(module.substr(module.find("MODULE_") + 7));
}

std::string counts_of(const Scan& scan) {
  const auto total = scan.todo.size() + scan.locked.size() + scan.failed.size() + scan.done.size();
  return "remaining " + std::to_string(scan.todo.size()) + ", locked " +
         std::to_string(scan.locked.size()) + ", failed " + std::to_string(scan.failed.size()) +
         ", done " + std::to_string(scan.done.size()) + ", total " + std::to_string(total);
}

// try_lookup_for_compile: skips what is done or locked by now. Says what it has brought about.
void walk(const Job& job, int fails, const Say& say) {
  int compiled = 0;
  for (const std::string& module : scan(job.cache).todo) {
    Job own = job;
    own.module = module;
    own.patience = 1;
    if (fails > 0 && number_of(module) % fails == 0) own.ending = Ending::kFailure;
    const Outcome outcome = Compile(own, Transcript(true)).run();
    if (outcome.word == "hit" || outcome.word == "locked" || outcome.word == "failed before")
      continue;
    say(outcome.word + ' ' + module + ' ' + outcome.digest);
    if (++compiled % kRescanAfter == 0) scan(job.cache);
  }
  scan(job.cache);
}

}  // namespace

Scan scan(const stdfs::path& cache) {
  Scan result;
  for (const auto& version : children(cache, "neuronxcc-"))
    for (const auto& entry : children(version, "MODULE_"))
      list_for(entry, result).push_back(entry.lexically_relative(cache).string());
  return result;
}

void say(const Scan& scan, const Transcript& transcript) {
  for (const auto& [what, modules] : {std::pair("todo", scan.todo),
                                      {"locked", scan.locked},
                                      {"failed", scan.failed},
                                      {"done", scan.done}})
    for (const std::string& module : modules) transcript.say(std::string(what) + ' ' + module);
  transcript.say(counts_of(scan));
}

int collect(const Job& job, Words& words, const Transcript& transcript) {
  const int count = words.number("count", 3);
  const std::string folder = words.text("folder");
  words.expect_all_known();
  for (int number = 1; number <= count; ++number) {
    Job own = job;
    own.module = folder + "/MODULE_" + std::to_string(number) + "+e30acd3a";
    const Outcome outcome = Compile(own, transcript).collect();
    if (outcome.exit_code() != 0) return outcome.exit_code();
  }
  return 0;
}

int compile_all(const Job& job, Words& words, const Transcript& transcript) {
  const int workers = words.number("workers", 3);
  const int fails = words.number("fails", 0);
  words.expect_all_known();
  const auto counts =
      run_processes(workers, [&](int, Shared&, const Say& tell) { walk(job, fails, tell); });
  int failures = 0;
  for (const auto& [line, times] : counts) {
    transcript.say(std::to_string(times) + " x " + line);
    if (!line.starts_with("compiled ")) failures += times;
  }
  say(scan(job.cache), transcript);
  return failures;
}

}  // namespace neffs::test
