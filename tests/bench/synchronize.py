#!/usr/bin/env python3
"""What it costs to find that there is nothing new: `neffs synchronize` against the client's upload_folder.

usage: synchronize.py [MODULES [NEFF_KB...]]   under tests/clients/with_hub.sh, with the variable NEFFS, the
program, and DIRECTORY, where the cache is made (/var/tmp)

Both look at the same directory, of which everything is in the repo already, at 20 ms round trip. neffs has
brought it there, so that it remembers what it has pushed; the client hashes and asks each time.
"""

import os
import random
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "clients"))
import hub_control as control  # noqa: E402
from huggingface_hub import HfApi  # noqa: E402

TOKEN = "hf_demo"
ROUND_TRIP_MS = 20
VERSION = "neuronxcc-2.21.33363.0+82129205"
NO_LIMIT = {"api": 10**6, "resolvers": 10**6}
TO_REACH = 20
ROUNDS = 3


def write_modules(root, count, neff_bytes):
    for number in range(count):
        noise = random.Random(number)
        folder = root / f"{VERSION}/MODULE_{1_000_000 + number}+e30acd3a"
        folder.mkdir(parents=True)
        (folder / "compile_flags.json").write_bytes(b'["--number=%d"]' % number)
        (folder / "model.hlo_module.pb").write_bytes(b"\0" + noise.randbytes(5_000))
        (folder / "model.neff").write_bytes(b"\0" + noise.randbytes(neff_bytes))
        (folder / "model.done").write_bytes(b"")
    subprocess.run(["sync", "-f", root], check=True)


def neffs(repo, root):
    words = ["synchronize", "--repo_id", repo, "--cache_dir", root, "--settle", "0", "--quiet"]
    subprocess.run([os.environ["NEFFS"], *words], check=True, stdout=subprocess.DEVNULL,
                   env={**os.environ, "HF_TOKEN": TOKEN})


def measured(work):
    control.reset()
    control.post("settings", latency_ms=ROUND_TRIP_MS, rate=NO_LIMIT)
    start = time.monotonic()
    work()
    seconds = time.monotonic() - start
    control.post("settings", latency_ms=0)
    return seconds, sum(control.get("counts").values())


def compare(count, neff_bytes):
    repo = f"my-team/unchanged-{neff_bytes}"
    api = HfApi(token=TOKEN)
    control.post("tokens", token=TOKEN, user="demo", roles={repo: "write"},
                 organizations=["my-team"])
    api.create_repo(repo, private=True)
    with TemporaryDirectory(dir=os.environ.get("DIRECTORY", "/var/tmp")) as directory:
        root = Path(directory) / "cache"
        write_modules(root, count, neff_bytes)
        control.post("settings", rate=NO_LIMIT)
        neffs(repo, root)
        head = api.repo_info(repo).sha
        runs = [measured(lambda: neffs(repo, root)) for _ in range(ROUNDS)]
        ours, our_requests = min(runs)
        theirs, their_requests = measured(
            lambda: api.upload_folder(repo_id=repo, folder_path=root, ignore_patterns="lock"))
        if api.repo_info(repo).sha != head:
            raise RuntimeError("there was something new")
    print(f"{count} unchanged modules with NEFFs of {neff_bytes // 1000} KB, {ROUND_TRIP_MS} ms:")
    print(f"neffs synchronize {ours:.2f} s, {our_requests} requests (the best of {ROUNDS})")
    print(f"upload_folder {theirs:.2f} s, {their_requests} requests")
    print(f"Ratio: {theirs / ours:.0f}, to reach {TO_REACH}.", flush=True)
    return theirs / ours


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    sizes = [int(word) for word in sys.argv[2:]] or [200]
    ratios = [compare(count, kilobytes * 1000) for kilobytes in sizes]
    return 0 if min(ratios) >= TO_REACH else 1


if __name__ == "__main__":
    sys.exit(main())
