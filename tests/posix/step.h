// What a case is made of: steps, which are values and run in the case's own directory.
#pragma once

#include <cerrno>
#include <functional>
#include <string>
#include <vector>

#include "tests/posix/place.h"

namespace neffs::test::posix {

// How a step went. A step that has found something wrong says so in `complaint`; what a call of the
// system was refused with is in `error`.
struct Outcome {
  int error = 0;
  std::string complaint;

  bool is_well() const { return error == 0 && complaint.empty(); }
};

// One call, or one look at what calls have done. Steps may run in a forked child, so they speak by
// their outcome alone.
struct Step {
  std::string text;  // for messages: "rename a b"; "" if its steps have texts of their own
  std::function<Outcome(Place&)> run;
};

using Steps = std::vector<Step>;

// A call of the system: `work` returns what the call does, -1 with errno set for a failure.
Step call(std::string text, std::function<long(Place&)> work);
// A look: `look` returns "" or what is wrong.
Step check(std::string text, std::function<std::string(Place&)> look);

// Runs them until one is not well: its outcome, with a complaint that names it.
Outcome run(const Steps& steps, Place& at);

// The same as one step.
Step all(Steps steps);
// Is well if the step is refused with this errno.
Step fails(int error, const Step& step);

// Somebody who uses the files.
struct User {
  unsigned uid = 0;
  unsigned gid = 0;
  std::vector<unsigned> groups{};  // supplementary
};

inline const User kRoot{};
inline const User kAlice{60001, 60001};
inline const User kBob{60002, 60002};

// Runs it in a process of its own that has become this user.
Step as(const User& user, const Step& step);
// The same as the same user.
Step in_another_process(const Step& step);
Step with_umask(unsigned mask, const Step& step);

// Which times a step changes.
enum Times : unsigned { kNoTime = 0, kMtime = 1, kCtime = 2, kBoth = kMtime | kCtime };
// Is well if the step is, and has changed exactly these times of `name` (a symlink's own).
Step touches(Times times, const std::string& name, const Step& step);

}  // namespace neffs::test::posix
