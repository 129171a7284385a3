#!/usr/bin/env bash
# Shows neffs at work on this machine: installs what is needed, builds, serves a sample cache repo on
# loopback, mounts it, reads and compiles (a fake) module, unmounts. Safe to repeat; leaves nothing
# running or mounted. As root or with sudo.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ "$(id -u)" -ne 0 ]; then exec sudo -- "$0" "$@"; fi
if [ ! -e /dev/fuse ]; then echo "try.sh: there is no /dev/fuse on this machine (modprobe fuse)" >&2; exit 1; fi

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
[ -t 1 ] && [ -z "${NO_COLOR:-}" ] || say() { printf '\n%s\n' "$*"; }

say "1. What is needed is installed, and neffs is built"
./packaging/deps.sh --demo
cmake -B build -DCMAKE_BUILD_TYPE=Release -DNEFFS_DEMO=ON >build.log 2>&1 || { cat build.log; exit 1; }
cmake --build build -j "$(nproc)" >>build.log 2>&1 || { tail -50 build.log; exit 1; }
neffs=$PWD/build/mount-helper/neffs
"$neffs" version

work=$(mktemp -d /var/tmp/neffs-try-XXXXXX)
cache=$work/neuron-compile-cache
hub=
finish() {
  "$neffs" umount "$cache" --lazy >/dev/null 2>&1 || true
  if [ -n "$hub" ]; then kill "$hub" 2>/dev/null || true; wait "$hub" 2>/dev/null || true; fi
  rm -rf --one-file-system "$work"
}
trap finish EXIT
mkdir -p "$cache"

say "2. A Hub on loopback serves a sample cache repo"
build/tests/hub/neffs-demo-hub --sample >"$work/hub.log" 2>&1 &
hub=$!
endpoint=
for _ in $(seq 100); do
  endpoint=$(sed -n 's/^ready endpoint=//p' "$work/hub.log")
  [ -n "$endpoint" ] && break
  kill -0 "$hub" 2>/dev/null || { cat "$work/hub.log"; exit 1; }
  read -r -t 0.1 _ <> <(:) || true
done
export HF_ENDPOINT=$endpoint
unset HF_TOKEN HF_HUB_OFFLINE TRANSFORMERS_OFFLINE
echo "$HF_ENDPOINT"

say "3. neffs mount aws-neuron/optimum-neuron-cache $cache"
"$neffs" mount aws-neuron/optimum-neuron-cache "$cache"
ls "$cache"

version=neuronxcc-2.21.33363.0+82129205
module=$version/MODULE_18108742649528384371+e30acd3a
say "4. A hit: the module that somebody else compiled is simply there"
ls -l "$cache/$module/model.done"
cmp <(curl -sL "$HF_ENDPOINT/aws-neuron/optimum-neuron-cache/resolve/main/$module/model.neff") "$cache/$module/model.neff"
sha256sum "$cache/$module/model.neff"
"$neffs" explain "$cache/$module/model.neff"

say "5. A miss: a module is compiled (by hand) and stays in the cache directory"
new=$version/MODULE_$(date +%s)0000000001+e30acd3a
mkdir "$cache/$new"
touch "$cache/$new/model.hlo_module.pb.lock"
echo hlo >"$cache/$new/model.hlo_module.pb"
head -c 100000 /dev/urandom >"$cache/$new/model.neff"
touch "$cache/$new/model.done"
rm "$cache/$new/model.hlo_module.pb.lock"
ls -l "$cache/$new"
"$neffs" explain "$cache/$new"

say "6. neffs status"
"$neffs" status "$cache"

say "7. neffs umount: what was read and compiled is an ordinary cache directory now"
"$neffs" umount "$cache"
(cd "$cache" && find . -name .cache -prune -o -type f -print | sort)

cat <<EOT

That was it. The real thing:

  sudo $neffs mount aws-neuron/optimum-neuron-cache /var/tmp/neuron-compile-cache

To install it: sudo cmake --install build
EOT
