#!/usr/bin/env python3
"""What a push costs: a mount and `neffs flush` against the client's upload_folder, on one test Hub.

usage: push.py [ROUNDS]   under tests/clients/with_hub.sh, with the variables of tests/clients/mounted.py

The same new modules, closed and complete, are on the same disk for both, and each pushes them to a
new repo at 20 ms round trip. The mount starts when the last of its modules is closed: until then a
file of each is open for writing, which holds it back.
"""

import random
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "clients"))
import hub_control as control  # noqa: E402
import mounted  # noqa: E402
from huggingface_hub import HfApi  # noqa: E402

MODULES = 100
NEFF_BYTES = 6_000_000
ROUND_TRIP_MS = 20
VERSION = "neuronxcc-2.21.33363.0+82129205"
FLAGS = "compile_flags.json"


def module(number):
    noise = random.Random(number)
    return {
        FLAGS: b'["--number=%d"]' % number,
        "model.hlo_module.pb": b"\0" + noise.randbytes(20_000),
        "model.neff": b"\0" + noise.randbytes(NEFF_BYTES),
        "model.done": b"",
    }


def write_modules(root, keep_open=None):
    for number in range(MODULES):
        folder = root / f"{VERSION}/MODULE_{1_000_000 + number}+e30acd3a"
        folder.mkdir(parents=True)
        for name, data in module(number).items():
            (folder / name).write_bytes(data)
            if keep_open is not None and name == FLAGS:
                keep_open.enter_context(open(folder / name, "ab"))
    subprocess.run(["sync", "-f", root], check=True)


class Push:
    """A repo that gets the modules once, and what that took."""

    def __init__(self, api, name):
        self.api = api
        self.repo = api.create_repo(f"my-team/{name}", private=True).repo_id
        self.first = len(api.list_repo_commits(self.repo))

    def measure(self, work):
        control.reset()
        control.post("settings", latency_ms=ROUND_TRIP_MS)
        start = time.monotonic()
        work()
        self.seconds = time.monotonic() - start
        control.post("settings", latency_ms=0)
        self.requests = sum(control.get("counts").values())
        self.commits = len(self.api.list_repo_commits(self.repo)) - self.first
        found = sum(path.endswith("model.done") for path in self.api.list_repo_files(self.repo))
        if found != MODULES:
            raise RuntimeError(f"{self.repo} has {found} modules")
        return self


def by_client(api, directory, name):
    write_modules(directory / name)
    push = Push(api, name)
    return push.measure(lambda: api.upload_folder(repo_id=push.repo, folder_path=directory / name))


def flush(mount):
    code, said = mount.flush()
    if code != 0:
        raise RuntimeError(said + mount.said())


def by_mount(api, directory, name):
    push = Push(api, name)
    mount = mounted.Mount(push.repo, directory / name, "settle=0")
    try:
        with ExitStack() as held_back:
            write_modules(mount.root, held_back)

            def let_go():
                held_back.close()
                flush(mount)

            push.measure(let_go)
        control.reset()
        flush(mount)
        push.requests_of_nothing = sum(control.get("counts").values())
        push.memory = mount.memory_peak()
    finally:
        mount.end()
    return push


def one_round(api, number, client_first):
    sides = {"client": by_client, "mount": by_mount}
    order = list(sides) if client_first else list(reversed(sides))
    with TemporaryDirectory(dir="/var/tmp") as directory:
        return {side: sides[side](api, Path(directory), f"{side}-{number}") for side in order}


def main():
    reason = mounted.why_not()
    if reason:
        print(f"push.py: {reason}", file=sys.stderr)
        return 77
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    api = HfApi(token=mounted.TOKEN)
    roles = {f"my-team/{side}-{n}": "write" for side in ("client", "mount") for n in range(rounds)}
    control.post("tokens", token=mounted.TOKEN, user="demo", roles=roles, organizations=["my-team"])
    results = [one_round(api, number, number % 2 == 0) for number in range(rounds)]
    print("| round | upload_folder | requests | commits | mount | requests | commits | ratio |")
    print("|---|---|---|---|---|---|---|---|")
    for number, result in enumerate(results):
        client, mount = result["client"], result["mount"]
        cells = [number]
        for side in (client, mount):
            cells += [f"{side.seconds:.2f} s", side.requests, side.commits]
        cells.append(f"{mount.seconds / client.seconds:.2f}")
        print("| " + " | ".join(str(cell) for cell in cells) + " |")
    ratio = statistics.median(r["mount"].seconds / r["client"].seconds for r in results)
    mounts = [result["mount"] for result in results]
    print(f"\n{MODULES} modules, {MODULES * NEFF_BYTES // 1_000_000} MB, {ROUND_TRIP_MS} ms.")
    print(f"Ratio (median): {ratio:.2f}, to reach 0.7.")
    print(f"Commits at most: {max(m.commits for m in mounts)}, to reach 3.")
    print(f"Requests of a flush with nothing new: {max(m.requests_of_nothing for m in mounts)}, to reach 0.")
    print(f"Memory of the daemon (VmHWM): {max(m.memory for m in mounts) / 1e6:.0f} MB, to reach 200.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
