#!/usr/bin/env bash
# The prolog and the epilog of Slurm, run as slurmd runs them: slurm_test.sh NEFFS SCRIPTS, with a demo Hub in
# HF_ENDPOINT.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
skip() { echo "skipped: $*"; exit 77; }
fail() { echo "FAILED: $*" >&2; exit 1; }
if [ "${1-}" != --inside ]; then
  [ -e /dev/fuse ] || skip "there is no /dev/fuse"
  unshare --mount --pid --fork true 2>/dev/null || skip "no namespace can be made"
  script=$(mktemp)
  trap 'rm -f "$script"' EXIT
  printf "exec %q --inside %q\n" "$here/slurm_test.sh" "$2" >"$script"
  unshare --mount --pid --fork --kill-child --mount-proc --propagation private "$here/../documents/run_document.sh" "$1" "$script"
  exit
fi
scripts=$2
cache=/var/tmp/neuron-compile-cache
folder=$cache/neuronxcc-2.21.33363.0+82129205
settings=$HOME/slurm.env
said=$HOME/said

# It has a clean environment; what it writes goes to the log of slurmd.
slurmd() { env -i PATH="$PATH" SLURM_JOB_ID=1 NEFFS_SETTINGS="$settings" NEFFS_LOCK="$HOME/lock" "$scripts/$1.sh" >>"$said" 2>&1; }
compile() {
  mkdir "$folder/$1"
  for name in model.hlo_module.pb model.neff model.done; do head -c 3000 /dev/urandom >"$folder/$1/$name"; done
}
is_in_repo() { [ "$(curl -s -o /dev/null -w '%{http_code}' -H 'Authorization: Bearer hf_demo' \
  "$HF_ENDPOINT/my-team/neuron-cache/resolve/main/neuronxcc-2.21.33363.0%2B82129205/${1/+/%2B}/model.done")" != 404 ]; }

(umask 077; echo hf_demo >"$HOME/token")
printf '%s\n' "HF_ENDPOINT=$HF_ENDPOINT" NEFFS_SOURCE=my-team/neuron-cache,aws-neuron/optimum-neuron-cache \
  "NEFFS_OPTIONS=token_file=$HOME/token,settle=1" >"$settings"

echo "== two jobs start at once"
slurmd prolog &
slurmd prolog || fail "a prolog failed"
wait $! || fail "the other prolog failed"
[ "$(grep -c " $cache fuse.neffs" /proc/self/mounts)" = 1 ] || fail "it is not mounted once: $(cat "$said")"
[ -s "$folder/MODULE_18108742649528384371+e30acd3a/model.neff" ] || fail "there is no hit"

echo "== a job compiles and ends"
compile MODULE_1234567890123456789+abcdef01
is_in_repo MODULE_1234567890123456789+abcdef01 && fail "it is there before it was published"
sh -c "mkdir '$folder/MODULE_2234567890123456789+abcdef01' && : >'$folder/MODULE_2234567890123456789+abcdef01/model.hlo_module.pb.lock'"
slurmd epilog || fail "an epilog failed"
is_in_repo MODULE_1234567890123456789+abcdef01 || fail "what was compiled is not in the repo: $(cat "$said")"
[ ! -e "$folder/MODULE_2234567890123456789+abcdef01/model.hlo_module.pb.lock" ] || fail "the lock of a dead process is left"
mountpoint -q "$cache" || fail "the mount has not stayed"

echo "== the daemon died"
kill -9 "$(neffs status "$cache" --json | sed -nE 's/.*"pid": ?([0-9]+).*/\1/p')"
while stat -f "$cache" >/dev/null 2>&1; do :; done  # its connection ends with its last thread
slurmd prolog || fail "a prolog failed"
[ -s "$folder/MODULE_1234567890123456789+abcdef01/model.neff" ] || fail "it is not mounted anew: $(cat "$said")"
neffs umount "$cache"

echo "== it cannot be mounted: the node is not drained, and the log says why"
: >"$said"
sed -i 's/^NEFFS_SOURCE=.*/NEFFS_SOURCE=nobody\/nothing/' "$settings"
slurmd prolog || fail "a prolog failed"
mountpoint -q "$cache" && fail "it is mounted"
grep -q 'nobody/nothing' "$said" || fail "nothing was said: $(cat "$said")"
slurmd epilog || fail "an epilog failed"
