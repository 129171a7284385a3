// git: many small files, lock files, renames into place, packs that are mapped.
#include <string>

#include "tests/programs/programs_test.h"

namespace neffs::test {
namespace {

const std::string kIdentity = R"sh(
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null
export GIT_AUTHOR_NAME=A GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=A GIT_COMMITTER_EMAIL=a@b
make_origin() {
  git init -q -b main made
  for i in $(seq 80); do
    mkdir -p made/d$((i % 10))
    head -c $((i * 200)) /dev/urandom | base64 >made/d$((i % 10))/f$i
  done
  git -C made add .
  git -C made commit -q -m one
  git clone -q --bare made origin.git
}
)sh";

class GitTest : public ProgramsTest {};
NEFFS_BOTH_WAYS(GitTest);

TEST_P(GitTest, ClonesCommitsPacksAndFindsNothingWrong) {
  NEFFS_NEEDS("git");
  shell(kIdentity + R"sh(
    make_origin
    git clone -q origin.git "$MOUNT/clone"
    cd "$MOUNT/clone"
    git fsck --full --strict
    git mv d1 renamed
    rm -r d2
    echo new >new
    ln -s new link
    git add -A .
    git commit -q -m two
    git branch side HEAD~
    git checkout -q side
    echo side >side
    git add side
    git commit -q -m three
    git merge -q -m four main
    git gc -q --aggressive --prune=now
    git repack -q -a -d
    git fsck --full --strict
    test -z "$(git status --porcelain)"
    git push -q origin side
    cd "$BESIDE"
    git clone -q -b side origin.git again
    diff -r --exclude=.git --no-dereference "$MOUNT/clone" again
    rm -r "$MOUNT/clone"
    test ! -e "$MOUNT/clone")sh");
}

TEST_P(GitTest, ABareRepositoryIsServedFromTheMount) {
  NEFFS_NEEDS("git");
  shell(kIdentity + R"sh(
    make_origin
    git clone -q --mirror origin.git "$MOUNT/bare.git"
    add_branch() {
      git clone -q "$MOUNT/bare.git" "$1"
      cd "$1"
      echo "$1" >"mine-$1"
      git add .
      git commit -q -m "$1"
      git push -q origin "HEAD:refs/heads/branch-$1"
    }
    jobs=()
    for k in 1 2 3; do
      add_branch $k &
      jobs+=($!)
    done
    for job in "${jobs[@]}"; do wait "$job"; done
    git -C "$MOUNT/bare.git" fsck --full
    test "$(git -C "$MOUNT/bare.git" branch --list 'branch-*' | wc -l)" = 3)sh");
}

}  // namespace
}  // namespace neffs::test
