#!/usr/bin/env bash
# For a machine with Neuron and an account on the Hub: looks at what nobody could look at where neffs is made,
# and writes one report to send in. Run by people, never by CI.
#
#   field-check.sh [--repo NAMESPACE/NAME] [--compile COMMAND] [--report FILE]
#
#   --repo     a private scratch repo of yours, with a token in HF_TOKEN that may write it: points of the Hub's
#              protocol that are not documented are tried there. It gets a folder, which is deleted again.
#   --compile  a command that compiles one small graph into the cache of NEURON_COMPILE_CACHE_URL, as
#              'python compile_one.py'. It is run four times under strace: a miss and a hit in a plain directory,
#              a miss and a hit on a mount of the repo.
# The report holds calls on files of the cache, versions and the Hub's answers; no token, no contents. Read it
# before you send it.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
repo='' compile='' report=neffs-field-check.txt
fail() { echo "field-check: $*" >&2; exit "${2:-1}"; }
while [ $# -gt 0 ]; do
  case "$1" in
    --repo | --compile | --report)
      [ $# -ge 2 ] || { echo "field-check: $1: a value is missing" >&2; exit 2; }
      printf -v "${1#--}" '%s' "$2"
      shift 2
      ;;
    -h | --help) sed -n '2,/^set /s/^# \{0,1\}//p' "$0" | sed '$d'; exit 0 ;;
    *) echo "field-check: unknown argument: $1" >&2; exit 2 ;;
  esac
done
[ -n "$repo$compile" ] || { echo "field-check: --repo, --compile or both (--help)" >&2; exit 2; }
neffs=${NEFFS:-neffs}
for program in python3 "$neffs"; do command -v "$program" >/dev/null || fail "there is no $program"; done
[ -z "$compile" ] || command -v strace >/dev/null || fail "there is no strace"

work=$(mktemp -d "${TMPDIR:-/var/tmp}/neffs-field-XXXXXX")
finish() {
  "$neffs" umount "$work/mount" --lazy >/dev/null 2>&1 || true
  rm -rf --one-file-system "$work"
}
trap finish EXIT
section() { printf '\n== %s\n' "$*"; }

machine() {
  section "machine"
  uname -srm
  sed -n 's/^PRETTY_NAME=//p' /etc/os-release
  "$neffs" version
  findmnt -no FSTYPE -T "$work" || true
  command -v fusermount3 >/dev/null && fusermount3 --version
  for package in libneuronxla torch-neuronx neuronx-cc neuronx-distributed optimum-neuron huggingface_hub; do
    python3 - "$package" <<'PY'
import importlib.metadata as metadata, sys
try:
    print(sys.argv[1], metadata.version(sys.argv[1]))
except metadata.PackageNotFoundError:
    print(sys.argv[1], "is not installed")
PY
  done
}

# The calls on the cache alone, by process and in their order, with the time since the first; what repeats itself
# is counted. Buffers are cut off: no contents.
calls() {  # trace, cache directory
  python3 - "$1" "$2" <<'PY'
import re, sys
trace, cache = sys.argv[1:]
processes, first, last, repeats = {}, None, None, 0
def flush():
    if repeats:
        print(f"          … {repeats} times more")
for line in open(trace, errors="replace"):
    match = re.match(r"(\d+) +([\d.]+) (.*)", line)
    if not match or cache not in match[3]:
        continue
    first = first or float(match[2])
    process = processes.setdefault(match[1], f"P{len(processes) + 1}")
    # What is written is contents; of other texts, paths and names of a module are what this is about.
    call = re.sub(r"AT_FDCWD<[^>]*>", "AT_FDCWD", match[3].replace(cache, "CACHE"))
    is_shown = (lambda text: False) if "write" in call.split("(")[0] else (lambda text: re.match(r".*/|model|compile_flags", text))
    call = re.sub(r'"((?:[^"\\]|\\.)*)"', lambda text: text[0] if is_shown(text[1]) else '"…"', call)
    call = re.sub(r"0x[0-9a-f]+", "0x…", call)
    if (process, call) == last:
        repeats += 1
        continue
    flush()
    repeats, last = 0, (process, call)
    print(f"{float(match[2]) - first:9.3f} {process} {call}")
flush()
PY
}

traced() {  # what it is, cache directory
  section "$1"
  local status=0
  mkdir -p "$work/tmp"
  NEURON_COMPILE_CACHE_URL=$2 NEURON_CC_FLAGS="${NEURON_CC_FLAGS:-} --cache_dir=$2" \
    strace -f -ttt -y -s 64 -o "$work/trace" \
    -e trace=%file,flock,fcntl,write,pwrite64,ftruncate,fsync,fdatasync,close,copy_file_range,sendfile,getdents64,fchmod,fchown \
    -- bash -c "$compile" >"$work/output" 2>&1 || status=$?
  echo "exit status $status"
  grep -E 'cached neff|Compil|compil|cache' "$work/output" | sed "s|$2|CACHE|g" | tail -20 || true
  calls "$work/trace" "$2" | head -2000
  section "$1: what is there then"
  (cd "$2" && find . -name .cache -prune -o -printf '%M %s %p\n' | sort -k3)
}

traces() {
  mkdir "$work/plain" "$work/mount"
  traced "a miss in a plain directory" "$work/plain"
  traced "a hit in a plain directory" "$work/plain"
  section "the mount"
  "$neffs" mount ${repo:+"$repo"} "$work/mount" -o push=none || return 0
  traced "a miss on the mount" "$work/mount"
  traced "a hit on the mount" "$work/mount"
  section "status of the mount"
  "$neffs" status "$work/mount" --json
  "$neffs" umount "$work/mount"
}

hub() {
  section "the Hub"
  python3 "$here/field-check-hub.py" "$repo"
}

status=0
{
  machine
  if [ -n "$compile" ]; then traces || status=$?; fi
  if [ -n "$repo" ]; then hub || status=$?; fi
} >"$work/report" 2>&1
# Names of this machine and of its user are nobody's business.
python3 - "$work/report" "$report" "${HF_TOKEN:-}" "$HOME" "$(uname -n)" "$work" <<'PY'
import sys
source, target, token, home, host, work = sys.argv[1:]
text = open(source, errors="replace").read()
for secret, name in ((token, "<token>"), (work, "WORK"), (home if len(home) > 1 else "", "~"), (host, "<host>")):
    if secret:
        text = text.replace(secret, name)
open(target, "w").write(text)
PY
echo "$report is written: read it, and send it in"
exit "$status"
