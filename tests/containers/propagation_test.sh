#!/usr/bin/env bash
# Mounts reach containers as packaging/containers/README.md says: propagation_test.sh NEFFS, with a demo Hub in
# HF_ENDPOINT. Docker's rslave, Kubernetes' HostToContainer and Bidirectional are mount namespaces like these.
set -euo pipefail
skip() { echo "skipped: $*"; exit 77; }
fail() { echo "FAILED: $*" >&2; exit 1; }
if [ "${1-}" != --inside ]; then
  [ -e /dev/fuse ] || skip "there is no /dev/fuse"
  unshare --mount --pid --fork true 2>/dev/null || skip "no namespace can be made"
  exec unshare --mount --pid --fork --kill-child --mount-proc --propagation private "$0" --inside "$@"
fi
neffs=$2
repo=aws-neuron/optimum-neuron-cache
module=neuronxcc-2.21.33363.0+82129205/MODULE_18108742649528384371+e30acd3a

work=$(mktemp -d)
mount -t tmpfs none "$work"
mkdir "$work/node" "$work/root"
# A node's /var/lib/neffs: on a shared mount, as systemd makes all of them.
mount --bind "$work/node" "$work/node"
mount --make-shared "$work/node"
cache=$work/node/cache
mkdir -m 1777 "$cache"
curl -sL -o "$work/expected" "$HF_ENDPOINT/$repo/resolve/main/$module/model.neff"

# A process that waits keeps the namespace; it ends with this test's.
declare -A pids
container() {  # name, propagation
  mkfifo "$work/up"
  # shellcheck disable=SC2016
  unshare --mount --propagation "$2" sh -c 'echo up >"$0" && exec tail -f /dev/null' "$work/up" &
  pids[$1]=$!
  read -r _ <"$work/up"
  rm "$work/up"
}
inside() { local name=$1; shift; nsenter --mount --target "${pids[$name]}" -- "$@"; }
reads() { inside "$1" cmp "$work/expected" "${2:-$cache}/$module/model.neff"; }
is_dead() { [[ $(LC_ALL=C inside "$1" stat -f "${2:-$cache}" 2>&1) == *"not connected"* ]]; }
kill_daemon() {
  kill -9 "$("$neffs" status "$cache" --json | sed -nE 's/.*"pid": ?([0-9]+).*/\1/p')"
  until is_dead early; do :; done  # its connection ends with its last thread
}

echo "== a mount of the node, rslave"
container early slave
"$neffs" mount "$repo" "$cache" >/dev/null
reads early || fail "one that was there before the mount does not see it"
container late slave
reads late || fail "one that came later does not see it"
# What a container must not do: bind the mount itself.
inside late mount --bind "$cache" "$work/root"
reads late "$work/root" || fail "the mount cannot be bound"

echo "== the daemon dies"
kill_daemon
"$neffs" mount "$repo" "$cache" >/dev/null
if ! reads early || ! reads late; then fail "the new mount is not seen"; fi
is_dead late "$work/root" || fail "a bound mount has come to life: the README says that it does not"

echo "== a container writes, the node unmounts"
inside early mkdir "$cache/neuronxcc-2.21.33363.0+82129205/MODULE_1234567890123456789+abcdef01"
[ -d "$cache/neuronxcc-2.21.33363.0+82129205/MODULE_1234567890123456789+abcdef01" ] || fail "what it made is not on the node"
"$neffs" umount "$cache"
inside early mountpoint -q "$cache" && fail "it is still mounted in there"
reads early || fail "what was read has not stayed"

echo "== a mount of a container, Bidirectional"
container pod unchanged
inside pod "$neffs" mount "$repo" "$cache" >/dev/null
mountpoint -q "$cache" || fail "the node does not see it"
reads early || fail "another container does not see it"
echo "== its container dies, and comes again"
kill_daemon
container again unchanged
inside again "$neffs" mount "$repo" "$cache" >/dev/null
reads early || fail "the new mount is not seen"
[ "$(grep -c " $cache fuse" /proc/self/mounts)" = 1 ] || fail "the dead mount is still there"
"$neffs" umount "$cache"
