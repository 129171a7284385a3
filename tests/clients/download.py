#!/usr/bin/env python3
"""Downloads a repo as the official client does, to compare with what a mount serves.

usage: download.py ENDPOINT REPO REVISION DESTINATION
The token, if one is needed, comes from HF_TOKEN.
"""

import os
import sys
import tempfile


def main() -> int:
    if len(sys.argv) != 5:
        print(__doc__, file=sys.stderr)
        return 2
    endpoint, repo, revision, destination = sys.argv[1:]
    os.environ["HF_HUB_DISABLE_XET"] = "1"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    with tempfile.TemporaryDirectory() as home:
        # The client reads its environment when it is imported.
        os.environ["HF_HOME"] = home
        os.environ["HF_ENDPOINT"] = endpoint
        from huggingface_hub import snapshot_download

        snapshot_download(repo, revision=revision, local_dir=destination)
    return 0


if __name__ == "__main__":
    sys.exit(main())
