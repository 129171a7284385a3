#!/usr/bin/env python3
"""What the documents say is tried.
  documents_test.py words NEFFS DOCUMENT…   every command line and option exists, every link leads somewhere
  documents_test.py run NEFFS DOCUMENT      its blocks that are marked `sh test` succeed, by a test Hub in HF_ENDPOINT
  documents_test.py self NEFFS              a wrong document is found out
"""
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from document import Document
from vocabulary import Vocabulary

HERE = Path(__file__).resolve().parent
WRONG = """# Wrong
[away](nowhere.md) and [lost](#there)
Run `neffs fly` or `neffs status [--jason]`, `-o cash_size=1G` and `neffs run X -o no_such -- tool --any`.
```
$ sudo neffs mount a/b -o ro,speed=9 \\
    --fast
```
"""
EXPECTED = {"nowhere.md leads nowhere", "#there leads nowhere", "there is no command fly",
            "neffs status has no option --jason", "there is no mount option cash_size", "there is no mount option no_such",
            "there is no mount option speed", "neffs mount has no option --fast"}
RIGHT = """# Right
[here](#right)
`neffs`, `neffs COMMAND`, `neffs status --json`, `neffs umount [MOUNTPOINT] [--flush[=SECONDS]]`, `-o ro,log=warn`
```sh test
neffs version | grep -q neffs || true  # neffs fly
```
"""


def words(neffs, paths):
    vocabulary = Vocabulary(neffs)
    found = []
    counted = 0
    for path in paths:
        document = Document(path)
        counted += len(list(document.commands()))
        found += document.mistakes(vocabulary)
    print(f"{counted} command lines")
    for mistake in found:
        print(mistake)
    return 1 if found or counted == 0 else 0


def run(neffs, path):
    if os.geteuid() != 0 or not os.path.exists("/dev/fuse"):
        print("skipped: only root can mount, with /dev/fuse")
        return 77
    document = Document(path)
    if not document.scripts:
        print("there is nothing in it to be run")
        return 1
    with tempfile.TemporaryDirectory(prefix="neffs-documents-") as work:
        script = Path(work) / "script"
        script.write_text("set -euo pipefail\n" + "".join(
            f"echo '== {document.path.name}:{line}'\n{text}\n" for line, text in document.scripts))
        return subprocess.run(["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation",
                               "private", HERE / "run_document.sh", neffs, script], check=False).returncode


def self_test(neffs):
    vocabulary = Vocabulary(neffs)
    with tempfile.TemporaryDirectory(prefix="neffs-documents-") as work:
        wrong, right, failing = (Path(work) / name for name in ("wrong.md", "right.md", "failing.md"))
        wrong.write_text(WRONG)
        found = {line.split(": ", 1)[1] for line in Document(wrong).mistakes(vocabulary)}
        assert found == EXPECTED, found ^ EXPECTED
        right.write_text(RIGHT)
        assert not Document(right).mistakes(vocabulary), Document(right).mistakes(vocabulary)
        assert len(Document(right).scripts) == 1
        if run(neffs, right) == 77:
            return 77
        assert run(neffs, right) == 0
        failing.write_text("```sh test\nneffs umount\n```\n```sh test\ntrue\n```\n")  # nothing is mounted
        assert run(neffs, failing) not in (0, 77)
    return 0


def main():
    what, neffs, *paths = sys.argv[1:]
    if what == "words":
        return words(neffs, paths)
    return run(neffs, paths[0]) if what == "run" else self_test(neffs)


sys.exit(main())
