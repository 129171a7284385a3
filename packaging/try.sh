#!/usr/bin/env bash
# Shows neffs at work on this machine: installs what is needed, builds, serves a sample cache repo on
# loopback, mounts it, reads a module, compiles a (fake) one, shows it in the repo, unmounts. Safe to
# repeat; leaves nothing running or mounted. As root or with sudo.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ "$(id -u)" -ne 0 ]; then exec sudo -- "$0" "$@"; fi
if [ ! -e /dev/fuse ]; then echo "try.sh: there is no /dev/fuse on this machine (modprobe fuse)" >&2; exit 1; fi

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
[ -t 1 ] && [ -z "${NO_COLOR:-}" ] || say() { printf '\n%s\n' "$*"; }

# Of the build, in one line that is drawn over on a terminal, else every tenth; all of it is in the log.
progress() {
  tee -a "$log" | while IFS= read -r line; do
    percent=$(expr "$line" : '\[ *\([0-9]*\)%\]' || true)
    if [ -z "$percent" ] || [ "$percent" = "${last:-}" ]; then continue; fi
    last=$percent
    if [ -t 1 ]; then printf '\r   %3s %%' "$percent"; elif [ $((percent % 10)) -eq 0 ]; then echo "   $percent %"; fi
  done
  if [ -t 1 ]; then printf '\r'; fi
}

say "1. What is needed is installed, and neffs is built (the first time some seven minutes on two cores)"
./packaging/deps.sh --demo
log=build/build.log
mkdir -p build
cmake -B build -DCMAKE_BUILD_TYPE=Release -DNEFFS_DEMO=ON >$log 2>&1 || { cat $log; exit 1; }
cmake --build build -j "$(nproc)" 2>&1 | progress || { tail -50 $log; exit 1; }
neffs=$PWD/build/mount-helper/neffs
"$neffs" version

work=$(mktemp -d /var/tmp/neffs-try-XXXXXX)
cache=$work/neuron-compile-cache
team=$work/team-cache
hub=
finish() {
  "$neffs" umount "$cache" --lazy >/dev/null 2>&1 || true
  "$neffs" umount "$team" --lazy >/dev/null 2>&1 || true
  if [ -n "$hub" ]; then kill "$hub" 2>/dev/null || true; wait "$hub" 2>/dev/null || true; fi
  rm -rf --one-file-system "$work"
}
trap finish EXIT
mkdir -p "$cache" "$team"

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

say "5. neffs umount: what was read is an ordinary cache directory now"
"$neffs" umount "$cache"
(cd "$cache" && find . -name .cache -prune -o -type f -print | sort)

say "6. A team's private repo, with a token that may write to it: what is compiled is published"
export HF_TOKEN=hf_demo
"$neffs" mount my-team/neuron-cache "$team" -o settle=1

say "7. A miss: a module is compiled (by hand)"
new=$version/MODULE_$(date +%s)0000000001+e30acd3a
mkdir -p "$team/$new"
touch "$team/$new/model.hlo_module.pb.lock"
echo hlo >"$team/$new/model.hlo_module.pb"
head -c 100000 /dev/urandom >"$team/$new/model.neff"
touch "$team/$new/model.done"
rm "$team/$new/model.hlo_module.pb.lock"
ls -l "$team/$new"

say "8. neffs flush: a moment later it is in the repo, whole"
"$neffs" flush "$team" --timeout 60
curl -s -H "Authorization: Bearer $HF_TOKEN" "$HF_ENDPOINT/api/models/my-team/neuron-cache/tree/main/${new/+/%2B}" |
  grep -o '"path":"[^"]*"'

say "9. neffs status"
"$neffs" status "$team"
"$neffs" umount "$team"

cat <<EOT

That was it. The real thing:

  sudo $neffs mount aws-neuron/optimum-neuron-cache     # what others have compiled; nothing is published
  sudo $neffs mount YOUR-TEAM/YOUR-CACHE                # a private repo: what you compile goes there

To install it: (cd build && cpack -G DEB) && sudo apt install ./build/packages/neffs_*.deb
EOT
