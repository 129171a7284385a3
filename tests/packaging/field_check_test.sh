#!/usr/bin/env bash
# packaging/field-check.sh with stand-ins: the demo Hub for the Hub, a script for the compiler.
# field_check_test.sh FIELD_CHECK NEFFS, with a demo Hub in HF_ENDPOINT.
set -euo pipefail
check=$1
export NEFFS=$2 HF_TOKEN=hf_demo
skip() { echo "skipped: $*"; exit 77; }
[ "$(id -u)" -eq 0 ] && [ -e /dev/fuse ] || skip "only root can mount, with /dev/fuse"
command -v strace >/dev/null || skip "there is no strace"
work=$(mktemp -d /var/tmp/neffs-test-XXXXXX)
finish() {
  "$NEFFS" umount "$work/team" --lazy >/dev/null 2>&1 || true
  rm -rf --one-file-system "$work"
}
trap finish EXIT
fail() { echo "FAILED: $*" >&2; cat "$work/report" >&2; exit 1; }

# What libneuronxla does, in a few words.
cat >"$work/compile" <<'EOS'
module=$NEURON_COMPILE_CACHE_URL/neuronxcc-2.21.33363.0+82129205/MODULE_1234567890123456789+abcdef01
if [ -e "$module/model.done" ]; then
  echo "Using a cached neff at $module/model.neff"
  cat "$module/model.neff" >/dev/null
  exit 0
fi
mkdir -p "$module"
(set -C; : >"$module/model.hlo_module.pb.lock")
echo "secret weights" >"$module/model.neff"
: >"$module/model.done"
rm "$module/model.hlo_module.pb.lock"
echo "Compiled it"
EOS
# The Hub stores a NEFF as it does large files: something to download by a signed URL.
module=neuronxcc-2.21.33363.0+82129205/MODULE_9876543210987654321+abcdef01
mkdir "$work/team"
"$NEFFS" mount my-team/neuron-cache "$work/team" -o settle=0 >/dev/null
mkdir -p "$work/team/$module"
head -c 100000 /dev/zero >"$work/team/$module/model.neff"  # what begins with zeros is no text
: >"$work/team/$module/model.done"
"$NEFFS" flush "$work/team" --timeout 60 >/dev/null
"$NEFFS" umount "$work/team"
(cd "$work" && TMPDIR=$work "$check" --repo my-team/neuron-cache --compile "bash $work/compile" --report "$work/report")
grep -q 'neffs [0-9]' "$work/report" || fail "the version is not in it"
for what in 'a miss in a plain directory' 'a hit in a plain directory' 'a miss on the mount' 'a hit on the mount'; do
  grep -qx "== $what" "$work/report" || fail "no trace of $what"
done
[ "$(grep -c '^Using a cached neff at CACHE/' "$work/report")" -eq 2 ] || fail "the hits are not in it"
[ "$(grep -c '^Compiled it' "$work/report")" -eq 2 ] || fail "the misses are not in it"
grep -qE 'P[0-9]+ openat\(.*"CACHE/.*/model.hlo_module.pb.lock", .*O_EXCL' "$work/report" || fail "the lock is not in it"
grep -qE 'P[0-9]+ unlinkat\(.*"CACHE/.*/model.hlo_module.pb.lock"' "$work/report" || fail "its end is not in it"
for what in 'commit, a rename by oldPath' 'commit, to a branch that is not there -> 404' 'commit, a folder without its slash' \
  '256 files: 200' '1 MiB: 200 transfer' 'it lives ' "'content-range': 'bytes 100-199/100000'"; do
  grep -qF "$what" "$work/report" || fail "no answer to: $what"
done
grep -q "'x-repo-commit'" "$work/report" || fail "no commit was told"
grep -q 'commit, everything is deleted -> 200' "$work/report" || fail "the scratch repo is not cleaned up"
! grep -qE 'Traceback|unexpected:' "$work/report" || fail "a step failed"
# It is to be sent to others.
! grep -qE "Signature=[^<]|hf_demo|secret weights|$work" "$work/report" || fail "it tells too much"
! grep -qF " $work/" /proc/mounts || fail "a mount is left"

# What cannot be right is refused before anything is done.
for words in '' '--repo' '--frob x'; do
  status=0
  # shellcheck disable=SC2086
  "$check" $words 2>/dev/null || status=$?
  [ "$status" -eq 2 ] || fail "'$words' is $status"
done
status=0
"$check" --repo aws-neuron/optimum-neuron-cache --report "$work/report" >/dev/null || status=$?
[ "$status" -ne 0 ] && grep -q 'is not private' "$work/report" || fail "a public repo is written to"
