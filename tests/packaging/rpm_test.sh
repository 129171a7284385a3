#!/usr/bin/env bash
# What the .rpm holds and needs: rpm_test.sh PACKAGES
set -euo pipefail
rpm=$(echo "$1"/*.rpm)
[ -f "$rpm" ] || { echo "skipped: there is no .rpm"; exit 77; }
fail() { echo "FAILED: $*" >&2; exit 1; }
query() { rpm --dbpath "$database" -qp "$@" "$rpm"; }
database=$(mktemp -d)
trap 'rm -rf "$database"' EXIT

files=$(query -l)
for file in /usr/bin/neffs /usr/sbin/mount.neffs /usr/sbin/mount.fuse.neffs /usr/libexec/neffs/prunefs /usr/lib/systemd/system/neffs@.service /usr/share/man/man1/neffs.1 \
  /usr/share/man/man5/neffs.conf.5 /usr/share/man/man8/mount.neffs.8 /usr/share/doc/neffs/LICENSE /usr/share/doc/neffs/changelog \
  /usr/share/bash-completion/completions/neffs /usr/share/zsh/site-functions/_neffs \
  /usr/share/fish/vendor_completions.d/neffs.fish; do
  grep -qxF "$file" <<<"$files" || fail "$file is missing"
done
# Folders that every system has are not ours to own.
for folder in /usr/bin /usr/sbin /usr/libexec /usr/share/man /usr/share/doc /usr/lib/systemd/system; do
  ! grep -qxF "$folder" <<<"$files" || fail "it owns $folder"
done
needs=$(query --requires)
for need in fuse3 ca-certificates; do grep -qx "$need" <<<"$needs" || fail "it does not require $need"; done
for library in libfuse3 libcurl libsqlite3 libcrypto libc; do
  grep -q "^$library\.so\." <<<"$needs" || fail "it does not require $library"
done
scripts=$(query --scripts)
grep -q 'prunefs add' <<<"$scripts" && grep -q 'prunefs remove' <<<"$scripts" || fail "updatedb is not told"
[ "$(query --queryformat '%{LICENSE}')" = Apache-2.0 ] || fail "the licence is not said"
