#!/usr/bin/env bash
# Epilog of Slurm: what a job has compiled is published before its node is given to others, or back to the cloud.
# It waits NEFFS_FLUSH_SECONDS at most, 60 if that is not set; the rest goes on in the mount, which stays.
# An epilog that fails drains its node: this one never fails.
set -u
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin${PATH:+:$PATH}
say() { logger -s -t neffs-epilog -- "$*" 2>/dev/null || echo "neffs-epilog: $*" >&2; }

NEFFS_MOUNTPOINT=/var/tmp/neuron-compile-cache NEFFS_FLUSH_SECONDS=60
settings=${NEFFS_SETTINGS:-/etc/neffs/slurm.env}
# shellcheck source=/dev/null
if [ -r "$settings" ]; then . "$settings" || say "$settings cannot be read"; fi

mountpoint -q "$NEFFS_MOUNTPOINT" || exit 0
# A mount that publishes nothing is no error here.
said=$(neffs flush "$NEFFS_MOUNTPOINT" --timeout "$NEFFS_FLUSH_SECONDS" --quiet 2>&1) || say "$said"
# What killed processes have left would let the next job wait forever.
said=$(neffs doctor "$NEFFS_MOUNTPOINT" --clear-stale-locks 2>&1) || say "$said"
exit 0
