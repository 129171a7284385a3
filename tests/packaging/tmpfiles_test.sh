#!/usr/bin/env bash
# systemd-tmpfiles leaves the cache alone when it cleans /var/tmp: tmpfiles_test.sh CONF
set -euo pipefail
skip() { echo "skipped: $*"; exit 77; }
fail() { echo "FAILED: $*" >&2; exit 1; }
if [ "$1" != --inside ]; then
  command -v systemd-tmpfiles >/dev/null || skip "there is no systemd-tmpfiles"
  unshare --mount true 2>/dev/null || skip "no namespace can be made"
  exec unshare --mount --propagation private "$0" --inside "$1"
fi
conf=$2
work=$(mktemp -d)
mount -t tmpfs none "$work"
mkdir "$work/var"
cp "$conf" "$work/neffs.conf"
# As systemd's own line, but by the time of change alone, which can be set.
echo 'q /var/tmp 1777 root root m:30d' >"$work/tmp.conf"
mount --bind "$work/var" /var/tmp
fill() {
  mkdir -p /var/tmp/neuron-compile-cache/.cache/huggingface/neffs /var/tmp/other
  touch -d '60 days ago' /var/tmp/neuron-compile-cache/model.neff /var/tmp/other/file \
    /var/tmp/neuron-compile-cache/.cache/huggingface/neffs/index.sqlite
}
fill
systemd-tmpfiles --clean "$work/tmp.conf" "$work/neffs.conf"
[ ! -e /var/tmp/other/file ] || fail "nothing is cleaned: this shows nothing"
[ -e /var/tmp/neuron-compile-cache/model.neff ] || fail "the cache was cleaned"
[ -e /var/tmp/neuron-compile-cache/.cache/huggingface/neffs/index.sqlite ] || fail "the index was cleaned"
fill
systemd-tmpfiles --clean "$work/tmp.conf"
[ ! -e /var/tmp/neuron-compile-cache/model.neff ] || fail "it is kept without the line, too: that can go"
