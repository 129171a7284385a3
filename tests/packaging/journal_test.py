#!/usr/bin/env python3
"""What a mount says to the journal: journal_test.py NEFFS, with a demo Hub in HF_ENDPOINT. The journal is a socket
in a /run of the test's own."""
import os
import re
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

REPO = "aws-neuron/optimum-neuron-cache"


def fields_of(datagram):
    """As journald reads them."""
    fields = {}
    while datagram:
        line, _, rest = datagram.partition(b"\n")
        name, has_value, value = line.partition(b"=")
        if not has_value:
            size = int.from_bytes(rest[:8], "little")
            value, rest = rest[8:8 + size], rest[8 + size + 1:]
        fields[name.decode()] = value.decode()
        datagram = rest
    return fields


def serve(neffs, mountpoint, work, stream):
    """What stderr got of a service that is told to reload, and ends."""
    said = work / "stderr"
    with said.open("w") as stderr:
        status = os.fstat(stderr.fileno())
        environment = {"PATH": os.environ["PATH"], "HOME": str(work), "HF_ENDPOINT": os.environ["HF_ENDPOINT"],
                       "JOURNAL_STREAM": stream or f"{status.st_dev}:{status.st_ino}"}
        daemon = subprocess.Popen([neffs, "mount", "-f", REPO, mountpoint], env=environment, text=True,
                                  stdout=subprocess.PIPE, stderr=stderr, start_new_session=True)
    for line in daemon.stdout:
        if line.startswith("data "):
            break
    subprocess.run(["kill", "-HUP", str(daemon.pid)], check=True)
    return daemon, said


def check(neffs, work):
    mountpoint = work / "mnt"
    mountpoint.mkdir()
    Path("/run/systemd/journal").mkdir(parents=True)
    journal = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    journal.bind("/run/systemd/journal/socket")
    journal.settimeout(60)

    daemon, said = serve(neffs, mountpoint, work, None)
    heard = fields_of(journal.recv(65536))
    while "reloaded" not in heard["MESSAGE"]:
        heard = fields_of(journal.recv(65536))
    daemon.terminate()
    daemon.communicate(timeout=60)
    assert daemon.returncode == 0
    assert heard == {"SYSLOG_IDENTIFIER": "neffs", "PRIORITY": "6", "MESSAGE": "reloaded; token: anonymous",
                     "NEFFS_MOUNTPOINT": str(mountpoint), "NEFFS_REPO": REPO}, heard
    assert "reloaded" not in said.read_text(), "it is said twice"

    # Another's stream, as that of a service whose child has redirected its stderr.
    daemon, said = serve(neffs, mountpoint, work, "1:1")
    while "reloaded" not in said.read_text():
        assert daemon.poll() is None, said.read_text()
    daemon.terminate()
    daemon.communicate(timeout=60)

    # A daemon.
    subprocess.run([neffs, "mount", REPO, mountpoint], check=True, stdout=subprocess.DEVNULL)
    status = subprocess.run([neffs, "status", mountpoint, "--json"], check=True, capture_output=True, text=True).stdout
    subprocess.run(["kill", "-HUP", re.search(r'"pid": ?(\d+)', status)[1]], check=True)
    while "reloaded" not in (heard := fields_of(journal.recv(65536)))["MESSAGE"]:
        pass
    assert heard["NEFFS_MOUNTPOINT"] == str(mountpoint)
    subprocess.run([neffs, "umount", mountpoint], check=True)


def main():
    if sys.argv[1] != "--inside":
        if os.geteuid() != 0 or not os.path.exists("/dev/fuse"):
            print("skipped: only root can mount, with /dev/fuse")
            sys.exit(77)
        os.execvp("unshare", ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation",
                              "private", sys.argv[0], "--inside", sys.argv[1]])
    subprocess.run(["mount", "-t", "tmpfs", "none", "/run"], check=True)
    with tempfile.TemporaryDirectory(prefix="neffs-journal-", dir="/var/tmp") as work:
        check(sys.argv[2], Path(work))


main()
