#!/usr/bin/python3
"""Does to a cache directory what optimum-neuron does, by the calls of Python's library that it makes.

  optimum.py CACHE WORK VERB FOLDER [NAME…]

  registry   the entry of an exported model and its alias, a symlink with an absolute target
  traced     a traced model, copied into the cache as a whole directory and loaded from there
  cleanup    the walk before a synchronisation: deletes failed entries and locks
  status     the walk that only counts
  upload     opens and hashes every file, as upload_folder does
FOLDER is the compiler's folder, relative to the cache.
"""
import fnmatch
import hashlib
import json
import os
import shutil
import sys
from pathlib import Path

TRACED = "MODULE_0123456789abcdef0123"


def digest(data):
    return hashlib.sha256(data).hexdigest()[:16]


def registry(cache, _work, folder, model="org/model"):
    os.umask(0)
    config = {"_model_id": model, "model_type": "llama", "neuron": {"batch_size": 1, "target": "trn1"}}
    text = json.dumps(config, indent=2, sort_keys=True)
    name = hashlib.sha512(text.encode()).hexdigest()[:20] + ".json"
    versioned = cache / folder / "0_REGISTRY" / "0.4.5"
    entry = versioned / hashlib.sha256(b"llama").hexdigest() / name
    alias = versioned / "llama" / model / name
    os.makedirs(entry.parent, exist_ok=True)
    print("entry exists:", entry.exists())
    if not entry.exists():
        with open(entry, "w") as file:
            file.write(text)
    os.makedirs(alias.parent, exist_ok=True)
    print("alias exists:", os.path.lexists(alias))
    if not os.path.lexists(alias):
        os.symlink(os.path.abspath(entry), alias)
    print("alias leads to", os.path.relpath(os.readlink(alias), cache))
    print("alias resolves to", os.path.relpath(os.path.realpath(alias), os.path.realpath(cache)))
    print("model by its alias:", json.loads(alias.read_text())["_model_id"])
    for found in sorted(versioned.glob("**/*.json")):
        print("found", found.relative_to(cache), found.is_symlink(), found.stat().st_size)


def export(work):
    out = work / "export"
    files = {
        "config.json": b'{"model_type": "stable-diffusion"}',
        "model_index.json": b'{"unet": ["optimum", "NeuronModelUnet"]}',
        "unet/config.json": b"{}",
        "unet/model.neuron": bytes(range(256)) * 1200 + b"end",
        "tokenizer/vocab.json": '{"é": 7}'.encode(),
        "tokenizer/empty": b"",
    }
    for name, data in files.items():
        path = out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    os.chmod(out / "unet/model.neuron", 0o640)
    os.utime(out / "config.json", (1_600_000_000, 1_600_000_000.25))
    return out


def tell_tree(root):
    for path in sorted(root.glob("**/*")):
        mode = oct(path.stat().st_mode)
        print(path.relative_to(root), mode, digest(path.read_bytes()) if path.is_file() else "")


def traced(cache, work, folder):
    out = export(work)
    module = cache / folder / TRACED
    print("cached:", module.is_dir())
    for _ in range(2):  # the second copy goes over the first
        shutil.copytree(out, module, dirs_exist_ok=True)
        tell_tree(module)
    same_time = [p for p in out.glob("**/*") if p.stat().st_mtime_ns != (module / p.relative_to(out)).stat().st_mtime_ns]
    print("other times:", sorted(p.name for p in same_time))
    print("loaded:", json.loads((module / "model_index.json").read_text()))


def state_of(entry):
    if (entry / "model.neff").exists() and (entry / "model.done").exists():
        return "success"
    if (entry / "model.log").exists():
        return "failed"
    return "locked" if list(entry.glob("*.lock")) else "empty"


def entries(cache):
    for version in sorted(cache.iterdir()):
        if version.is_dir() and version.name.startswith("neuronxcc-"):
            for entry in sorted(version.iterdir()):
                if entry.is_dir() and entry.name.startswith("MODULE_"):
                    yield entry


def cleanup(cache, _work, _folder):
    for entry in entries(cache):
        state = state_of(entry)
        print(state, entry.relative_to(cache))
        if state == "failed":
            shutil.rmtree(entry)
            continue
        for lock in entry.glob("*.lock"):
            print("stale", lock.name)
            lock.unlink()


def status(cache, _work, _folder):
    sizes = {}
    for entry in entries(cache):
        size = sum(f.stat().st_size for f in entry.rglob("*") if f.is_file())
        count, total = sizes.get(state_of(entry), (0, 0))
        sizes[state_of(entry)] = (count + 1, total + size)
    print(sorted(sizes.items()))


def upload(cache, _work, _folder):
    for path in sorted(cache.glob("**/*")):
        name = str(path.relative_to(cache))
        if path.is_file() and not fnmatch.fnmatch(name, "lock"):
            data = path.read_bytes()
            print(name, path.stat().st_size == len(data), digest(data))


VERBS = {f.__name__: f for f in (registry, traced, cleanup, status, upload)}
VERBS[sys.argv[3]](Path(sys.argv[1]), Path(sys.argv[2]), *sys.argv[4:])
