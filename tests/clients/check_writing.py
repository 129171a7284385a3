"""Writes to the test Hub with the official Python client, and reads back what arrived."""

import hashlib
import os
import random
import threading
import unittest
from pathlib import Path
from tempfile import TemporaryDirectory

import hub_control as control
from huggingface_hub import CommitOperationAdd, CommitOperationCopy, CommitOperationDelete
from huggingface_hub import HfApi, hf_hub_download, snapshot_download
from huggingface_hub.errors import BadRequestError, HfHubHTTPError, RepositoryNotFoundError

TOKEN = "hf_demo"


def noise(seed, size):
    """Bytes that are binary at first sight."""
    return b"\0" + random.Random(seed).randbytes(size - 1)


def sha256(data):
    return hashlib.sha256(data).hexdigest()


class Writing(unittest.TestCase):
    def setUp(self):
        control.reset()
        control.post("settings", limits={"parts_from": 32_000_000, "part_size": 16_000_000})
        self.api = HfApi(token=TOKEN)
        temporary = TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.directory = Path(temporary.name)
        name = self.id().rsplit(".", 1)[1].replace("_", "-")
        self.repo = self.api.create_repo(f"my-team/{name}", private=True).repo_id

    def files(self, revision="main"):
        """What the Hub holds, not taken from the wire."""
        return control.get("files", repo=self.repo, revision=revision)

    def upload(self, path, data, **options):
        return self.api.upload_file(
            repo_id=self.repo, path_in_repo=path, path_or_fileobj=data, **options
        )

    def download(self, path, **options):
        cache = self.directory / "cache"
        found = hf_hub_download(self.repo, path, token=TOKEN, cache_dir=cache, **options)
        return Path(found).read_bytes()

    def commit(self, operations, **options):
        return self.api.create_commit(self.repo, operations, commit_message="Change", **options)

    def assert_holds(self, path, data):
        self.assertEqual(self.files()[path], {"sha256": sha256(data), "size": len(data)})
        self.assertEqual(self.download(path), data)

    # Repos

    def test_new_repos_hold_one_commit(self):
        self.assertTrue(self.api.repo_info(self.repo).private)
        self.assertEqual(self.api.list_repo_files(self.repo), [".gitattributes"])
        (commit,) = self.api.list_repo_commits(self.repo)
        self.assertEqual((commit.title, commit.message), ("initial commit", ""))
        self.api.auth_check(self.repo, write=True)

    def test_repos_are_made_once(self):
        again = self.api.create_repo(self.repo, exist_ok=True)
        self.assertEqual(again.repo_id, self.repo)
        with self.assertRaises(HfHubHTTPError) as caught:
            self.api.create_repo(self.repo)
        self.assertEqual(caught.exception.response.status_code, 409)
        self.assertEqual(self.api.create_repo("own-repo").repo_id, "demo/own-repo")
        self.assertFalse(self.api.repo_info("demo/own-repo").private)
        with self.assertRaises(HfHubHTTPError):
            self.api.create_repo("somebody/else")

    # Files

    def test_small_and_large_files_come_back(self):
        text = b'{"a": 1}\n'
        large = noise(1, 300_000)
        self.upload("a/config.json", text)
        self.upload("a/model.neff", large)
        self.upload("a/model.done", b"")
        for path, data in (("a/config.json", text), ("a/model.neff", large), ("a/model.done", b"")):
            self.assert_holds(path, data)
        entries = {e.path: e for e in self.api.list_repo_tree(self.repo, "a")}
        self.assertEqual(entries["a/model.neff"].lfs.sha256, sha256(large))
        self.assertIsNone(entries["a/config.json"].lfs)
        self.assertIsNone(entries["a/model.done"].lfs)

    def test_parts_are_put_together(self):
        control.post("settings", limits={"parts_from": 100_000, "part_size": 70_000})
        data = noise(2, 1_000_001)
        self.upload("model.neff", data)
        self.assert_holds("model.neff", data)
        counts = control.get("counts")
        self.assertEqual((counts["lfs-put-part"], counts["lfs-complete"]), (15, 1))
        self.assertTrue(all(not put["authorized"] for put in control.get("requests", host="cdn")))

    def test_names_that_need_encoding(self):
        for path in ("odd/a b.bin", "odd/a#b?c.txt", "odd/100%.txt", "odd/é+&=[x].txt"):
            data = noise(3, 5000) if path.endswith(".bin") else path.encode()
            self.upload(path, data)
            self.assert_holds(path, data)

    def test_the_hub_tracks_what_no_pattern_covers(self):
        self.upload("m/a b[1].neff", noise(4, 2000))
        lines = self.download(".gitattributes").decode().splitlines()
        self.assertIn(r"m/a[[:space:]]b\[1].neff filter=lfs diff=lfs merge=lfs -text", lines)

    def test_nothing_is_uploaded_twice(self):
        data = noise(5, 100_000)
        self.upload("one.neff", data)
        control.reset()
        self.upload("two.neff", data)
        self.assertNotIn("lfs-put", control.get("counts"))
        self.assert_holds("two.neff", data)
        head = self.api.repo_info(self.repo).sha
        self.upload("two.neff", data)  # nothing to do: no commit
        self.assertEqual(self.api.repo_info(self.repo).sha, head)

    def test_ignored_files_stay_away(self):
        self.upload(".gitignore", b"*.log\n/tmp/\n")
        self.commit([CommitOperationAdd("x.log", b"x"), CommitOperationAdd("y.txt", b"y")])
        self.assertNotIn("x.log", self.files())
        self.assert_holds("y.txt", b"y")

    def test_cards_are_looked_at(self):
        self.upload("README.md", b"---\nlicense: apache-2.0\ntags:\n- neuron\n---\n# Cache\n")
        with self.assertRaises(ValueError):
            self.upload("README.md", b"---\nlicense apache\n---\n")

    # Folders

    def test_folders_come_back(self):
        tree = {
            f"neuronxcc-2.21/MODULE_{n}+abcdef01/{name}": data
            for n in range(30)
            for name, data in (
                ("compile_flags.json", b'["--target=trn1"]'),
                ("model.hlo_module.pb", noise(n, 3000)),
                ("model.neff", noise(100 + n, 20_000)),
                ("model.done", b""),
            )
        }
        source = self.directory / "source"
        for path, data in tree.items():
            (source / path).parent.mkdir(parents=True, exist_ok=True)
            (source / path).write_bytes(data)
        self.api.upload_folder(repo_id=self.repo, folder_path=source)
        held = {path: file["sha256"] for path, file in self.files().items()}
        self.assertEqual(held.keys(), tree.keys() | {".gitattributes"})
        self.assertTrue(all(held[path] == sha256(data) for path, data in tree.items()))
        target = self.directory / "target"
        snapshot_download(self.repo, token=TOKEN, local_dir=target)
        for path, data in tree.items():
            self.assertEqual((target / path).read_bytes(), data)

    def test_deleting(self):
        files = ["a/1", "a/2", "b/1", "c"]
        self.commit([CommitOperationAdd(path, path.encode()) for path in files])
        self.api.delete_file("c", self.repo)
        self.api.delete_folder("a", self.repo)
        self.assertEqual(self.files().keys(), {"b/1", ".gitattributes"})
        with self.assertRaises(HfHubHTTPError) as caught:
            self.api.delete_file("c", self.repo)
        self.assertEqual(caught.exception.response.status_code, 404)

    def test_copying_and_moving(self):
        data = noise(6, 50_000)
        self.upload("old.neff", data)
        control.reset()
        self.commit(
            [CommitOperationCopy("old.neff", "new.neff"), CommitOperationDelete("old.neff")]
        )
        self.assertNotIn("lfs-put", control.get("counts"))
        self.assertNotIn("old.neff", self.files())
        self.assert_holds("new.neff", data)

    # Commits

    def test_parent_commits_are_compared(self):
        first = self.upload("a", b"a")
        second = self.commit([CommitOperationAdd("b", b"b")], parent_commit=first.oid)
        with self.assertRaises(HfHubHTTPError) as caught:
            self.commit([CommitOperationAdd("c", b"c")], parent_commit=first.oid)
        self.assertEqual(caught.exception.response.status_code, 412)
        self.assertEqual(self.api.repo_info(self.repo).sha, second.oid)
        commits = self.api.list_repo_commits(self.repo)
        self.assertEqual([c.commit_id for c in commits[:2]], [second.oid, first.oid])
        self.assertEqual(commits[0].authors, ["demo"])

    def test_branches(self):
        self.api.create_branch(self.repo, branch="dev")
        self.upload("dev.txt", b"d", revision="dev")
        self.assertIn("dev.txt", self.files("dev"))
        self.assertNotIn("dev.txt", self.files())
        with self.assertRaises(HfHubHTTPError) as caught:
            self.upload("x", b"x", revision="no-such")
        self.assertEqual(caught.exception.response.status_code, 404)

    def test_commits_at_once_lose_nothing(self):
        def write(number):
            for _ in range(100):
                try:
                    self.upload(f"{number}.txt", str(number).encode())
                    return
                except HfHubHTTPError as error:
                    if error.response.status_code != 409:
                        raise

        writers = [threading.Thread(target=write, args=(n,)) for n in range(8)]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        self.assertLessEqual({f"{n}.txt" for n in range(8)}, self.files().keys())

    # Refusals

    def test_rights_are_asked_for(self):
        control.post("tokens", token="hf_read", user="reader", roles={self.repo: "read"})
        with self.assertRaises(HfHubHTTPError) as caught:
            self.upload("x", b"x", token="hf_read")
        self.assertEqual(caught.exception.response.status_code, 403)
        control.post("tokens", token="hf_nobody", user="nobody")
        with self.assertRaises(RepositoryNotFoundError):
            self.upload("x", b"x", token="hf_nobody")

    def test_full_folders_are_refused(self):
        control.post("settings", limits={"directory_entries": 5})
        self.addCleanup(control.post, "settings", limits={"directory_entries": 10_000})
        self.commit([CommitOperationAdd(f"d/{n}", b"x") for n in range(5)])
        with self.assertRaises(BadRequestError):
            self.upload("d/5", b"x")

    def test_transient_failures_are_survived(self):
        for kind in ("preupload", "lfs-batch", "lfs-put", "lfs-verify"):
            control.post(
                "faults", match={"kind": kind}, times=1, fault={"type": "answer", "status": 503}
            )
        data = noise(7, 200_000)
        self.upload("model.neff", data)
        self.assert_holds("model.neff", data)


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    unittest.main(verbosity=2)
