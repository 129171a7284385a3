#!/usr/bin/env bash
# Checks the arrows of ARCHITECTURE.md by reading #include lines: mount-helper → fs → hub, index.
set -euo pipefail
cd "$(dirname "$0")/.."
failed=0

# Files of $1 (a pathspec list) must not include what matches $2.
forbid() {
  local hits
  hits=$(git ls-files -- $1 | xargs -r grep -nE "^[[:space:]]*#[[:space:]]*include[[:space:]]*[<\"]($2)" || true)
  if [ -n "$hits" ]; then
    printf 'forbidden here: %s\n%s\n' "$3" "$hits"
    failed=1
  fi
}

forbid 'hub' '(index|fs|mount-helper|tests)/' 'hub/ is a leaf'
forbid 'index' '(hub|fs|mount-helper|tests)/' 'index/ is a leaf'
forbid 'fs' '(mount-helper|tests)/' 'fs/ is below mount-helper/'
forbid 'mount-helper' 'tests/' 'nothing includes tests/'
forbid 'hub index mount-helper fs/*.cc fs/*.h' 'fuse' 'only fs/fuse/ speaks FUSE'
forbid 'index fs mount-helper hub/[!c]*' 'hub/curl_(handles|transfer|io)' 'only hub/curl_* speaks curl'
forbid 'fs mount-helper' '(curl/|sqlite3|SQLiteCpp)' 'curl belongs to hub/, SQLite to index/'

count() { git ls-files -- "$1" | xargs -r grep -lE "$2" | wc -l; }
for rule in "hub:<curl/curl.h>:curl" "index:<(SQLiteCpp/|sqlite3)[A-Za-z.]*>:SQLite"; do
  IFS=: read -r folder pattern name <<<"$rule"
  files=$(count "$folder" "$pattern")
  if [ "$files" -ne 1 ]; then
    echo "$name is included by $files files of $folder/, it should be one"
    failed=1
  fi
done
exit "$failed"
