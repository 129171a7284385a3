#!/bin/sh
# Keeps updatedb from walking the mounts, where each name would be a question to the Hub.
#   prunefs add      puts fuse.neffs into PRUNEFS of /etc/updatedb.conf, once
#   prunefs remove   takes it out again, if `add` has put it there
# The packages run it when they are installed and removed.
set -eu
config=${NEFFS_UPDATEDB_CONF:-/etc/updatedb.conf}
mark=${NEFFS_PRUNEFS_MARK:-/var/lib/neffs/prunefs}
begin='^[[:space:]]*PRUNEFS[[:space:]]*=[[:space:]]*"'
line="$begin[^\"]*"

edit() { sed -i --follow-symlinks -E "$1" "$config"; }

case "${1-}" in
  add)
    [ -f "$config" ] || exit 0
    if grep -qE "$begin([^\"]*[[:space:]])?fuse\.neffs([[:space:]][^\"]*)?\"" "$config"; then exit 0; fi
    grep -qE "$line\"" "$config" || exit 0
    mkdir -p "$(dirname "$mark")"
    : >"$mark"
    edit "s/($line)\"/\1 fuse.neffs\"/"
    ;;
  remove)
    if [ -e "$mark" ] && [ -f "$config" ]; then edit "s/($line) fuse\.neffs/\1/"; fi
    rm -f "$mark"
    rmdir "$(dirname "$mark")" 2>/dev/null || true
    ;;
  *)
    echo "prunefs: add or remove?" >&2
    exit 2
    ;;
esac
