#!/usr/bin/env bash
# A clean root of this distribution, with systemd, what the package depends on, and nothing of ours, as a tar archive:
# make_root.sh PACKAGES ARCHIVE
# From the mirrors that this machine's apt has for its release, and no others.
set -euo pipefail
packages=$1 archive=$2
deb=$(echo "$packages"/*.deb)
[ -f "$deb" ] || { echo "skipped: there is no .deb"; exit 77; }
for program in mmdebstrap apt-get; do
  command -v "$program" >/dev/null || { echo "skipped: there is no $program"; exit 77; }
done
[ "$(id -u)" -eq 0 ] || { echo "skipped: only root can make it"; exit 77; }

depends=$(dpkg-deb -f "$deb" Depends | tr ',' '\n' | sed -E 's/[[:space:]]*\(.*//; s/[[:space:]]//g' | sort | paste -sd,)
include="mount,util-linux,systemd,$depends"
if [ -n "$(find "$archive" -mtime -7 2>/dev/null)" ] && [ "$include" = "$(cat "$archive.include")" ]; then
  echo "the one that was made before is used"
  exit 0
fi

release=$(. /etc/os-release && echo "$VERSION_CODENAME")
sources=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
  grep -E "^[^ ]+ $release(-[a-z]+)? " | sort -u | sed 's/^/deb /' || true)
[ -n "$sources" ] || { echo "skipped: apt has no mirror of $release"; exit 77; }

rm -f "$archive" "$archive.include"
status=0
mmdebstrap --variant=apt --format=tar --include="$include" --aptopt='Acquire::Retries "2"' \
  "$release" "$archive.part" - <<<"$sources" 2>"$archive.log" || status=$?
if [ "$status" -ne 0 ]; then
  tail -20 "$archive.log"
  grep -qE 'Failed to fetch|Could not (resolve|connect)|Temporary failure' "$archive.log" &&
    { echo "skipped: the mirror cannot be reached"; exit 77; }
  exit 1
fi
printf '%s\n' "$include" >"$archive.include"
mv "$archive.part" "$archive"
