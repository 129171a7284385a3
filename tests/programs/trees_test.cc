// find, ls, du, mv and rm: programs that walk trees and do not copy them.
#include <string>

#include "tests/programs/programs_test.h"

namespace neffs::test {
namespace {

class TreesTest : public ProgramsTest {
 protected:
  void SetUp() override {
    ProgramsTest::SetUp();
    for (const char* program : {"rsync", "setfacl", "setfattr"}) NEFFS_NEEDS(program);
  }
  void with_trees(const std::string& script) {
    shell(kTreeFunctions + "make_tree made; cp -a made plain; cp -a made \"$MOUNT/tree\"\n" +
          script);
  }
};
NEFFS_BOTH_WAYS(TreesTest);

TEST_P(TreesTest, AreListedAsOnThePlainDirectory) {
  with_trees(R"sh(
    list() { (cd "$1"; find . -printf '%P %y %m %n %U %G %s %b %l %T@\n' | sort); }
    diff <(list plain) <(list "$MOUNT/tree")
    diff <(cd plain; ls -lR --full-time) <(cd "$MOUNT/tree"; ls -lR --full-time)
    diff <(cd plain; du -a | sort) <(cd "$MOUNT/tree"; du -a | sort)
    diff <(cd plain; find . -size +1000k -o -empty -o -perm -4000 -o -links +1 | sort) \
      <(cd "$MOUNT/tree"; find . -size +1000k -o -empty -o -perm -4000 -o -links +1 | sort))sh");
}

TEST_P(TreesTest, AreMovedInsideAndAcrossTheBorder) {
  with_trees(R"sh(
    mkdir "$MOUNT/into"
    mv "$MOUNT/tree" "$MOUNT/into/moved"
    same_trees plain "$MOUNT/into/moved"
    test ! -e "$MOUNT/tree"
    stat -c %i "$MOUNT/into/moved" >/dev/null
    mv "$MOUNT/into/moved" out; same_trees plain out; test -z "$(ls -A "$MOUNT/into")"
    mv out "$MOUNT/back"
    same_trees plain "$MOUNT/back"
    test ! -e out)sh");
}

TEST_P(TreesTest, AreRemovedWhileSomebodyListsThem) {
  with_trees(R"sh(
    mkdir "$MOUNT/many"; (cd "$MOUNT/many"; seq 1000 | xargs touch)
    (while [ -e "$MOUNT/many" ]; do ls -l "$MOUNT/many" >/dev/null 2>&1 || true; done) &
    rm -rf "$MOUNT/many" "$MOUNT/tree"
    wait
    test ! -e "$MOUNT/many"
    test ! -e "$MOUNT/tree")sh");
}

}  // namespace
}  // namespace neffs::test
