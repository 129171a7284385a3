#!/usr/bin/env bash
# Runs SCRIPT, the blocks of a document, on a machine that looks like a fresh one: run_document.sh NEFFS SCRIPT.
# It has namespaces of its own for mounts and processes, which end with it. What the documents write is nobody else's.
set -euo pipefail
neffs=$1 script=$2

work=$(mktemp -d)
mount -t tmpfs none "$work"
cp -a /etc "$work/etc"
mount --bind "$work/etc" /etc
rm -rf /etc/neffs /etc/neffs.conf
mkdir "$work/bin" "$work/home" "$work/var" "$work/lib"
cp "$script" "$work/script"
ln -s "$neffs" "$work/bin/neffs"
# Root needs none.
printf '#!/bin/sh\nexec "$@"\n' >"$work/bin/sudo"
chmod +x "$work/bin/sudo"
mount --bind "$work/var" /var/tmp
chmod 1777 /var/tmp
mount --bind "$work/lib" /var/lib
cd "$work/home"
# The test Hub's variables, and none of who runs the tests.
env -i PATH="$work/bin:/usr/sbin:/usr/bin:/sbin:/bin" HOME="$work/home" HF_ENDPOINT="${HF_ENDPOINT-}" NEFFS_DOCUMENTS=1 \
  bash "$work/script" && status=0 || status=$?
cd /
exit "$status"
