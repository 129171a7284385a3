#!/usr/bin/env python3
"""Compiles what uses libfuse against the oldest one that is supported: oldest_libfuse.py BUILD WORK.

3.10 is what Ubuntu 22.04 and Amazon Linux 2023 have; its headers come from Debian 11, by apt, from the mirror that this
machine has for its own release. What was fetched is used again. BUILD has compile_commands.json; only the syntax is looked at, as every declaration is in a header.
"""

import json
import shlex
import subprocess
import sys
from pathlib import Path

PACKAGE = "libfuse3-dev"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
INCLUDED = "usr/include/fuse3"


def skip(why):
    print(f"oldest_libfuse.py: {why}", file=sys.stderr)
    sys.exit(77)


def mirror():
    """Of Debian, as this machine's apt has it; "" if it has none."""
    ended = subprocess.run(["apt-get", "indextargets", "--format", "$(REPO_URI) $(ORIGIN) $(RELEASE) $(COMPONENT)",
                            "Created-By: Packages"], capture_output=True, text=True)
    for line in ended.stdout.splitlines():
        address, *words = line.split()
        if words[:1] == ["Debian"] and words[-1] == "main" and "-" not in words[-2]:
            return address
    return ""


def fetch(work):
    """The folder with the headers."""
    headers = work / "root" / INCLUDED
    if (headers / "fuse_lowlevel.h").exists():
        return headers
    address = mirror()
    if not KEYRING.exists() or not address:
        skip("this is no Debian, or has no mirror of it")
    for folder in ("lists/partial", "cache/archives/partial"):
        (work / folder).mkdir(parents=True, exist_ok=True)
    (work / "sources.list").write_text(f"deb [signed-by={KEYRING}] {address} bullseye main\n")
    options = [f"Dir::Etc::sourcelist={work}/sources.list", "Dir::Etc::sourceparts=/nonexistent",
               f"Dir::State::Lists={work}/lists", f"Dir::Cache={work}/cache", "APT::Sandbox::User=root"]
    apt = ["apt-get", "-qq", *(word for option in options for word in ("-o", option))]
    for words in (["update"], ["download", f"{PACKAGE}/bullseye"]):
        ended = subprocess.run([*apt, *words], cwd=work, capture_output=True, text=True, timeout=240)
        if ended.returncode != 0:
            skip(f"apt-get {words[0]}: {ended.stderr.strip()}")
    package = next(work.glob(f"{PACKAGE}_3.10*.deb"))
    subprocess.run(["dpkg", "-x", package, work / "root"], check=True)
    return headers


def compile_with(headers, command):
    """What the compiler says if it refuses."""
    words = shlex.split(command)
    words = words[words.index("ccache") + 1:] if "ccache" in words[0] else words
    words[words.index("-o"):words.index("-o") + 2] = ["-fsyntax-only"]
    assert any(word.endswith("/include/fuse3") for word in words), command
    words = [str(headers) if word.endswith("/include/fuse3") else word for word in words]
    ended = subprocess.run(words, cwd="/", capture_output=True, text=True, timeout=240)
    return ended.stderr if ended.returncode != 0 else ""


def main():
    build, work = Path(sys.argv[1]), Path(sys.argv[2])
    work.mkdir(parents=True, exist_ok=True)
    headers = fetch(work)
    entries = json.loads((build / "compile_commands.json").read_text())
    commands = {entry["file"]: entry["command"] for entry in entries if "/fs/fuse/" in entry["file"]}
    commands = {file: command for file, command in commands.items() if "/tests/" not in file}
    assert len(commands) > 5, commands
    refused = {file: said for file, command in commands.items() if (said := compile_with(headers, command))}
    for file, said in refused.items():
        print(f"{file}:\n{said}", file=sys.stderr)
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main())
