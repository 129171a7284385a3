#!/usr/bin/env bash
# Makes the packages that this machine can make: build.sh CPACK BUILD_DIRECTORY PACKAGES
set -euo pipefail
cpack=$1 build=$2 packages=$3
rm -rf "$packages"
made=0
make() {  # generator, the program that it takes
  command -v "$2" >/dev/null || { echo "no $1 package: there is no $2"; return; }
  "$cpack" --config "$build/CPackConfig.cmake" -G "$1" -B "$packages"
  made=$((made + 1))
}
make DEB dpkg-shlibdeps
make RPM rpmbuild
rm -rf "$packages/_CPack_Packages"
[ "$made" -gt 0 ] || exit 77
