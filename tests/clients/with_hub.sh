#!/usr/bin/env bash
# Runs COMMAND while a demo Hub with the sample repo listens; COMMAND finds it in HF_ENDPOINT.
# The clients see nothing of the user's own tokens and caches.
set -euo pipefail

if [ $# -lt 2 ]; then
  echo "usage: with_hub.sh HUB_PROGRAM COMMAND [ARGUMENT…]" >&2
  exit 2
fi
hub=$1
shift

home=$(mktemp -d)
exec 3< <(exec "$hub" --sample --print-endpoint)
hub_pid=$!
trap 'kill "$hub_pid" 2>/dev/null || true; rm -rf "$home"' EXIT
read -r HF_ENDPOINT <&3

unset HF_TOKEN HUGGING_FACE_HUB_TOKEN HF_HUB_OFFLINE HF_HUB_CACHE HF_TOKEN_PATH
export HF_ENDPOINT HF_HOME=$home HF_HUB_DISABLE_XET=1 HF_HUB_DISABLE_TELEMETRY=1
export PYTHONDONTWRITEBYTECODE=1 HF_HUB_DISABLE_PROGRESS_BARS=1 NO_PROXY=127.0.0.1 no_proxy=127.0.0.1
"$@"
