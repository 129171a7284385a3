#include "tests/programs/programs_test.h"

namespace neffs::test {

const std::string kTreeFunctions = R"sh(
make_tree() {
  mkdir -p "$1/plain/deep/er" "$1/empty" "$1/linked"
  seq 20000 >"$1/plain/text"
  seq 400000 >"$1/plain/deep/bytes"
  : >"$1/plain/nothing"
  ln "$1/plain/text" "$1/linked/hard"
  ln "$1/plain/text" "$1/plain/deep/er/harder"
  ln -s ../plain/text "$1/linked/relative"
  ln -s /nowhere/at/all "$1/linked/dangling"
  truncate -s 9M "$1/sparse"
  printf middle | dd of="$1/sparse" bs=1 seek=5000000 conv=notrunc status=none
  touch "$1/a name with
a line feed" "$1/$(printf '\377\376')" "$1/-n" "$1/ "
  chmod 4751 "$1/plain/deep/bytes"
  mkdir -m 2775 "$1/setgid"
  mkdir -m 1777 "$1/sticky"
  mkdir -m 0500 "$1/closed"
  : >"$1/unreadable"
  chmod 0 "$1/unreadable"
  chown 1234:4321 "$1/plain/nothing" "$1/sticky"
  chown -h 77:88 "$1/linked/dangling"
  setfattr -n user.colour -v blue "$1/plain/text"; setfattr -n user.d -v "$(seq 100)" "$1/empty"
  setfacl -m u:65534:r,g:100:rw "$1/plain/text"
  setfacl -d -m u:65534:rwx "$1/plain/deep"
  touch -d '2001-02-03 04:05:06.789012345' "$1/plain/text"
  touch -h -d '1990-01-01 00:00:00.5' "$1/linked/dangling"
  touch -d '2030-01-01' "$1/empty" "$1/plain"
}
same_trees() {
  local changes
  changes=$(rsync -aHAXn --itemize-changes --checksum --delete "$1/" "$2/")
  if [ -n "$changes" ]; then printf '%s and %s differ:\n%s\n' "$1" "$2" "$changes" >&2; return 1; fi
  diff -r --no-dereference "$1" "$2"
}
)sh";

bool has_program(const std::string& name) {
  for (const char* directory : {"/usr/local/bin/", "/usr/local/sbin/", "/usr/bin/", "/usr/sbin/"})
    if (std::filesystem::exists(directory + name)) return true;
  return false;
}

void ProgramsTest::SetUp() {
  MountTestBothWays::SetUp();
  if (IsSkipped()) return;
  std::filesystem::create_directory(scratch_ / "beside");
  mount_ = mount({way()});
}

void ProgramsTest::TearDown() {
  mount_.reset();
  MountTestBothWays::TearDown();
}

std::string ProgramsTest::shell(const std::string& script, std::chrono::milliseconds limit) {
  const std::string beside = (scratch_ / "beside").string();
  const Child::Start start{
      {"bash", "-euo", "pipefail", "-c", script},
      variables({{"MOUNT", mount_->root().string()}, {"BESIDE", beside}, {"LC_ALL", "C.UTF-8"}}),
      beside};
  const Ended ended = run(start, limit);
  EXPECT_EQ(ended.exit_code, 0) << ended.out << ended.err;
  return ended.out;
}

}  // namespace neffs::test
