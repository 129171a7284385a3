#include "hub/compare_answer.h"

#include <gtest/gtest.h>

#include <string>

namespace neffs::test {
namespace {

using hub::ChangedPath;
using hub::parse_compare;
using Changes = std::vector<ChangedPath>;

const std::string kIds = " 1111111... 2222222... ";

std::string line(const std::string& status, const std::string& paths) {
  return "T 2305\t:100644 100644" + kIds + status + "\t" + paths + "\n";
}

TEST(CompareAnswer, TellsWhatHasComeChangedAndGone) {
  EXPECT_EQ(parse_compare(line("M", "a/b.json") + line("A", "c d") + line("D", "gone")),
            (Changes{{"a/b.json", false}, {"c d", false}, {"gone", true}}));
  EXPECT_EQ(parse_compare(""), Changes());
}

TEST(CompareAnswer, RenamesAndCopiesHaveTwoNames) {
  EXPECT_EQ(parse_compare(line("R100", "old\tnew") + line("C75", "from\tto")),
            (Changes{{"old", true}, {"new", false}, {"from", false}, {"to", false}}));
}

// Half an answer would leave a module out.
TEST(CompareAnswer, WhatCannotBeReadIsNotUsedAtAll) {
  for (const std::string& text :
       {std::string("<html>Sign in</html>"), line("M", "a") + "T 1\t:100644",
        line("M", "\"a\\tb\""), line("R100", "one"), line("M", "one\ttwo"), line("", "a"),
        line("M", ""), std::string("T 1\tno colon M\tpath")})
    EXPECT_EQ(parse_compare(line("A", "good") + text), std::nullopt) << text;
}

}  // namespace
}  // namespace neffs::test
