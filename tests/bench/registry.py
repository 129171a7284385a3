#!/usr/bin/env python3
"""What `neffs lookup` and `neffs list` cost in a registry of ten thousand entries.

usage: registry.py [ENTRIES]   under tests/clients/with_hub.sh, with the variable NEFFS, the program

At 20 ms round trip, the first time and then warm, when all that is asked for is the head: the best of five.
A directory with a config.json may be any model of its type, so that all texts are looked at.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "clients"))
import hub_control as control  # noqa: E402
from huggingface_hub import CommitOperationAdd, HfApi  # noqa: E402

TOKEN = "hf_demo"
REPO = "my-team/registry"
MODELS = 100
ROUND_TRIP_MS = 20
ROUNDS = 5
VERSION = "neuronxcc-2.21.33363.0+82129205"
TO_REACH_S = 1.0
CONFIG = {"model_type": "llama", "hidden_size": 2048}


def entry(number):
    model = f"lab/model-{number % MODELS}"
    text = {**CONFIG, "_model_id": model, "_task": "text-generation", "neuron": {
        "batch_size": number // MODELS + 1, "sequence_length": 4096, "tp_degree": 2,
        "torch_dtype": "bfloat16", "target": "trn1"}}
    path = f"{VERSION}/0_REGISTRY/0.3.0/llama/{model}/{number:020x}.json"
    return CommitOperationAdd(path, json.dumps(text, indent=2, sort_keys=True).encode())


def seconds(words, cache):
    start = time.monotonic()
    done = subprocess.run([os.environ["NEFFS"], *words, "--json"], check=True, capture_output=True,
                          env={**os.environ, "HF_TOKEN": TOKEN, "XDG_CACHE_HOME": str(cache)})
    return time.monotonic() - start, json.loads(done.stdout)


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    api = HfApi(token=TOKEN)
    control.post("tokens", token=TOKEN, user="demo", roles={REPO: "write"},
                 organizations=["my-team"])
    api.create_repo(REPO, private=True)
    for first in range(0, count, 1000):
        api.create_commit(REPO, [entry(number) for number in range(first, min(first + 1000, count))],
                          commit_message="Add entries")
    control.post("settings", latency_ms=ROUND_TRIP_MS, rate={"api": 10**6, "resolvers": 10**6})
    slowest = 0
    with TemporaryDirectory(dir="/var/tmp") as directory:
        (Path(directory) / "config.json").write_text(json.dumps(CONFIG))
        for name, words, found in (
            ("lookup MODEL", ["lookup", "lab/model-42", "--repo_id", REPO], count // MODELS),
            ("list", ["list", REPO], MODELS),
            ("lookup DIRECTORY", ["lookup", directory, "--repo_id", REPO], count),
        ):
            cache = Path(directory) / "cache"
            first, answer = seconds(words, cache)
            size = len(answer["entries"] if "entries" in answer else answer["compilers"][0]["models"])
            if size != found:
                raise RuntimeError(f"{name}: {size} found, not {found}")
            warm = min(seconds(words, cache)[0] for _ in range(ROUNDS))
            slowest = max(slowest, warm)
            print(f"{name}: {first:.2f} s the first time, warm {warm:.2f} s")
    control.post("settings", latency_ms=0)
    print(f"Slowest warm: {slowest:.2f} s, to reach {TO_REACH_S} s.")
    return 0 if slowest < TO_REACH_S else 1


if __name__ == "__main__":
    sys.exit(main())
