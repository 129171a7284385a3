// utimensat. What the other calls do to times stands with those calls.
#include <fcntl.h>
#include <sys/stat.h>

#include "tests/posix/kinds.h"
#include "tests/posix/looks.h"

namespace neffs::test::posix {
namespace {

constexpr long kAfter2038 = 5'000'000'000;

Table of_each_kind() {
  Table table = for_each(all_kinds(), "a $ gets any time", [](const Kind& each) -> Steps {
    return {each.make("a"), utimens("a", 1000, 2000, AT_SYMLINK_NOFOLLOW), times("a", 1000, 2000),
            utimens("a", 4000, 3000, AT_SYMLINK_NOFOLLOW), times("a", 4000, 3000)};
  });
  table += for_each(
      all_kinds(), "setting the times of a $ changes its ctime", [](const Kind& each) -> Steps {
        return {each.make("a"),
                touches(kNoTime, ".",
                        touches(kCtime, "a", utimens("a", 1000, kOmit, AT_SYMLINK_NOFOLLOW)))};
      });
  return table;
}

Table values() {
  return {
      {"one time is set and the other left",
       {file("a"), utimens("a", 1000, 2000), utimens("a", kOmit, 3000), times("a", 1000, 3000),
        utimens("a", 4000, kOmit), times("a", 4000, 3000)}},
      {"both times left is no change, not even of ctime",
       {file("a"), touches(kNoTime, "a", utimens("a", kOmit, kOmit))}},
      {"now is now",
       {file("a"), utimens("a", 1000, 2000), touches(kBoth, "a", utimens("a", 1000, kNow)),
        recent("a")}},
      {"fractions of a second are kept",
       {file("a"), utimens_ns("a", 123'456'789), mtime_ns("a", 123'456'789)}},
      {"times after 2038 are kept",
       {file("a"), utimens("a", kAfter2038, kAfter2038 + 1),
        times("a", kAfter2038, kAfter2038 + 1)}},
      {"times before 1970 are kept",
       {file("a"), utimens("a", -1000, -2000), times("a", -1000, -2000)}},
      {"an open file gets times",
       {file("a"), hold("h", "a", O_RDONLY), futimens("h", 1000, 2000), times("a", 1000, 2000)}},
      {"a symlink's own times and those of its target differ",
       {file("a"), symlink("a", "s"), utimens("a", 1000, 2000),
        utimens("s", 3000, 4000, AT_SYMLINK_NOFOLLOW), times("a", 1000, 2000),
        times("s", 3000, 4000), utimens("s", 5000, 6000), times("a", 5000, 6000)}},
      {"set times outlive the closing of a writer",
       {file("a"), hold("h", "a", O_WRONLY), write("h", "text"), futimens("h", 1000, 2000),
        close("h"), times("a", 1000, 2000), content("a", "text")}},
      {"a write after it counts",
       {file("a"), utimens("a", 1000, 2000), hold("h", "a", O_WRONLY),
        touches(kBoth, "a", write("h", "text")), recent("a")}},
      {"set times are seen by the other name",
       {file("a"), link("a", "b"), utimens("b", 1000, 2000), times("a", 1000, 2000)}},
  };
}

Table rights() {
  return {
      {"the owner sets any time, also of what may not be written",
       {file("a", "", 0444), owned_by(kAlice, "a"), as(kAlice, utimens("a", 1000, 2000)),
        times("a", 1000, 2000)}},
      {"who may write sets the time to now",
       {file("a", "", 0666), utimens("a", 1000, 2000), as(kAlice, utimens("a", kNow, kNow)),
        recent("a")}},
      {"who may write does not set another time",
       {file("a", "", 0666), touches(kNoTime, "a", as(kAlice, fails(EPERM, utimens("a", 1, 2)))),
        as(kAlice, fails(EPERM, utimens("a", kNow, kOmit)))}},
      {"who may not write sets nothing",
       {file("a", "", 0644), as(kAlice, fails(EACCES, utimens("a", kNow, kNow))),
        as(kAlice, fails(EPERM, utimens("a", 1, 2))), as(kAlice, utimens("a", kOmit, kOmit))}},
      {"root sets everybody's",
       {file("a"), owned_by(kAlice, "a"), utimens("a", 1000, 2000), times("a", 1000, 2000)}},
  };
}

}  // namespace

Table time_cases() {
  Table table = of_each_kind();
  table += values();
  table += rights();
  return table;
}

}  // namespace neffs::test::posix
