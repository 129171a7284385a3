"""Reads the test Hub with the official Python client: it must find nothing to object to."""

import hashlib
import os
import tempfile
import unittest
from pathlib import Path

import hub_control as control
from huggingface_hub import HfApi, hf_hub_download, hf_hub_url, get_hf_file_metadata
from huggingface_hub import snapshot_download
from huggingface_hub.errors import (
    DisabledRepoError,
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

REPO = "aws-neuron/optimum-neuron-cache"
VERSION = "neuronxcc-2.21.33363.0+82129205"
NEFF = f"{VERSION}/MODULE_3f9ac41d07be52816a0c+839ddec0/model.neff"
DONE = f"{VERSION}/MODULE_3f9ac41d07be52816a0c+839ddec0/model.done"


def sha256(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


class Reading(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        control.reset()
        cls.files = control.get("files", repo=REPO)

    def setUp(self):
        control.reset()
        self.api = HfApi()
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.directory = Path(temporary.name)

    def assert_holds_everything(self, root, files):
        found = {
            path.relative_to(root).as_posix(): sha256(path)
            for path in Path(root).rglob("*")
            if path.is_file() and ".cache" not in path.relative_to(root).parts
        }
        self.assertEqual(found, {path: file["sha256"] for path, file in files.items()})

    # Listing

    def test_lists_one_directory(self):
        names = {entry.path for entry in self.api.list_repo_tree(REPO)}
        self.assertEqual(names, {path.split("/")[0] for path in self.files})
        below = {entry.path for entry in self.api.list_repo_tree(REPO, VERSION)}
        expected = {p.split("/")[1] for p in self.files if p.startswith(VERSION + "/")}
        self.assertEqual(below, {f"{VERSION}/{name}" for name in expected})

    def test_lists_everything(self):
        self.assertEqual(set(self.api.list_repo_files(REPO)), set(self.files))
        for entry in self.api.list_repo_tree(REPO, recursive=True):
            if hasattr(entry, "blob_id"):
                self.assertEqual(entry.size, self.files[entry.path]["size"], entry.path)
                if entry.lfs:
                    self.assertEqual(entry.lfs.sha256, self.files[entry.path]["sha256"])

    def test_lists_page_by_page(self):
        control.post("settings", page_size=7)
        entries = list(self.api.list_repo_tree(REPO, recursive=True))
        files = [entry.path for entry in entries if hasattr(entry, "blob_id")]
        self.assertEqual(sorted(files), sorted(self.files))
        self.assertGreaterEqual(control.get("counts")["tree"], len(entries) // 7)

    def test_lists_with_details(self):
        for entry in self.api.list_repo_tree(REPO, expand=True):
            self.assertEqual(len(entry.last_commit.oid), 40, entry.path)

    # Looking up

    def test_tells_what_exists(self):
        self.assertTrue(self.api.repo_exists(REPO))
        self.assertFalse(self.api.repo_exists("no/such", token="hf_demo"))
        self.assertTrue(self.api.file_exists(REPO, NEFF))
        self.assertTrue(self.api.file_exists(REPO, DONE))
        self.assertFalse(self.api.file_exists(REPO, "no/such"))
        self.assertTrue(self.api.revision_exists(REPO, "v1"))
        self.assertFalse(self.api.revision_exists(REPO, "no-such"))

    def test_tells_about_paths(self):
        found = self.api.get_paths_info(REPO, [NEFF, "no/such", VERSION], expand=True)
        self.assertEqual({entry.path for entry in found}, {NEFF, VERSION})

    def test_tells_about_large_files(self):
        metadata = get_hf_file_metadata(hf_hub_url(REPO, NEFF))
        self.assertEqual(metadata.size, self.files[NEFF]["size"])
        self.assertEqual(metadata.etag, self.files[NEFF]["sha256"])
        self.assertEqual(metadata.commit_hash, self.api.repo_info(REPO).sha)

    def test_tells_about_small_files(self):
        metadata = get_hf_file_metadata(hf_hub_url(REPO, "README.md"))
        self.assertEqual(metadata.size, self.files["README.md"]["size"])
        (entry,) = self.api.get_paths_info(REPO, "README.md")
        self.assertEqual(metadata.etag, entry.blob_id)
        self.assertEqual(metadata.commit_hash, self.api.repo_info(REPO).sha)

    def test_tells_about_the_repo(self):
        info = self.api.repo_info(REPO, files_metadata=True)
        self.assertEqual(info.id, REPO)
        self.assertFalse(info.private)
        self.assertEqual({file.rfilename for file in info.siblings}, set(self.files))
        few = self.api.model_info(REPO, expand=["sha", "lastModified", "private"])
        self.assertEqual(few.sha, info.sha)

    def test_tells_revisions_and_history(self):
        refs = self.api.list_repo_refs(REPO, include_pull_requests=True)
        commits = self.api.list_repo_commits(REPO)
        self.assertEqual(refs.branches[0].target_commit, commits[0].commit_id)
        self.assertEqual(refs.tags[0].target_commit, commits[1].commit_id)
        self.assertEqual(refs.pull_requests[0].target_commit, commits[1].commit_id)
        self.assertEqual(commits[-1].title, "initial commit")
        for revision in ("v1", "refs/pr/1", commits[1].commit_id):
            info = self.api.repo_info(REPO, revision=revision)
            self.assertEqual(info.sha, commits[1].commit_id)

    def test_follows_renamed_repos(self):
        control.post("repos", name="old/name")
        control.post("commits", repo="old/name", files=[{"path": "a/b.txt", "text": "b"}])
        control.post("renames", **{"from": "old/name", "to": "new/name"})
        self.assertEqual(self.api.repo_info("old/name").id, "new/name")
        self.assertIn("a/b.txt", self.api.list_repo_files("old/name"))
        path = hf_hub_download("old/name", "a/b.txt")
        self.assertEqual(Path(path).read_text(), "b")

    def test_knows_its_caller(self):
        self.assertEqual(self.api.whoami(token="hf_demo")["name"], "demo")
        self.api.auth_check(REPO)
        self.api.auth_check("my-team/neuron-cache", token="hf_demo", write=True)
        with self.assertRaises(HfHubHTTPError):
            self.api.auth_check(REPO, token="hf_demo", write=True)

    # Errors

    def test_missing_and_private_repos_look_alike(self):
        control.post("repos", name="team/private", private=True)
        for repo in ("no/such", "team/private"):
            with self.assertRaises(RepositoryNotFoundError):
                self.api.repo_info(repo, token="hf_demo")
            with self.assertRaises(RepositoryNotFoundError):
                hf_hub_download(repo, ".gitattributes", token="hf_demo")
            # The client takes an anonymous 401 for RepositoryNotFoundError only on https, so what
            # it looks at is looked at here.
            with self.assertRaises(HfHubHTTPError) as caught:
                self.api.repo_info(repo, token=False)
            answer = caught.exception.response
            self.assertEqual(answer.status_code, 401)
            self.assertNotIn("X-Error-Code", answer.headers)
            self.assertEqual(answer.headers["X-Error-Message"], "Invalid username or password.")
        self.assertTrue(self.api.repo_info("my-team/neuron-cache", token="hf_demo").private)

    def test_missing_revisions_are_told(self):
        with self.assertRaises(RevisionNotFoundError):
            self.api.repo_info(REPO, revision="no-such")
        with self.assertRaises(RevisionNotFoundError):
            list(self.api.list_repo_tree(REPO, revision="no-such"))
        with self.assertRaises(RevisionNotFoundError):
            hf_hub_download(REPO, "README.md", revision="no-such")

    def test_missing_entries_are_told(self):
        with self.assertRaises(EntryNotFoundError):
            hf_hub_download(REPO, "no/such")
        with self.assertRaises(EntryNotFoundError):
            list(self.api.list_repo_tree(REPO, "no/such"))

    def test_gated_repos_show_names_but_no_files(self):
        control.post("repos", name="team/gated", gated=True)
        control.post("commits", repo="team/gated", files=[{"path": "a.txt", "text": "a"}])
        self.assertIn("a.txt", self.api.list_repo_files("team/gated"))
        for token in (False, "hf_demo"):
            with self.assertRaises(GatedRepoError):
                hf_hub_download("team/gated", "a.txt", token=token)

    def test_disabled_repos_are_told(self):
        control.post("repos", name="team/disabled", disabled=True)
        with self.assertRaises(DisabledRepoError):
            self.api.repo_info("team/disabled")

    # Downloads

    def test_downloads_single_files(self):
        for path in (NEFF, DONE, "README.md", ".gitattributes"):
            self.assertEqual(sha256(hf_hub_download(REPO, path)), self.files[path]["sha256"], path)

    def test_downloads_names_that_need_encoding(self):
        names = ["odd/a b.txt", "odd/a#b?c.txt", "odd/100%.txt", "odd/é+&=.txt"]
        files = [{"path": name, "text": name} for name in names]
        control.post("repos", name="team/odd")
        control.post("commits", repo="team/odd", files=files)
        self.assertLessEqual(set(names), set(self.api.list_repo_files("team/odd")))
        for name in names:
            self.assertEqual(Path(hf_hub_download("team/odd", name)).read_text(), name)

    def test_downloads_everything(self):
        snapshot_download(REPO, local_dir=self.directory)
        self.assert_holds_everything(self.directory, self.files)
        verified = self.api.verify_repo_checksums(REPO, local_dir=self.directory)
        self.assertEqual(verified.checked_count, len(self.files))
        self.assertEqual((verified.mismatches, verified.missing_paths), ([], []))

    def test_downloads_an_older_revision(self):
        snapshot_download(REPO, revision="v1", local_dir=self.directory)
        self.assert_holds_everything(
            self.directory, control.get("files", repo=REPO, revision="v1")
        )

    def test_downloads_nothing_twice(self):
        cache = self.directory / "cache"
        snapshot_download(REPO, cache_dir=cache)
        control.reset()
        snapshot_download(REPO, cache_dir=cache)
        self.assertNotIn("cdn-get", control.get("counts"))

    def test_keeps_its_token_from_the_cdn(self):
        repo = "my-team/neuron-cache"
        files = [{"path": "model.neff", "seed": 5, "size": 100000, "lfs": True}]
        control.post("commits", repo=repo, files=files)
        path = hf_hub_download(repo, "model.neff", token="hf_demo")
        expected = control.get("files", repo=repo)["model.neff"]["sha256"]
        self.assertEqual(sha256(path), expected)
        (request,) = control.get("requests", kind="cdn-get")
        self.assertFalse(request["authorized"])

    def test_resumes_what_was_cut_off(self):
        # The client keeps what it has in steps of 10 MiB.
        big = {"path": "big.neff", "seed": 3, "size": 30 << 20, "lfs": True}
        control.post("repos", name="team/big")
        control.post("commits", repo="team/big", files=[big])
        cut = {"type": "truncate", "at": 25 << 20}
        control.post("faults", match={"kind": "cdn-get"}, times=1, fault=cut)
        path = hf_hub_download("team/big", "big.neff", cache_dir=self.directory)
        expected = control.get("files", repo="team/big")["big.neff"]["sha256"]
        self.assertEqual(sha256(path), expected)
        ranges = [request["range"] for request in control.get("requests", kind="cdn-get")]
        self.assertEqual(ranges, ["", f"bytes={20 << 20}-"])


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    unittest.main(verbosity=2)
