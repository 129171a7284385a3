#!/usr/bin/env bash
# Installs the Hub's official clients into DIR: DIR/venv for Python, DIR/node_modules for Node.
# Safe to repeat; does nothing when they are there in the pinned versions.
set -euo pipefail

if [ $# -ne 1 ]; then
  echo "usage: setup.sh DIR" >&2
  exit 2
fi
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
dir=$(cd "$1" && pwd)

wanted=$(cat "$here/requirements.txt" "$here/package.json" | sha256sum)
if [ "$(cat "$dir/installed" 2>/dev/null)" = "$wanted" ]; then
  exit 0
fi

for tool in python3 npm; do
  if ! command -v "$tool" >/dev/null; then
    echo "setup.sh: $tool is not installed" >&2
    exit 1
  fi
done

rm -rf "$dir/venv" "$dir/node_modules" "$dir/installed"
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
cp "$here/package.json" "$dir/package.json"
npm install --prefix "$dir" --silent --no-audit --no-fund --no-package-lock
# Written last: half an installation is none.
printf '%s' "$wanted" >"$dir/installed"
