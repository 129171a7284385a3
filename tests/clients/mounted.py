"""A mount of a repo on the test Hub that publishes, for scripts that use it beside a client.

Needs root and /dev/fuse; the variables HF_ENDPOINT, HF_HOME and NEFFS, the program.
"""

import json
import os
import subprocess
import threading
from pathlib import Path

NEFFS = os.environ["NEFFS"]
TOKEN = "hf_demo"


def why_not():
    """Why nothing can be mounted here; "" if it can."""
    if os.geteuid() != 0:
        return "mounting as root needs root"
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        return "there is no /dev/fuse"
    return ""


class Mount:
    """One daemon, our child, over a directory that is made for it."""

    def __init__(self, repo, root, *options):
        self.root = Path(root)
        self.root.mkdir()
        # Nothing asks the Hub by itself, so that requests can be counted.
        words = ",".join(("commit_interval=0", "settle=0.2", *options))
        self._daemon = subprocess.Popen(
            # It does not outlive a script that is killed.
            ["setpriv", "--pdeathsig", "TERM", NEFFS, "mount", repo, self.root, "-f", "-o", words],
            env={**os.environ, "HF_TOKEN": TOKEN},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._err = []
        threading.Thread(target=self._listen, daemon=True).start()
        for line in self._daemon.stdout:
            if line.startswith("data "):
                break
        else:
            raise RuntimeError(f"not mounted: {self.said()}")

    def _listen(self):
        self._err.extend(self._daemon.stderr)

    @property
    def pid(self):
        return self._daemon.pid

    def said(self):
        return "".join(self._err)

    def neffs(self, *words):
        return subprocess.run([NEFFS, *words], capture_output=True, text=True, timeout=300)

    def push_status(self):
        return json.loads(self.neffs("status", self.root, "--json").stdout)["push"]

    def flush(self):
        """Its exit code, and what it says."""
        ended = self.neffs("flush", self.root, "--timeout", "120")
        return ended.returncode, ended.stdout + ended.stderr

    def memory_peak(self):
        """Of the daemon, in bytes."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
        raise RuntimeError("no VmHWM")

    def end(self):
        """Unmounts; the directory below is an ordinary cache then."""
        if self._daemon.poll() is None:
            self._daemon.terminate()
        code = self._daemon.wait(timeout=30)
        if os.path.ismount(self.root):
            subprocess.run(["umount", "-l", self.root], check=False)
        return code
