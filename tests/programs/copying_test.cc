// cp, rsync and tar keep what they promise to keep, on the way in and on the way out.
#include <string>

#include "tests/programs/programs_test.h"

namespace neffs::test {
namespace {

class CopyingTest : public ProgramsTest {
 protected:
  void SetUp() override {
    ProgramsTest::SetUp();
    for (const char* program : {"rsync", "setfacl", "setfattr"}) NEFFS_NEEDS(program);
  }
  void with_tree(const std::string& script) { shell(kTreeFunctions + "make_tree made\n" + script); }
};
NEFFS_BOTH_WAYS(CopyingTest);

TEST_P(CopyingTest, CpIntoTheMountAndOut) {
  with_tree(R"sh(
    cp -a made "$MOUNT/in"
    same_trees made "$MOUNT/in"
    cp -a "$MOUNT/in" "$MOUNT/within"
    same_trees made "$MOUNT/within"
    cp -a "$MOUNT/within" out
    same_trees made out)sh");
}

TEST_P(CopyingTest, CpKeepsHoles) {
  with_tree(R"sh(
    cp -a made "$MOUNT/in"
    cp -a "$MOUNT/in" out
    for sparse in "$MOUNT/in/sparse" out/sparse; do
      test "$(stat -c %s "$sparse")" = 9437184; test "$(du -k "$sparse" | cut -f 1)" -lt 100
    done)sh");
}

TEST_P(CopyingTest, ATreeMadeOnTheMountIsTheSameTree) {
  with_tree(R"sh(
    make_tree "$MOUNT/here"
    diff -r --no-dereference made "$MOUNT/here"
    describe() {
      cd "$1"
      find . -type d -printf '%P %m %n %U:%G\n' -o -printf '%P %y %m %n %U:%G %l %s %b\n' | sort
      getfattr -d -m - -R . | sort
    }
    diff <(describe made) <(describe "$MOUNT/here"))sh");
}

TEST_P(CopyingTest, RsyncIntoTheMountAndOut) {
  with_tree(R"sh(
    rsync -aHAX made/ "$MOUNT/in/"
    same_trees made "$MOUNT/in"
    echo more >>made/plain/deep/bytes
    rm made/empty/../unreadable
    mv made/plain made/moved
    rsync -aHAX --delete made/ "$MOUNT/in/"
    same_trees made "$MOUNT/in"
    rsync -aHAX --inplace --checksum made/ "$MOUNT/in/"
    same_trees made "$MOUNT/in"
    rsync -aHAXS "$MOUNT/in/" out/
    same_trees made out)sh");
}

TEST_P(CopyingTest, TarCreatesAndExtracts) {
  NEFFS_NEEDS("tar");
  with_tree(R"sh(
    cp -a made "$MOUNT/in"
    tar -C "$MOUNT/in" -cf "$MOUNT/all.tar" .
    mkdir out
    tar -C out -xpf "$MOUNT/all.tar"
    diff -r --no-dereference made out
    mkdir "$MOUNT/out"
    tar -C "$MOUNT/out" -xpf "$MOUNT/all.tar"
    diff -r --no-dereference made "$MOUNT/out"
    tar -C "$MOUNT/out" -df "$MOUNT/all.tar")sh");
}

TEST_P(CopyingTest, TarKeepsXattrsAndAcls) {
  NEFFS_NEEDS("tar");
  with_tree(R"sh(
    cp -a made "$MOUNT/in"
    tar --xattrs --acls -C "$MOUNT/in" -cf "$MOUNT/all.tar" .
    mkdir out
    tar --xattrs --acls -C out -xpf "$MOUNT/all.tar"
    same_trees made out
    mkdir "$MOUNT/out"
    tar --xattrs --acls -C "$MOUNT/out" -xpf "$MOUNT/all.tar"
    same_trees made "$MOUNT/out")sh");
}

// Not what a compile cache is for, but a directory holds them.
TEST_P(CopyingTest, SpecialFilesAreKept) {
  shell(R"sh(
    mkdir made
    mkfifo made/fifo
    mknod made/null c 1 3
    /usr/bin/python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("made/socket")'
    cp -a made "$MOUNT/in"
    test -p "$MOUNT/in/fifo"
    test -c "$MOUNT/in/null"
    rsync -aHAX made/ "$MOUNT/synced/"
    test -S "$MOUNT/synced/socket"
    echo through >"$MOUNT/in/fifo" & test "$(cat "$MOUNT/in/fifo")" = through
    rm -r "$MOUNT/in" "$MOUNT/synced")sh");
}

}  // namespace
}  // namespace neffs::test
