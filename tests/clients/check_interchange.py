"""What neffs writes for optimum-cli the official client reads, and the other way round.

usage: check_interchange.py, with the variables HF_ENDPOINT, HF_HOME and NEFFS, the program

optimum-neuron itself is not here: its files are read and written as it does (the default repo is the text
of one file, an alias in a registry is a link), and what goes over the network goes by its own client.
"""

import hashlib
import json
import os
import subprocess
import unittest
from pathlib import Path
from tempfile import TemporaryDirectory

import hub_control as control
from huggingface_hub import HfApi, constants

NEFFS = os.environ["NEFFS"]
TOKEN = "hf_demo"
FILE = Path(constants.HF_HOME) / "optimum_neuron_custom_cache"
VERSION = "neuronxcc-2.21.33363.0+82129205"
MODEL = "org/tiny"


def entry(release, batch_size):
    """The text of a registry's entry, and its name."""
    neuron = {"batch_size": batch_size, "sequence_length": 128, "checkpoint_id": MODEL,
              "optimum_neuron_version": release}
    text = json.dumps({"model_type": "llama", "_model_id": MODEL, "neuron": neuron}, indent=2,
                      sort_keys=True)
    return text, hashlib.sha512(text.encode()).hexdigest()[:20] + ".json"


class Interchange(unittest.TestCase):
    def setUp(self):
        control.reset()
        self.api = HfApi(token=TOKEN)
        FILE.unlink(missing_ok=True)
        temporary = TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.directory = Path(temporary.name)
        name = self.id().rsplit(".", 1)[1].replace("_", "-")
        self.name = f"my-team/{name}"
        roles = {self.name: "write"}
        control.post("tokens", token=TOKEN, user="demo", roles=roles, organizations=["my-team"])

    def neffs(self, *words, code=0):
        variables = {**os.environ, "HF_TOKEN": TOKEN, "XDG_CACHE_HOME": str(self.directory / "xdg")}
        variables.pop("CUSTOM_CACHE_REPO", None)
        ended = subprocess.run([NEFFS, *words], capture_output=True, text=True, timeout=120,
                               env=variables)
        self.assertEqual(ended.returncode, code, ended.stderr)
        return ended.stdout

    def test_the_default_that_neffs_made(self):
        self.neffs("create", "-n", self.name)
        found = self.api.repo_info(FILE.read_text())
        self.assertEqual((found.id, found.private), (self.name, True))
        other = self.api.create_repo("my-team/the-other").repo_id
        self.neffs("set", other)
        self.assertEqual(self.api.repo_info(FILE.read_text()).id, other)

    def test_the_default_that_the_client_made(self):
        repo = self.api.create_repo(self.name, private=True).repo_id
        FILE.parent.mkdir(parents=True, exist_ok=True)
        for text in (repo, repo + "\n"):  # by optimum-cli, and by who edits it
            FILE.write_text(text)
            self.assertEqual(json.loads(self.neffs("list", "--json"))["repo"], repo)

    def test_registries_that_the_client_uploaded(self):
        repo = self.api.create_repo(self.name, private=True).repo_id
        registry = self.directory / "cache" / VERSION / "0_REGISTRY"
        layouts = {
            "0.0.18": f"llama/{MODEL}",
            "0.1.0": f"inference/llama/{MODEL}",
            "0.3.0": f"llama/{MODEL}",
            "0.4.5": "d" * 64,
        }
        for batch_size, (release, folder) in enumerate(layouts.items(), 1):
            text, name = entry(release, batch_size)
            path = registry / release / folder / name
            path.parent.mkdir(parents=True)
            path.write_text(text)
            if release == "0.4.5":
                alias = registry / release / "llama" / MODEL / name
                alias.parent.mkdir(parents=True)
                alias.symlink_to(path)
        self.api.upload_folder(repo_id=repo, folder_path=self.directory / "cache")
        found = json.loads(self.neffs("lookup", MODEL, "--json", "--repo_id", repo))["entries"]
        self.assertEqual(sorted(each["batch_size"] for each in found), [1, 2, 3, 4])

    def test_a_cache_that_neffs_synchronized(self):
        repo = self.api.create_repo(self.name, private=True).repo_id
        cache = self.directory / "cache"
        module = f"{VERSION}/MODULE_4711+e30acd3a"
        text, name = entry("0.4.5", 1)
        files = {f"{module}/model.neff": b"\0neff", f"{module}/model.done": b"",
                 f"{module}/compile_flags.json": b"[]",
                 f"{VERSION}/0_REGISTRY/0.4.5/{'d' * 64}/{name}": text.encode()}
        alias = f"{VERSION}/0_REGISTRY/0.4.5/llama/{MODEL}/{name}"
        for path, data in files.items():
            (cache / path).parent.mkdir(parents=True, exist_ok=True)
            (cache / path).write_bytes(data)
        (cache / alias).parent.mkdir(parents=True)
        (cache / alias).symlink_to(cache / VERSION / "0_REGISTRY/0.4.5" / ("d" * 64) / name)
        self.neffs("synchronize", "--repo_id", repo, "--cache_dir", str(cache), "--settle", "0",
                   "--quiet")
        there = set(self.api.list_repo_files(repo)) - {".gitattributes"}
        self.assertEqual(there, {*files, alias})
        for path, data in {**files, alias: text.encode()}.items():
            with open(self.api.hf_hub_download(repo, path, local_dir=self.directory / "got"), "rb") as got:
                self.assertEqual(got.read(), data, path)


if __name__ == "__main__":
    unittest.main()
