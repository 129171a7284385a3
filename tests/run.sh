#!/usr/bin/env bash
# Installs what the tests need, builds, and runs every test.
#   tests/run.sh             everything: the plain build, both sanitizer builds, clang-tidy
#   tests/run.sh --quick     the plain build only
# Build directories are build-dev, build-asan, build-tsan, build-tidy in the checkout.
set -euo pipefail
cd "$(dirname "$0")/.."

quick=no
for argument in "$@"; do
  case "$argument" in
    --quick) quick=yes ;;
    *) echo "run.sh: unknown argument: $argument" >&2; exit 2 ;;
  esac
done

step() { printf '\n== %s (%s s)\n' "$*" "$SECONDS"; }

step "packages"
./packaging/deps.sh --tests

# Clones in different places share what they compile.
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1 CCACHE_SLOPPINESS=pch_defines,time_macros
launcher=()
if command -v ccache >/dev/null; then launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache); fi

configure() {  # preset
  cmake --preset "$1" "${launcher[@]}" >"build-$1.log" 2>&1 || { cat "build-$1.log"; return 1; }
}
build() {  # preset [target…]
  local preset=$1
  shift
  configure "$preset"
  cmake --build --preset "$preset" ${1:+--target "$@"} >>"build-$preset.log" 2>&1 ||
    { grep -E -A12 'FAILED|error|warning' "build-$preset.log" | head -150; return 1; }
}
# One that hangs fails by itself, and does not take the others with it.
run_tests() { ctest --preset "$1" -j2 --timeout 300 "${@:2}"; }

step "format"
git ls-files '*.cc' '*.h' | xargs clang-format --dry-run --Werror

step "plain build"
build dev
if [ ! -e /dev/fuse ]; then echo "run.sh: there is no /dev/fuse: the tests that mount are skipped"; fi

if [ "$quick" = no ]; then
  # Sanitizers slow everything down: the random tests take fewer steps there.
  export NEFFS_DIFFER_OPERATIONS=4000 NEFFS_FILE_OPERATIONS=10000
  step "address and undefined-behaviour sanitizers"
  build asan
  run_tests asan -LE 'clients|slow|packaging'
  # The daemon's threads are the same whichever way it is read and written: unit tests and two suites of mounts.
  step "thread sanitizer"
  build tsan hub_unit_tests neffs_index_test neffs_fs_test neffs_mount_helper_test test_hub_tests hub_push_tests \
    mount_tests publish_tests
  run_tests tsan -LE 'clients|slow|documents|exercise|neuron|packaging|posix|programs' -E NOT_BUILT
  unset NEFFS_DIFFER_OPERATIONS NEFFS_FILE_OPERATIONS
  step "clang-tidy"
  configure tidy
  ./tests/tidy.py build-tidy
fi

step "all tests"
run_tests dev
step "done"
