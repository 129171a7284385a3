#!/usr/bin/env bash
# Every test that SEMANTICS.md and SECURITY.md name exists, and every promise names at least one.
set -euo pipefail
cd "$(dirname "$0")/.."
failed=0
known=$(git ls-files 'tests/*.cc' | xargs sed -nE 's/^TEST(_F|_P)?\(([A-Za-z0-9]+), *([A-Za-z0-9_]+)\).*/\2.\3/p' | sort -u)
for name in $(grep -ohE '`[A-Za-z]+\.[A-Z][A-Za-z0-9]+`' SEMANTICS.md SECURITY.md | tr -d '`'); do
  if ! grep -qxF "$name" <<<"$known"; then
    echo "$name is named, and is no test"
    failed=1
  fi
done
without=$(awk '/^[0-9]+\. /{ if (n != "" && !seen) print n; n = $0; seen = 0 } /`[A-Za-z]+\.[A-Z][A-Za-z0-9]+`/{ seen = 1 } /^## /{ if (n != "" && !seen) print n; n = "" }' SEMANTICS.md)
if [ -n "$without" ]; then
  printf 'promises without a test:\n%s\n' "$without"
  failed=1
fi
exit "$failed"
