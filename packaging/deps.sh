#!/usr/bin/env bash
# The one list of what neffs needs from the distribution. Debian 12, Ubuntu 22.04 and later.
#   packaging/deps.sh            what building and running take
#   packaging/deps.sh --demo     also what packaging/try.sh takes
#   packaging/deps.sh --tests    also what the tests take
#   packaging/deps.sh --list     prints the names instead of installing them
set -euo pipefail

build=(
  cmake ninja-build g++ pkg-config
  libfuse3-dev fuse3
  libcurl4-openssl-dev libssl-dev ca-certificates
  libsqlite3-dev libsqlitecpp-dev
  nlohmann-json3-dev libcli11-dev libspdlog-dev libfmt-dev
)
demo=(libcpp-httplib-dev zlib1g-dev curl)
tests=(
  "${demo[@]}"
  libgtest-dev libgmock-dev
  clang libclang-rt-dev clang-tidy clang-format ccache
  git openssl attr acl procps util-linux e2fsprogs
  rsync sqlite3 fio stress-ng python3-filelock xfsprogs
  zsh fish
  python3 python3-venv nodejs npm
  dpkg-dev rpm mmdebstrap man-db binutils strace
  nginx libnginx-mod-http-set-misc prometheus
)

wanted=("${build[@]}")
list_only=no
for argument in "$@"; do
  case "$argument" in
    --demo) wanted+=("${demo[@]}") ;;
    --tests) wanted+=("${tests[@]}") ;;
    --list) list_only=yes ;;
    *) echo "deps.sh: unknown argument: $argument" >&2; exit 2 ;;
  esac
done
if [ "$list_only" = yes ]; then printf '%s\n' "${wanted[@]}"; exit 0; fi

# What another package manager put on the machine counts as there.
have() {
  case "$1" in
    nodejs) command -v node >/dev/null ;;
    npm) command -v npm >/dev/null ;;
    *) dpkg-query -W -f '${Status}' "$1" 2>/dev/null | grep -q '^install ok installed$' ;;
  esac
}
missing=()
for package in "${wanted[@]}"; do have "$package" || missing+=("$package"); done
[ "${#missing[@]}" -eq 0 ] && exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then as_root=(sudo); fi
echo "deps.sh: installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -qq
# Older releases have the sanitizers' runtime in a package that clang itself brings along, and no module
# set-misc for nginx: the tests of the mirror are skipped there.
known=()
for package in "${missing[@]}"; do
  case "$package" in
    libclang-rt-dev | libnginx-mod-*) apt-cache show "$package" >/dev/null 2>&1 || continue ;;
  esac
  known+=("$package")
done
missing=("${known[@]}")
# A server that only the tests start is not to be started by its installation.
policy=/usr/sbin/policy-rc.d
if [[ " ${missing[*]} " =~ \ (nginx|prometheus)\  && ! -e $policy ]]; then
  printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" install -m 755 /dev/stdin "$policy"
  trap '"${as_root[@]}" rm -f "$policy"' EXIT
fi
"${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
