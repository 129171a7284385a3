// Sticky directories: a name goes only by the hand of its owner, of the directory's, or of root.
#include <sys/stat.h>

#include "tests/posix/kinds.h"
#include "tests/posix/looks.h"

namespace neffs::test::posix {
namespace {

struct Removal {
  const char* title;
  std::function<Step(const Kind&)> call;  // "d/x" goes
};

Step remove(const Kind& each) {
  return each.type == S_IFDIR ? rmdir("d/x") : unlink("d/x");
}

// Something of the same kind replaces it.
Step replace(const Kind& each) {
  return all({chdir("mine"), each.make("x"), rename("x", "../d/x")});
}

std::vector<Removal> removals() {
  return {{"remove", remove},
          {"move out", [](const Kind&) { return rename("d/x", "mine/x"); }},
          {"rename", [](const Kind&) { return rename("d/x", "d/y"); }}};
}

// Devices are made by root alone and behave as any other kind here.
std::vector<Kind> kinds_of_users() {
  auto kinds = all_kinds();
  std::erase_if(kinds,
                [](const Kind& each) { return each.type == S_IFCHR || each.type == S_IFBLK; });
  return kinds;
}

Steps scene(const Kind& each, const User& directory_owner, const User& name_owner) {
  return {mkdir("mine"),    owned_by(kAlice, "mine"),    directory("d"),
          each.make("d/x"), owned_by(name_owner, "d/x"), owned_by(directory_owner, "d"),
          chmod("d", 01777)};
}

Steps with(Steps steps, const Step& last) {
  steps.push_back(last);
  return steps;
}

Table who_may(const Removal& removal) {
  const std::string title = removal.title;
  Table table =
      for_each(kinds_of_users(), "who owns a $ may " + title + " it", [&](const Kind& each) {
        return with(scene(each, kBob, kAlice), as(kAlice, removal.call(each)));
      });
  table += for_each(kinds_of_users(), "who owns the directory may " + title + " a $",
                    [&](const Kind& each) {
                      // To move a directory of somebody else's its dot dot must be written.
                      auto steps = scene(each, kAlice, kBob);
                      if (each.type == S_IFDIR) steps.push_back(chmod("d/x", 0777));
                      return with(steps, as(kAlice, removal.call(each)));
                    });
  table += for_each(kinds_of_users(), "who owns neither may not " + title + " a $",
                    [&](const Kind& each) {
                      auto steps = scene(each, kBob, kBob);
                      if (each.type == S_IFDIR) steps.push_back(chmod("d/x", 0777));
                      steps.push_back(as(kAlice, fails(EPERM, removal.call(each))));
                      return with(steps, kind("d/x", each.type));
                    });
  table += for_each(kinds_of_users(), "root may " + title + " a $", [&](const Kind& each) {
    return with(scene(each, kBob, kBob), removal.call(each));
  });
  return table;
}

}  // namespace

Table sticky_cases() {
  Table table;
  for (const Removal& removal : removals()) table += who_may(removal);
  table += for_each(kinds_of_users(), "who owns a $ may replace it", [](const Kind& each) {
    return with(scene(each, kBob, kAlice), as(kAlice, replace(each)));
  });
  table += for_each(kinds_of_users(), "who owns neither may not replace a $", [](const Kind& each) {
    return with(scene(each, kBob, kBob), as(kAlice, fails(EPERM, replace(each))));
  });
  table += {
      {"anybody makes names in it",
       {directory("d", 01777), as(kAlice, all({creat("d/a"), mkdir("d/b"), symlink("x", "d/c")})),
        as(kBob, fails(EPERM, unlink("d/a"))), as(kAlice, unlink("d/a"))}},
      {"anybody writes what its mode allows",
       {directory("d", 01777), as(kAlice, with_umask(0, creat("d/a"))),
        as(kBob, open("d/a", O_WRONLY))}},
      {"the bit counts from when it is set",
       {directory("d", 0777), file("d/a"), file("d/b"), as(kAlice, unlink("d/a")),
        chmod("d", 01777), as(kAlice, fails(EPERM, unlink("d/b"))), chmod("d", 0777),
        as(kAlice, unlink("d/b"))}},
  };
  return table;
}

}  // namespace neffs::test::posix
