#!/usr/bin/env bash
# Prolog of Slurm: the cache is mounted when a job starts. What is mounted is in /etc/neffs.conf, or in
# /etc/neffs/slurm.env, which has the variables of neffs@.service.
# A prolog that fails drains its node. A job without the cache only compiles longer: this one never fails.
set -u
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin${PATH:+:$PATH}
say() { logger -s -t neffs-prolog -- "$*" 2>/dev/null || echo "neffs-prolog: $*" >&2; }

NEFFS_MOUNTPOINT=/var/tmp/neuron-compile-cache NEFFS_OPTIONS='' NEFFS_SOURCE=''
settings=${NEFFS_SETTINGS:-/etc/neffs/slurm.env}
if [ -r "$settings" ]; then
  set -a
  # shellcheck source=/dev/null
  . "$settings" || say "$settings cannot be read"
  set +a
fi

# One job at a time; the daemon does not inherit the lock.
exec 9>"${NEFFS_LOCK:-/run/neffs-slurm.lock}" && flock -w 60 9
# Of a mount whose daemon is dead, the kernel may still know the attributes, but not how full it is.
if [ "$(findmnt -n -o FSTYPE --mountpoint "$NEFFS_MOUNTPOINT" | tail -n 1)" = fuse.neffs ] &&
  timeout 5 stat -f "$NEFFS_MOUNTPOINT" >/dev/null 2>&1; then
  exit 0
fi
# A service is not part of slurmd, and outlives its restart.
if [ -d /run/systemd/system ] && systemctl cat neffs@slurm.service >/dev/null 2>&1; then
  said=$(systemctl restart neffs@slurm.service 2>&1 9>&-) || say "$said"
else
  words=()
  [ -n "$NEFFS_SOURCE" ] && words+=("$NEFFS_SOURCE")
  said=$(timeout 60 neffs mount "${words[@]}" "$NEFFS_MOUNTPOINT" -o "$NEFFS_OPTIONS" 2>&1 9>&-) || say "$said"
fi
exit 0
