#include "tests/neuron/compile.h"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>
#include <vector>

#include "tests/eventually.h"
#include "tests/mount/files.h"

namespace neffs::test {
namespace {

namespace stdfs = std::filesystem;

// As os.makedirs(…, exist_ok=True) below the cache, each level with mode 0777.
void make_directories(const stdfs::path& cache, const stdfs::path& below,
                      const Transcript& transcript) {
  stdfs::path directory = cache;
  for (const auto& name : below) {
    directory /= name;
    const int error = error_of(::mkdir(directory.c_str(), 0777));
    transcript.note("mkdir " + name.string(), error);
    if (error != 0 && error != EEXIST)
      throw std::system_error(error, std::generic_category(), name.string());
  }
}

std::string input_of(const std::string& module) {
  return "HLO of " + module + std::string(20'000, '\x0a');
}

constexpr const char* kFlags = "[\"--target=trn1\"]";
constexpr const char* kFailureText =
    "Failed compilation with ['neuronx-cc', 'compile', '--target=trn1']: exitcode=70\n";

}  // namespace

Job job_of(const stdfs::path& cache, const stdfs::path& work, Words& words) {
  Job job{.cache = cache, .work = work, .module = words.text("module")};
  job.lock = words.one_of<LockKind>("lock", {{"exclusive", LockKind::kExclusive},
                                             {"check", LockKind::kCheckThenCreate},
                                             {"flock", LockKind::kFlock},
                                             {"lockf", LockKind::kLockf}});
  job.locks_first = words.one_of<bool>("enter", {{"after-look", false}, {"before-look", true}});
  job.writes_inputs_first =
      words.one_of<bool>("inputs", {{"after-lock", false}, {"before-lock", true}});
  job.put = put_way(words);
  job.take = take_way(words);
  job.ending = words.one_of<Ending>("ending", {{"success", Ending::kSuccess},
                                               {"failure", Ending::kFailure},
                                               {"killed-locked", Ending::kKilledLocked},
                                               {"killed-compiling", Ending::kKilledCompiling},
                                               {"killed-writing", Ending::kKilledWriting}});
  job.retry = words.one_of<Retry>(
      "retry",
      {{"no", Retry::kNo}, {"keep-log", Retry::kKeepLog}, {"delete-log", Retry::kDeleteLog}});
  job.wrapped = words.one_of<Wrapped>("wrapped", {{"no", Wrapped::kNo},
                                                  {"before-unlock", Wrapped::kBeforeUnlock},
                                                  {"after-unlock", Wrapped::kAfterUnlock}});
  job.patience = words.number("patience", 0);
  return job;
}

int Outcome::exit_code() const {
  if (word == "compiled" || word == "hit" || word == "collected") return 0;
  if (word == "failed" || word == "failed before") return 1;
  return word == "locked" ? 3 : 4;
}

Compile::Compile(Job job, const Transcript& transcript, Meeting meeting)
    : job_(std::move(job)),
      transcript_(transcript),
      meeting_(std::move(meeting)),
      entry_(job_.entry()) {}

// What the first generation tested; model.done came with the second.
std::string Compile::hit_mark() const {
  return is_old_generation(job_.lock) ? "model.neff" : "model.done";
}

bool Compile::exists(const std::string& name) const {
  const CacheLock held(job_.cache, job_.lock);
  return transcript_.note("stat " + name, stat_error(entry_ / name)) == 0;
}

void Compile::upload(const std::string& name, const std::string& text) const {
  const CacheLock held(job_.cache, job_.lock);
  write_file(entry_ / name, text);
  transcript_.say("written " + name);
}

Outcome Compile::guarded(const std::function<Outcome()>& work) const {
  try {
    return work();
  } catch (const std::system_error& error) {
    return {"error " + name_of_error(error.code().value()), ""};
  }
}

Outcome Compile::run() {
  return guarded([&]() -> Outcome {
    if (!job_.locks_first)
      if (auto known = look()) return *known;
    meeting_.missed();
    make_entry();
    if (job_.writes_inputs_first) write_inputs(entry_);
    EntryLock lock(job_.cache, entry_, job_.lock);
    const int error = wait_for(lock);
    if (transcript_.note("lock", error) == EEXIST) return {"locked", ""};
    if (error != 0) throw std::system_error(error, std::generic_category(), "lock");
    end_here_if(Ending::kKilledLocked);
    Outcome outcome = look_or_compile();
    transcript_.must("unlock", lock.give_back());
    if (outcome.word == "compiled") write_wrapped(Wrapped::kAfterUnlock);
    return outcome;
  });
}

Outcome Compile::run_beside() {
  return guarded([&]() -> Outcome {
    if (auto known = look()) return *known;
    meeting_.missed();
    make_directories(job_.cache, stdfs::path(job_.module).parent_path(), transcript_);
    const auto beside = entry_.parent_path() / unique_name();
    transcript_.must("mkdir beside it", error_of(::mkdir(beside.c_str(), 0777)));
    write_inputs(beside);
    meeting_.compiling();
    put(job_.put, run_compiler(), beside / "model.neff", transcript_);
    write_file(beside / "model.done", "");
    const int error = error_of(std::rename(beside.c_str(), entry_.c_str()));
    transcript_.note("rename to the module", error);
    if (error == 0) return take_neff("compiled");
    stdfs::remove_all(beside);
    if (error == EEXIST || error == ENOTEMPTY) return take_neff("hit");
    throw std::system_error(error, std::generic_category(), "rename");
  });
}

Outcome Compile::collect() {
  return guarded([&]() -> Outcome {
    if (auto known = look()) return *known;
    make_entry();
    EntryLock lock(job_.cache, entry_, job_.lock);
    if (!job_.writes_inputs_first) transcript_.must("lock", wait_for(lock));
    write_inputs(entry_);
    if (!job_.writes_inputs_first) transcript_.must("unlock", lock.give_back());
    return {"collected", ""};
  });
}

std::optional<Outcome> Compile::look() {
  if (exists(hit_mark())) return take_neff("hit");
  const bool has_failed = exists("model.log");
  if (has_failed && job_.retry == Retry::kNo) return Outcome{"failed before", ""};
  return std::nullopt;
}

Outcome Compile::look_or_compile() {
  if (auto known = look()) return *known;
  return compile();
}

Outcome Compile::compile() {
  if (job_.retry == Retry::kDeleteLog)
    transcript_.note("unlink model.log", error_of(::unlink((entry_ / "model.log").c_str())));
  if (!job_.writes_inputs_first) write_inputs(entry_);
  end_here_if(Ending::kKilledCompiling);
  meeting_.compiling();
  const auto made = run_compiler();
  if (job_.ending == Ending::kFailure) {
    upload("model.log", kFailureText);
    return {"failed", ""};
  }
  write_outputs(made);
  return take_neff("compiled");
}

Outcome Compile::take_neff(const std::string& word) {
  exists("wrapped_neff.hlo");
  const CacheLock held(job_.cache, job_.lock);
  return {word, test::take(job_.take, entry_ / "model.neff", job_.work, transcript_)};
}

void Compile::make_entry() {
  const CacheLock held(job_.cache, job_.lock);
  make_directories(job_.cache, job_.module, transcript_);
}

void Compile::write_inputs(const stdfs::path& directory) {
  const CacheLock held(job_.cache, job_.lock);
  write_file(directory / "model.hlo_module.pb", input_of(job_.module));
  write_file(directory / "compile_flags.json", kFlags);
  transcript_.say("written inputs");
}

stdfs::path Compile::run_compiler() {
  const auto directory = job_.work / unique_name();
  stdfs::create_directory(directory);
  auto made = directory / "model.neff";
  write_file(made, neff_of(job_.module));
  return made;
}

void Compile::write_outputs(const stdfs::path& made) {
  {
    const CacheLock held(job_.cache, job_.lock);
    if (job_.ending == Ending::kKilledWriting) put_half(made, entry_ / "model.neff");
    end_here_if(Ending::kKilledWriting);
    put(job_.put, made, entry_ / "model.neff", transcript_);
  }
  if (!is_old_generation(job_.lock)) upload("model.done", "");
  write_wrapped(Wrapped::kBeforeUnlock);
}

void Compile::write_wrapped(Wrapped now) {
  if (job_.wrapped == now) upload("wrapped_neff.hlo", neff_of(job_.module + " wrapped"));
}

// Like libneuronxla, which looks again and again, but not for ever.
int Compile::wait_for(EntryLock& lock) {
  int error = lock.take();
  for (int tries = 1; error == EEXIST && tries != job_.patience; ++tries) {
    if (job_.patience == 0 && !eventually([&] { return !lock.is_taken_by_anybody(); })) break;
    error = lock.take();
  }
  return error;
}

void Compile::end_here_if(Ending ending) const {
  if (job_.ending == ending) ::raise(SIGKILL);
}

}  // namespace neffs::test
