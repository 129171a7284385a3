#!/usr/bin/env bash
# What an administrator does with neffs on a machine that runs systemd. Run there, as root.
set -euo pipefail
cache=/var/tmp/neuron-compile-cache
repo=aws-neuron/optimum-neuron-cache
module=neuronxcc-2.21.33363.0+82129205/MODULE_18108742649528384371+e30acd3a
unit=neffs@train.service

fail() {
  echo "FAILED: $*"
  journalctl --no-pager --lines=30 --unit="$unit" --unit="neffs@wrong.service" || true
  exit 1
}
now() { journalctl --quiet --lines=0 --show-cursor | sed 's/^-- cursor: //'; }
comes() {  # TEXT SINCE: into the unit's journal, within half a minute
  timeout 30 grep -F -m 1 "$1" >/dev/null < <(journalctl --follow --unit="$unit" --after-cursor="$2")
}
pid() { systemctl show --property=MainPID --value "$unit"; }
is_mounted() { [ "$(findmnt --noheadings --output FSTYPE "$1")" = fuse.neffs ]; }
quota_is() { neffs status --json | grep -E "\"quota_bytes\": ?$1\b" >/dev/null; }
is_in_journal() {  # TEXT UNIT
  journalctl --sync
  journalctl --no-pager --unit="$2" | grep -F "$1" >/dev/null
}
read_as_nobody() { setpriv --reuid=65534 --regid=65534 --clear-groups cat "$cache/$1" >/dev/null; }

echo "== start, with a credential"
mkdir -p /etc/neffs
install -d -m 700 /etc/credstore
install -m 600 /dev/stdin /etc/credstore/neffs-train.token <<<hf_demo
printf 'NEFFS_SOURCE=%s\nHF_ENDPOINT=%s\n' "my-team/neuron-cache,$repo" "$HF_ENDPOINT" >/etc/neffs/train.env
echo "cache_size = 1G" >/etc/neffs.conf
systemctl enable --now "$unit" || fail "it does not start"
is_mounted "$cache" || fail "it is said to be ready, and is not mounted"
read_as_nobody "$module/model.neff" || fail "others cannot read it"
is_in_journal "push     my-team/neuron-cache" "$unit" || fail "the credential has no effect"
[ -n "$(journalctl --no-pager --quiet NEFFS_MOUNTPOINT="$cache")" ] || fail "the journal has no fields"
grep -q '^Seccomp:.*2$' "/proc/$(pid)/status" || fail "system calls are not filtered"
grep -q '^NoNewPrivs:.*1$' "/proc/$(pid)/status" || fail "it may gain privileges"

echo "== compile, and publish"
made=neuronxcc-2.21.33363.0+82129205/MODULE_4711471147114711471+e30acd3a
mkdir -p "$cache/$made"
head -c 100000 /dev/urandom >"$cache/$made/model.neff"
touch "$cache/$made/model.done"
neffs flush --timeout 60 || fail "it is not published"

echo "== reload"
before=$(pid)
quota_is 1073741824 || fail "neffs.conf has no effect"
echo "cache_size = 2G" >/etc/neffs.conf
since=$(now)
systemctl reload "$unit"
comes "changed: cache_size" "$since" || fail "it has not taken over what changed"
quota_is 2147483648 || fail "it has not read neffs.conf again"
[ "$(pid)" = "$before" ] || fail "a reload is no restart"

echo "== kill -9"
since=$(now)
kill -9 "$before"
comes "Started $unit" "$since" || fail "it does not come back"
[ "$(pid)" != "$before" ] || fail "it was not ended"
read_as_nobody "$module/model.done" || fail "it is back, and does not answer"

echo "== stop"
systemctl stop "$unit"
is_mounted "$cache" && fail "it is still mounted"
[ "$(systemctl show --property=Result --value "$unit")" = success ] || fail "it has not ended well"
[ -s "$cache/$module/model.neff" ] || fail "what was read has not stayed"

echo "== a mistake"
printf 'NEFFS_SOURCE=%s\nNEFFS_OPTIONS=pol=3\nHF_ENDPOINT=%s\n' "$repo" "$HF_ENDPOINT" >/etc/neffs/wrong.env
systemctl start neffs@wrong.service 2>/dev/null && fail "an unknown option is started"
[ "$(systemctl show --property=ActiveState --value neffs@wrong.service)" = failed ] || fail "a mistake is tried again"
is_in_journal "is poll meant" neffs@wrong.service || fail "nobody says what is wrong"

echo "== /etc/fstab"
mkdir -p /mnt/cache
echo "$repo /mnt/cache neffs _netdev,nofail,x-systemd.mount-timeout=60,push=none,cache_size=3G 0 0" >/etc/fstab
systemctl set-environment HF_ENDPOINT="$HF_ENDPOINT"
systemctl daemon-reload
systemctl start mnt-cache.mount || fail "systemd does not mount it"
is_mounted /mnt/cache || fail "it is not mounted"
[ -s "/mnt/cache/$module/model.neff" ] || fail "it does not answer"
systemctl stop mnt-cache.mount || fail "systemd does not unmount it"
is_mounted /mnt/cache && fail "it is still mounted"
systemctl start "$unit"  # for the machine's end
echo "all is well"
