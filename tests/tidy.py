#!/usr/bin/env python3
"""Runs clang-tidy on every shipped source of a configured build directory.

  tests/tidy.py BUILD-DIRECTORY

What was found clean is remembered by what the compiler would see of it, so that only what has changed is looked at
again. Exit 1 if anything is found.
"""
import concurrent.futures
import hashlib
import json
import os
import pathlib
import shlex
import subprocess
import sys


def cache_directory():
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    directory = pathlib.Path(base) / "neffs-tidy"
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def preprocessed(entry):
    words = shlex.split(entry["command"])
    kept, skip = [], False
    for word in words:
        if skip or word in ("-c", "-o", "-MD", "-MT", "-MF"):
            skip = not skip and word in ("-o", "-MT", "-MF")
            continue
        kept.append(word)
    if os.path.basename(kept[0]) == "ccache":
        kept = kept[1:]
    return subprocess.run(kept + ["-E", "-P"], cwd=entry["directory"], check=True, stdout=subprocess.PIPE).stdout


def main():
    build = pathlib.Path(sys.argv[1])
    root = pathlib.Path(__file__).resolve().parent.parent
    rules = (root / ".clang-tidy").read_bytes() + subprocess.check_output(["clang-tidy", "--version"])
    cache = cache_directory()

    def look_at(entry):
        seen = hashlib.sha256(rules + entry["file"][len(str(root)):].encode() + preprocessed(entry)).hexdigest()
        if (cache / seen).exists():
            return True
        command = ["clang-tidy", "-p", str(build), "--quiet", entry["file"]]
        result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if result.returncode == 0:
            (cache / seen).touch()
        else:
            print(result.stdout, result.stderr, sep="\n", flush=True)
        return result.returncode == 0

    shipped = ("fs", "hub", "index", "mount-helper")
    entries = [e for e in json.loads((build / "compile_commands.json").read_text())
               if pathlib.Path(e["file"]).relative_to(root).parts[0] in shipped]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(look_at, entries))
    print(f"{results.count(True)} of {len(results)} sources are clean")
    return 0 if results and all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
