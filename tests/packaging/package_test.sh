#!/usr/bin/env bash
# Installs the package in a clean root, mounts with mount(8), reads, unmounts, removes, and looks for what is
# left: package_test.sh deb|rpm PACKAGES ROOT_ARCHIVE, with a demo Hub in HF_ENDPOINT.
# All of it happens in namespaces of its own, which take mounts and processes with them when it ends.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
skip() { echo "skipped: $*"; exit 77; }
if [ "${1-}" != --inside ]; then
  compgen -G "$2/*.$1" >/dev/null || skip "there is no .$1"
  [ "$1" = deb ] || command -v rpm >/dev/null || skip "there is no rpm"
  [ -f "$3" ] || skip "there is no clean root"
  [ -e /dev/fuse ] || skip "there is no /dev/fuse"
  unshare --mount --pid --fork true 2>/dev/null || skip "no namespace can be made"
  work=$(mktemp -d "/var/tmp/neffs-$1-XXXXXX")
  trap 'rm -rf --one-file-system "$work"' EXIT
  unshare --mount --pid --fork --kill-child --propagation private "$here/package_test.sh" --inside "$1" "$2" "$3" "$work"
  exit
fi
kind=$2 packages=$3 archive=$4 work=$5
root=$work/root
cache=/var/tmp/neuron-compile-cache
module=neuronxcc-2.21.33363.0+82129205/MODULE_18108742649528384371+e30acd3a
repo=aws-neuron/optimum-neuron-cache

fail() { echo "FAILED: $*" >&2; exit 1; }
in_root() { chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root HF_ENDPOINT="$HF_ENDPOINT" "$@"; }
# An .rpm finds its libraries here, but no package of their names.
from_outside() { rpm --root "$root" --dbpath /var/lib/rpm --force-debian --nodeps "$@"; }
install_it() {
  case $kind in
    deb) in_root dpkg --install /tmp/neffs.deb ;;
    rpm) from_outside --upgrade --replacepkgs "$packages"/*.rpm ;;
  esac
}
remove_it() {
  case $kind in
    deb) in_root dpkg --purge neffs ;;
    rpm) from_outside --erase neffs ;;
  esac
}
# Everything but what the installers write down for themselves.
files() {
  (cd "$root" && find . -xdev \( -path ./proc -o -path ./dev -o -path ./var/lib/dpkg -o -path ./var/lib/rpm -o -path ./var/log -o \
    -path ./var/cache -o -path ./tmp -o -path ./run \) -prune -o -printf '%p %y %m %U:%G %l\n' | sort)
}

. "$here/clean_root.sh"
unpack_root "$archive" "$root"
cp "$here/updatedb.conf" "$root/etc/updatedb.conf"
cp "$packages"/*.deb "$root/tmp/neffs.deb"

echo "== install"
files >"$work/before"
install_it
in_root neffs version
in_root test -x /sbin/mount.neffs -a -x /sbin/mount.fuse.neffs || fail "mount(8) does not find its helper"
in_root grep -qx 'PRUNEFS = "NFS afs fuse.sshfs fuse.neffs"' /etc/updatedb.conf || fail "updatedb would walk the mounts"
for file in man/man1/neffs.1 man/man5/neffs.conf.5 man/man8/mount.neffs.8 doc/neffs/LICENSE doc/neffs/changelog \
  doc/neffs/docs/guide.md \
  bash-completion/completions/neffs zsh/site-functions/_neffs fish/vendor_completions.d/neffs.fish; do
  [ -s "$root/usr/share/$file" ] || fail "$file is missing"
done
while read -r document; do
  while read -r link; do
    [ -e "$(dirname "$document")/${link%%#*}" ] || fail "$document refers to $link, which is not installed"
  done < <(grep -oE '\]\([^)#:]+(#[^)]*)?\)' "$document" | sed -E 's/^\]\(|\)$//g')
done < <(find "$root/usr/share/doc/neffs" -name '*.md')
[ -s "$root/usr/lib/tmpfiles.d/neffs.conf" ] || fail "the cache would be cleaned by age"
[ -s "$root/usr/lib/systemd/system/neffs@.service" ] || fail "the unit is missing"
in_root bash -c '. /usr/share/bash-completion/completions/neffs && complete -p neffs' >/dev/null
if command -v man >/dev/null; then
  for page in "$root"/usr/share/man/man[158]/*neffs*; do
    warnings=$(MANROFFSEQ='' MANWIDTH=100 man --warnings -E UTF-8 -l "$page" 2>&1 >/dev/null)
    [ -z "$warnings" ] || fail "$page: $warnings"
  done
fi
headers=$(readelf -Wdhl "$root/usr/bin/neffs")
for word in 'DYN (Pos' BIND_NOW GNU_RELRO; do
  grep -qF "$word" <<<"$headers" || fail "the program is not hardened: no $word"
done

echo "== mount"
mkdir -p "$root$cache"
in_root mount -t neffs "$repo" "$cache" -o push=none,_netdev,nofail
in_root findmnt -no FSTYPE,SOURCE "$cache" | grep -qx "fuse.neffs $repo" || fail "it is not mounted"
read_here=$(in_root sha256sum <"$root$cache/$module/model.neff")
cmp "$root$cache/$module/model.neff" <(curl -sL "$HF_ENDPOINT/$repo/resolve/main/$module/model.neff") ||
  fail "the module has other bytes: $read_here"
in_root neffs status "$cache" | grep -q "$repo" || fail "status does not tell"
in_root umount "$cache"
in_root findmnt "$cache" && fail "it is still mounted"
[ -s "$root$cache/$module/model.neff" ] || fail "what was read has not stayed"
rm -rf "${root:?}$cache"

echo "== install again"
install_it
in_root grep -qx 'PRUNEFS = "NFS afs fuse.sshfs fuse.neffs"' /etc/updatedb.conf || fail "PRUNEFS has it twice"

echo "== remove"
remove_it
cmp "$root/etc/updatedb.conf" "$here/updatedb.conf" || fail "updatedb.conf is not as it was"
files >"$work/after"
diff "$work/before" "$work/after" || fail "something is left"
