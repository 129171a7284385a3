"""Lets NeuronTrainer's own push, by the official client, go over a mount that publishes.

usage: check_trainer.py, with the variables of mounted.py; 77 if nothing can be mounted here
"""

import hashlib
import random
import sys
import threading
import unittest
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import hub_control as control
import mounted
import trainer
from huggingface_hub import HfApi
from huggingface_hub.utils import logging

VERSION = "neuronxcc-2.21.33363.0+82129205"
TOKEN = mounted.TOKEN


def noise(seed, size):
    """Bytes that are binary at first sight."""
    return b"\0" + random.Random(seed).randbytes(size - 1)


def module(number, flavour=0):
    """The files of a compiled module by their paths; the NEFF is another with each flavour."""
    files = {
        "model.hlo_module.pb": noise(number, 3_000),
        "compile_flags.json": b'["--number=%d"]' % number,
        "model.neff": noise(1_000_000 * (flavour + 1) + number, 60_000),
        "model.done": b"",
    }
    path = f"{VERSION}/MODULE_{1_000_000 + number}+e30acd3a"
    return {f"{path}/{name}": data for name, data in files.items()}


def modules(numbers):
    return {path: data for number in numbers for path, data in module(number).items()}


def folder(path):
    return path.rsplit("/", 1)[0]


def digests(files):
    return {path: hashlib.sha256(data).hexdigest() for path, data in files.items()}


class Trainer(unittest.TestCase):
    def setUp(self):
        control.reset()
        control.post("settings", latency_ms=0)
        self.api = HfApi(token=TOKEN)
        temporary = TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.directory = Path(temporary.name)
        name = self.id().rsplit(".", 1)[1].replace("_", "-")
        self.repo = self.api.create_repo(f"my-team/{name}", private=True).repo_id
        role = {self.repo: "write", "my-team/neuron-cache": "write"}
        control.post("tokens", token=TOKEN, user="demo", roles=role, organizations=["my-team"])

    # What it is made of

    def mount(self, *options):
        mount = mounted.Mount(self.repo, self.directory / "cache", *options)
        self.addCleanup(self.end, mount)
        return mount

    def end(self, mount):
        code = mount.end()
        self.assertEqual(code, 0, mount.said())

    def compile(self, mount, files):
        for path, data in files.items():
            (mount.root / path).parent.mkdir(parents=True, exist_ok=True)
            (mount.root / path).write_bytes(data)

    @contextmanager
    def held_back(self, mount, files):
        """A module that somebody has open for writing waits, and so does `neffs`."""
        names = [mount.root / path for path in files if path.endswith("compile_flags.json")]
        with ExitStack() as open_files:
            for name in names:
                name.parent.mkdir(parents=True, exist_ok=True)
                open_files.enter_context(open(name, "ab"))
            self.compile(mount, files)
            yield

    def commit_elsewhere(self, files):
        """As another host does."""
        source = self.directory / "elsewhere"
        for path, data in files.items():
            (source / path).parent.mkdir(parents=True, exist_ok=True)
            (source / path).write_bytes(data)
        self.api.upload_folder(repo_id=self.repo, folder_path=source)

    def synchronize(self, mount):
        return trainer.synchronize(mount.root, self.repo, TOKEN, longest_wait=0.2)

    def flush(self, mount):
        code, said = mount.flush()
        self.assertEqual(code, 0, said)

    def hold_commits(self):
        """The next one runs until this is called; others are told so with a 409."""
        gate = control.post("hold", match={"kind": "commit"}, while_committing=True)["gate"]
        self.addCleanup(control.post, "release", gate=gate)
        return lambda: control.post("release", gate=gate)

    def at_once(self, work):
        """Starts it in a thread; the function that is returned waits for it and what it raised."""
        raised = []

        def run():
            try:
                work()
            except BaseException as error:  # noqa: B902: handed on below
                raised.append(error)

        thread = threading.Thread(target=run)
        thread.start()

        def join():
            thread.join()
            if raised:
                raise raised[0]

        return join

    # What is looked at

    def head(self):
        return self.api.repo_info(self.repo).sha

    def in_repo(self, revision="main"):
        files = control.get("files", repo=self.repo, revision=revision)
        return {path: file["sha256"] for path, file in files.items() if path.startswith("neuronxcc")}

    def steps(self):
        """Every commit, oldest first: its title and what it added or changed."""
        before = {}
        for commit in reversed(self.api.list_repo_commits(self.repo)):
            after = self.in_repo(commit.commit_id)
            changed = {path for path, sha in after.items() if before.get(path) != sha}
            self.assertLessEqual(before.keys(), after.keys(), commit.title)
            yield commit.title, changed, after
            before = after

    def expect_untorn(self, *wholes):
        """No commit of neffs leaves a module that is not wholly one of these; none comes twice."""
        seen = {}
        for title, changed, after in self.steps():
            for path in changed:
                seen.setdefault((path, after[path]), []).append(title)
            if title == trainer.MESSAGE:
                continue
            for name in {folder(path) for path in changed}:
                have = {path: sha for path, sha in after.items() if folder(path) == name}
                self.assertTrue(any(have == whole.get(name) for whole in wholes), (title, name))
        for path, titles in seen.items():
            self.assertEqual(len(titles), 1, path)

    @staticmethod
    def by_module(files):
        wholes = {}
        for path, sha in digests(files).items():
            wholes.setdefault(folder(path), {})[path] = sha
        return wholes

    def writes(self, client):
        """What changes something on the Hub: by the client, or by neffs."""
        kinds = ("lfs-put", "lfs-put-part", "lfs-complete", "commit")
        requests = (r for kind in kinds for r in control.get("requests", kind=kind))
        # The client puts bytes to a signed URL without its name.
        return [r for r in requests if r["user_agent"].startswith("neffs") != client]

    # 1. After everything was published

    def test_after_all_is_published_nothing_is_sent(self):
        elsewhere = modules(range(100, 104))
        self.commit_elsewhere(elsewhere)
        mount = self.mount()
        ours = modules(range(12))
        self.compile(mount, ours)
        self.compile(mount, {"lock": b""})
        self.flush(mount)
        head = self.head()
        control.reset()
        self.assertEqual(self.synchronize(mount), 1)
        self.assertEqual(self.writes(client=True), [])
        self.assertEqual(self.head(), head)
        # The modules of others were not even asked for, nor was anything of ours fetched back.
        asked = [r["target"] for k in ("resolve-get", "cdn-get") for r in control.get("requests", kind=k)]
        self.assertEqual([target for target in asked if "MODULE_" in target], [])
        self.assertEqual(self.writes(client=False), [])
        self.flush(mount)
        self.assertEqual(self.head(), head)
        self.assertEqual(self.in_repo(), digests(ours | elsewhere))
        for path in control.get("files", repo=self.repo):
            self.assertFalse(path.startswith((".cache", ".neffs", "lock")), path)
        self.assertEqual(mount.end(), 0)
        here = {p.relative_to(mount.root).as_posix() for p in mount.root.glob("neuronxcc-*/*/*")}
        self.assertEqual(here, ours.keys())

    # Of a repo's root only compiler folders are listed: the client finds nothing else to send back.
    def test_what_is_no_module_and_was_changed_since_stays(self):
        self.commit_elsewhere({"README.md": b"# Old\n"})
        mount = self.mount()
        self.compile(mount, module(1))
        self.flush(mount)
        self.synchronize(mount)
        self.commit_elsewhere({"README.md": b"# New\n"} | module(2))
        before = control.get("files", repo=self.repo)
        self.synchronize(mount)
        self.assertEqual(control.get("files", repo=self.repo), before)

    # 2. While modules are queued

    def expect_all_once(self, mount, files, pushed):
        self.flush(mount)
        self.assertEqual(self.in_repo(), digests(files))
        self.expect_untorn(self.by_module(files))
        status = mount.push_status()
        counts = {state: status[state] for state in ("pushed", "superseded", "queued", "waiting")}
        self.assertEqual(
            counts, {"pushed": pushed, "superseded": 0, "queued": 0, "waiting": 0}, status
        )
        head = self.head()
        self.synchronize(mount)
        self.flush(mount)
        self.assertEqual(self.head(), head)

    def test_a_commit_of_neffs_is_running(self):
        mount = self.mount()
        files = modules(range(8))
        control.reset()
        go_on = self.hold_commits()
        with self.held_back(mount, files):
            pass
        flushed = self.at_once(lambda: self.flush(mount))
        control.get("wait", kind="commit", count=1)
        tries = []
        synchronized = self.at_once(lambda: tries.append(self.synchronize(mount)))
        control.get("wait", kind="commit", count=2)  # it gets a 409
        go_on()
        synchronized()
        flushed()
        self.assertGreater(tries[0], 1)
        self.expect_all_once(mount, files, pushed=8)

    def test_a_commit_of_the_trainer_is_running(self):
        mount = self.mount()
        files = modules(range(8))
        with self.held_back(mount, files):
            control.reset()
            go_on = self.hold_commits()
            synchronized = self.at_once(lambda: self.synchronize(mount))
            control.get("wait", kind="commit", count=1)
        flushed = self.at_once(lambda: self.flush(mount))
        control.get("wait", kind="commit", count=2)
        go_on()
        synchronized()
        flushed()
        self.expect_all_once(mount, files, pushed=8)
        self.assertEqual(mount.push_status()["commits"], 0)

    def test_both_push_at_the_same_time(self):
        theirs = {}
        for number in (5, 25):
            theirs |= module(number, flavour=1)
        self.commit_elsewhere(theirs)
        mount = self.mount("settle=0")
        control.post("settings", latency_ms=5)
        for first in range(0, 30, 5):
            self.compile(mount, modules(range(first, first + 5)))
            flushed = self.at_once(lambda: self.flush(mount))
            self.synchronize(mount)
            flushed()
        control.post("settings", latency_ms=0)
        self.flush(mount)
        ours = modules(range(30))
        mine, their = self.by_module(ours), self.by_module(theirs)
        self.expect_untorn(mine, their)
        have = {}
        for path, sha in self.in_repo().items():
            have.setdefault(folder(path), {})[path] = sha
        self.assertEqual(have.keys(), mine.keys())
        for name, files in have.items():
            self.assertIn(files, (mine[name], their.get(name)), name)
        status = mount.push_status()
        self.assertEqual(status["pushed"] + status["superseded"], 30, status)
        self.assertEqual((status["queued"], status["waiting"], status["failed"]), (0, 0, 0), status)

    # 3. What upload_folder pushed

    def test_the_queue_sees_what_the_trainer_pushed(self):
        mount = self.mount()
        files = modules(range(8))
        with self.held_back(mount, files):
            self.synchronize(mount)
            head = self.head()
            self.assertEqual(self.in_repo(), digests(files))
            control.reset()
        self.flush(mount)
        self.assertEqual(self.writes(client=False), [])
        self.assertEqual(self.head(), head)
        status = mount.push_status()
        self.assertEqual((status["pushed"], status["commits"]), (8, 0), status)
        for path, data in files.items():
            self.assertEqual((mount.root / path).read_bytes(), data)


if __name__ == "__main__":
    logging.set_verbosity_error()
    reason = mounted.why_not()
    if reason:
        print(f"skipped: {reason}")
        sys.exit(77)
    unittest.main(verbosity=2)
