#!/usr/bin/env python3
"""The unit of systemd without systemd as the first process, which systemd_test.sh has: unit_test.py UNIT NEFFS,
with a demo Hub in HF_ENDPOINT.

What it lets the program do is compared with what the program does while it mounts, serves, publishes nothing and
ends, with the unit's capabilities and its own words, and a socket in NOTIFY_SOCKET.
"""
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

REPO = "aws-neuron/optimum-neuron-cache"
MODULE = "neuronxcc-2.21.33363.0+82129205/MODULE_18108742649528384371+e30acd3a"
# Those that make no mount namespace, nor change what is mounted where. systemd.exec(5) says of all the others
# that are not here, as ProtectSystem=, PrivateTmp=, ReadWritePaths=, that they do, or nobody has looked.
HARMLESS = {
    "Type", "Environment", "EnvironmentFile", "LoadCredential", "ExecStart", "ExecReload", "Restart", "RestartSec",
    "RestartPreventExitStatus", "TimeoutStartSec", "TimeoutStopSec", "OOMScoreAdjust", "LimitNOFILE",
    "CapabilityBoundingSet", "NoNewPrivileges", "SystemCallArchitectures", "SystemCallFilter",
    "SystemCallErrorNumber", "RestrictAddressFamilies", "RestrictNamespaces", "RestrictRealtime", "LockPersonality",
    "MemoryDenyWriteExecute",
}


def skip(why):
    print("skipped:", why)
    sys.exit(77)


def read_service(path):
    section, options = "", {}
    for line in path.read_text().splitlines():
        line = line.strip()
        if not line or line[0] in "#;":
            continue
        if line.startswith("["):
            section = line
        elif section == "[Service]":
            name, value = line.split("=", 1)
            assert name not in options, f"{name}= stands there twice"
            options[name] = value
    return options


def check_verified(unit, program, work):
    """systemd-analyze takes it without a word, with the program where the package has it."""
    if shutil.which("systemd-analyze") is None:
        print("not checked: there is no systemd-analyze")
        return
    copy = work / "neffs@.service"
    text = unit.read_text()
    assert text.count("ExecStart=neffs ") == 1
    copy.write_text(text.replace("ExecStart=neffs ", f"ExecStart={program} "))
    (work / "neffs@try.service").symlink_to("neffs@.service")
    # Pages of the manual are where the package has put them.
    ended = subprocess.run(["systemd-analyze", "verify", "--man=no", work / "neffs@try.service"],
                           capture_output=True, text=True)
    said = [line for line in (ended.stdout + ended.stderr).splitlines() if "neffs" in line]
    assert ended.returncode == 0 and not said, said or ended.stderr


def words_of(service, variables):
    """As systemd makes them: ${NAME} is one word or part of one, $NAME as many as it has."""
    words = []
    for word in shlex.split(service["ExecStart"])[1:]:
        whole = re.fullmatch(r"\$(\w+)", word)
        if whole:
            words += variables.get(whole[1], "").split()
        else:
            words.append(re.sub(r"\$\{(\w+)\}", lambda name: variables.get(name[1], ""), word))
    return words


def defaults_of(service):
    return dict(word.split("=", 1) for word in service["Environment"].split())


def allowed_calls(service):
    allowed = set()
    waiting = service["SystemCallFilter"].split()
    while waiting:
        name = waiting.pop()
        if not name.startswith("@"):
            allowed.add(name)
            continue
        ended = subprocess.run(["systemd-analyze", "syscall-filter", name], capture_output=True, text=True, check=True)
        waiting += [line.strip() for line in ended.stdout.splitlines()[1:]
                    if line.startswith(" ") and not line.strip().startswith("#")]
    return allowed


def use(mountpoint):
    """What trainings and their users do, as root."""
    neff = mountpoint / MODULE / "model.neff"
    assert neff.read_bytes()
    assert list(mountpoint.iterdir())
    folder = mountpoint / "neuronxcc-2.21.33363.0+82129205" / "MODULE_1234567890123456789+abcdef01"
    folder.mkdir()
    (folder / "model.hlo_module.pb.lock").touch()
    (folder / "model.neff").write_bytes(b"neff" * 1000)
    os.chown(folder / "model.neff", 65534, 65534)
    os.chmod(folder / "model.neff", 0o640)
    os.setxattr(folder / "model.neff", "user.who", b"me")
    os.mkfifo(folder / "pipe")
    os.link(folder / "model.neff", folder / "linked")
    os.symlink("model.neff", folder / "symlink")
    os.rename(folder / "linked", folder / "renamed")
    folder.chmod(0o777)
    subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "sh", "-c", f"echo x >{folder}/theirs"],
                   check=True)
    assert (folder / "theirs").stat().st_uid == 65534
    (folder / "renamed").unlink()
    (folder / "model.hlo_module.pb.lock").unlink()
    os.truncate(folder / "model.neff", 100)
    shutil.rmtree(folder)


def check_serving(service, program, work):
    if os.geteuid() != 0 or not os.path.exists("/dev/fuse"):
        skip("only root can mount, with /dev/fuse")
    mountpoint = work / "mnt"
    mountpoint.mkdir()
    credentials = work / "credentials"
    credentials.mkdir()
    (credentials / "token").write_text("hf_demo\n")
    notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    notify.bind(str(work / "notify"))
    notify.settimeout(60)

    variables = defaults_of(service) | {"NEFFS_MOUNTPOINT": str(mountpoint), "NEFFS_SOURCE": REPO}
    capabilities = ",".join("+" + name.removeprefix("CAP_").lower() for name in service["CapabilityBoundingSet"].split())
    words = ["setpriv", f"--bounding-set=-all,{capabilities}"]
    if service["NoNewPrivileges"] == "yes":
        words.append("--no-new-privs")
    trace = work / "trace"
    if shutil.which("strace"):
        words = ["strace", "-f", "-qq", "-o", str(trace), "-e", "signal=none"] + words
    environment = {"PATH": os.environ["PATH"], "HF_ENDPOINT": os.environ["HF_ENDPOINT"], "HOME": str(work),
                   "NOTIFY_SOCKET": str(work / "notify"), "CREDENTIALS_DIRECTORY": str(credentials)}
    daemon = subprocess.Popen(words + [program] + words_of(service, variables), env=environment, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        said = notify.recv(4096).decode()
        assert said == f"READY=1\nSTATUS={REPO} on {mountpoint}", said
        # As soon as it is ready it answers, to those who are not its children.
        status = subprocess.run([program, "status", str(mountpoint), "--json"], env=environment, check=True,
                                capture_output=True, text=True).stdout
        assert '"mounted": true' in status or '"mounted":true' in status, status
        assert '"passthrough"' in status
        use(mountpoint)
        # What ExecReload= does leaves the mount alone.
        # kill(1) is in a package that a small system lacks.
        words = shlex.split(service["ExecReload"])
        assert words == ["sh", "-c", 'kill -HUP "$MAINPID"'], words
        pid = re.search(r'"pid": ?(\d+)', status)[1]
        subprocess.run(words, env={"MAINPID": pid}, check=True)
        use(mountpoint)
        subprocess.run([program, "umount", str(mountpoint)], env=environment, check=True)
        out, _ = daemon.communicate(timeout=60)
    finally:
        if daemon.poll() is None:
            daemon.kill()
            subprocess.run(["umount", "--lazy", str(mountpoint)], stderr=subprocess.DEVNULL)
    assert daemon.returncode == 0, out
    assert f"token    {credentials}/token" in out, out
    assert f"reloaded; token: {credentials}/token" in out, out
    if not trace.exists() or shutil.which("systemd-analyze") is None:
        print("not compared with the filter: strace or systemd-analyze is missing")
        return
    made = set(re.findall(r"^\d+ +(?:<\.\.\. )?([a-z_0-9]+)(?:\(| resumed)", trace.read_text(), re.MULTILINE))
    assert {"mount", "openat2", "unshare"} & made, sorted(made)
    forbidden = made - allowed_calls(service)
    assert not forbidden, f"the filter would refuse {sorted(forbidden)}"


def main():
    unit, program = Path(sys.argv[1]), sys.argv[2]
    service = read_service(unit)
    assert set(service) <= HARMLESS, f"may make a mount namespace: {sorted(set(service) - HARMLESS)}"
    assert service["Type"] == "notify"
    assert words_of(service, defaults_of(service)) == ["mount", "-f", "-o", "", "/var/tmp/neuron-compile-cache"]
    with tempfile.TemporaryDirectory(prefix="neffs-unit-", dir="/var/tmp") as work:
        os.chmod(work, 0o711)  # others go through it to the mount
        check_verified(unit, program, Path(work))
        check_serving(service, program, Path(work))


main()
