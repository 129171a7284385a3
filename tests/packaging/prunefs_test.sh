#!/usr/bin/env bash
# What `prunefs add` and `prunefs remove` make of configurations of updatedb: prunefs_test.sh PRUNEFS
set -euo pipefail
prunefs=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export NEFFS_UPDATEDB_CONF=$work/updatedb.conf NEFFS_PRUNEFS_MARK=$work/lib/prunefs
failed=0
expect() {  # what the file is now
  local now
  now=$(cat "$NEFFS_UPDATEDB_CONF" && echo .)
  if [ "$now" != "$1." ]; then
    printf 'FAILED: expected\n%s\ngot\n%s\n' "$1" "$now"
    failed=1
  fi
}
# Lines before, lines while it is installed.
row() {
  printf '%s' "$1" >"$NEFFS_UPDATEDB_CONF"
  "$prunefs" add
  expect "$2"
  "$prunefs" add
  expect "$2"
  "$prunefs" remove
  expect "$1"
  "$prunefs" remove
  expect "$1"
  [ ! -e "$work/lib" ] || { echo "FAILED: its mark is left"; failed=1; }
}
n=$'\n'
row "PRUNEFS=\"NFS nfs fuse.sshfs\"$n" "PRUNEFS=\"NFS nfs fuse.sshfs fuse.neffs\"$n"
row "A=\"b\"$n  PRUNEFS = \"NFS\" $n# end" "A=\"b\"$n  PRUNEFS = \"NFS fuse.neffs\" $n# end"
row "PRUNEFS=\"\"$n" "PRUNEFS=\" fuse.neffs\"$n"
# A longer name is another filesystem.
row "PRUNEFS=\"fuse.neffsx\"$n" "PRUNEFS=\"fuse.neffsx fuse.neffs\"$n"
# What the administrator has put there stays; what is no such line is left alone.
row "PRUNEFS=\"NFS fuse.neffs tmpfs\"$n" "PRUNEFS=\"NFS fuse.neffs tmpfs\"$n"
row "PRUNEFS=\"fuse.neffs\"$n" "PRUNEFS=\"fuse.neffs\"$n"
row "# PRUNEFS=\"NFS\"$n" "# PRUNEFS=\"NFS\"$n"
row "" ""

# The administrator has taken it out meanwhile, or the file is gone: no reason to fail.
printf 'PRUNEFS="NFS"\n' >"$NEFFS_UPDATEDB_CONF"
"$prunefs" add
printf 'PRUNEFS="NFS"\n' >"$NEFFS_UPDATEDB_CONF"
"$prunefs" remove
expect "PRUNEFS=\"NFS\"$n"
"$prunefs" add
rm "$NEFFS_UPDATEDB_CONF"
"$prunefs" remove
"$prunefs" add
[ ! -e "$work/lib" ] || failed=1
exit "$failed"
