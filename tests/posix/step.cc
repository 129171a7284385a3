#include "tests/posix/step.h"

#include <fcntl.h>
#include <grp.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <system_error>
#include <utility>

#include "tests/eventually.h"
#include "tests/mount/files.h"

namespace neffs::test::posix {
namespace {

std::string text_of(int error) {
  return error == 0 ? "success" : std::generic_category().message(error);
}

std::string after(const std::string& first, const std::string& text) {
  return text.empty() ? first : first + " " + text;
}

bool become(const User& user) {
  const std::vector<gid_t> groups(user.groups.begin(), user.groups.end());
  return ::setgroups(groups.size(), groups.data()) == 0 &&
         ::setresgid(user.gid, user.gid, user.gid) == 0 &&
         ::setresuid(user.uid, user.uid, user.uid) == 0;
}

// What the child has to say, as bytes: the errno, and then its complaint.
void tell(int pipe, const Outcome& outcome) {
  std::string message(sizeof(int), '\0');
  std::memcpy(message.data(), &outcome.error, sizeof(int));
  message += outcome.complaint;
  if (::write(pipe, message.data(), message.size()) < 0) ::_exit(2);
}

Outcome told(int pipe) {
  const std::string message = read_all_of(pipe).text;
  if (message.size() < sizeof(int)) return {0, "the process has died"};
  Outcome outcome{0, message.substr(sizeof(int))};
  std::memcpy(&outcome.error, message.data(), sizeof(int));
  return outcome;
}

[[noreturn]] void be_child(const User* user, const Step& step, Place& at, int pipe) {
  try {
    const bool is_ready = user == nullptr || become(*user);
    tell(pipe, is_ready ? step.run(at) : Outcome{0, "cannot become another user"});
  } catch (const std::exception& error) {
    tell(pipe, {0, error.what()});
  }
  ::_exit(0);
}

// user: null to stay who one is.
Outcome run_in_child(const User* user, const Step& step, Place& at) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return {errno, "pipe"};
  const fs::UniqueFd from(ends[0]);
  fs::UniqueFd to(ends[1]);
  const pid_t pid = ::fork();
  if (pid < 0) return {errno, "fork"};
  if (pid == 0) be_child(user, step, at, to.get());
  to.reset();
  Outcome outcome = told(from.get());
  int status = 0;
  ::waitpid(pid, &status, 0);
  return outcome;
}

bool is_later(const timespec& one, const timespec& other) {
  return std::pair(one.tv_sec, one.tv_nsec) > std::pair(other.tv_sec, other.tv_nsec);
}

// Filesystems may stamp by a clock that goes in ticks.
void wait_for_the_next_tick() {
  timespec start{};
  ::clock_gettime(CLOCK_REALTIME_COARSE, &start);
  eventually([&] {
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
    return is_later(now, start);
  });
}

unsigned changed_times(const struct stat& before, const struct stat& after) {
  return (is_later(after.st_mtim, before.st_mtim) ? kMtime : 0U) |
         (is_later(after.st_ctim, before.st_ctim) ? kCtime : 0U);
}

std::string names_of(unsigned times) {
  if (times == kNoTime) return "nothing";
  return std::string((times & kMtime) != 0 ? "mtime " : "") +
         ((times & kCtime) != 0 ? "ctime" : "");
}

}  // namespace

Step call(std::string text, std::function<long(Place&)> work) {
  return {std::move(text), [work = std::move(work)](Place& at) {
            errno = 0;
            return work(at) < 0 ? Outcome{errno, ""} : Outcome{};
          }};
}

Step check(std::string text, std::function<std::string(Place&)> look) {
  return {std::move(text), [look = std::move(look)](Place& at) { return Outcome{0, look(at)}; }};
}

Outcome run(const Steps& steps, Place& at) {
  for (const Step& step : steps) {
    Outcome outcome = step.run(at);
    if (outcome.is_well()) continue;
    if (outcome.complaint.empty()) outcome.complaint = text_of(outcome.error);
    if (!step.text.empty()) outcome.complaint.insert(0, step.text + ": ");
    return outcome;
  }
  return {};
}

Step all(Steps steps) {
  return {"", [steps = std::move(steps)](Place& at) { return run(steps, at); }};
}

Step fails(int error, const Step& step) {
  return {step.text, [error, step](Place& at) {
            const Outcome outcome = step.run(at);
            if (outcome.error == error) return Outcome{};
            if (!outcome.complaint.empty()) return Outcome{0, outcome.complaint};
            return Outcome{0, text_of(outcome.error) + " instead of " + text_of(error)};
          }};
}

Step as(const User& user, const Step& step) {
  return {after("as " + std::to_string(user.uid), step.text),
          [user, step](Place& at) { return run_in_child(&user, step, at); }};
}

Step in_another_process(const Step& step) {
  return {after("in another process", step.text),
          [step](Place& at) { return run_in_child(nullptr, step, at); }};
}

Step with_umask(unsigned mask, const Step& step) {
  return {step.text, [mask, step](Place& at) {
            const mode_t before = ::umask(mask);
            Outcome outcome = step.run(at);
            ::umask(before);
            return outcome;
          }};
}

Step touches(Times times, const std::string& name, const Step& step) {
  return {step.text, [times, name, step](Place& at) {
            struct stat before {};
            struct stat after {};
            if (::lstat(at.path(name).c_str(), &before) != 0) return Outcome{0, "no " + name};
            wait_for_the_next_tick();
            Outcome outcome = step.run(at);
            if (!outcome.is_well()) return outcome;
            if (::lstat(at.path(name).c_str(), &after) != 0) return Outcome{0, "no " + name};
            if (changed_times(before, after) == times) return Outcome{};
            return Outcome{0, "of " + name + " it changed " +
                                  names_of(changed_times(before, after)) + " instead of " +
                                  names_of(times)};
          }};
}

}  // namespace neffs::test::posix
