#!/usr/bin/env python3
"""Asks the live Hub what no document says of it: field-check-hub.py NAMESPACE/NAME

Part of field-check.sh, which see. The repo is a scratch repo of yours: it gets a folder and some commits, and the
folder is deleted at the end. The token is HF_TOKEN, the Hub HF_ENDPOINT or huggingface.co. What is printed holds no
token and no signature.
"""
import base64
import hashlib
import http.client
import json
import os
import re
import sys
import time
import urllib.parse

ENDPOINT = os.environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/")
TOKEN = os.environ.get("HF_TOKEN", "")
FOLDER = f"field-check-{int(time.time())}"
SHOWN = ("etag", "x-repo-commit", "x-linked-etag", "x-linked-size", "x-xet-hash", "x-error-code", "ratelimit",
         "ratelimit-policy", "retry-after", "content-type", "content-range", "location")


def without_secrets(text):
    text = text.replace(TOKEN, "<token>") if TOKEN else text
    return re.sub(r"(?i)((?:signature|policy|key-pair-id|credential|security-token|uploadid)=)[^&\"\s]+", r"\1<hidden>", text)


def say(*words):
    print(without_secrets(" ".join(str(word) for word in words)), flush=True)


def ask(method, url, body=None, headers=None, quiet=False):
    """One request, redirects not followed. Status 0: no answer."""
    parts = urllib.parse.urlsplit(url if "://" in url else ENDPOINT + url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    sent = {"User-Agent": "neffs-field-check", "Accept-Encoding": "identity", **(headers or {})}
    if TOKEN and parts.netloc == urllib.parse.urlsplit(ENDPOINT).netloc:
        sent["Authorization"] = f"Bearer {TOKEN}"
    connection = kind(parts.netloc, timeout=60)
    try:
        connection.request(method, parts.path + ("?" + parts.query if parts.query else ""), body, sent)
        answer = connection.getresponse()
        data = answer.read()
        status, got = answer.status, {name.lower(): value for name, value in answer.getheaders()}
    except (OSError, http.client.HTTPException) as error:
        status, got, data = 0, {}, str(error).encode()
    finally:
        connection.close()
    if not quiet:
        say(f"{method} {parts.path[:120]} -> {status}", {name: got[name] for name in SHOWN if name in got})
    return status, got, data


def ask_json(method, url, value=None, headers=None):
    body = None if value is None else json.dumps(value)
    status, got, data = ask(method, url, body, {"Content-Type": "application/json", **(headers or {})})
    try:
        return status, got, json.loads(data)
    except ValueError:
        return status, got, {"text": data[:300].decode(errors="replace")}


def commit(repo, branch, operations, what):
    lines = [{"key": "header", "value": {"summary": f"neffs field check: {what}"}}] + operations
    status, _, data = ask("POST", f"/api/models/{repo}/commit/{branch}", "\n".join(map(json.dumps, lines)),
                          {"Content-Type": "application/x-ndjson"}, quiet=True)
    say(f"commit, {what} -> {status}", data[:200].decode(errors="replace") if status != 200 else "")
    return json.loads(data).get("commitOid", "") if status == 200 else ""


def new_file(path, content):
    return {"key": "file", "value": {"path": f"{FOLDER}/{path}", "encoding": "base64",
                                     "content": base64.b64encode(content).decode()}}


def names(repo, folder):
    status, _, entries = ask_json("GET", f"/api/models/{repo}/tree/main/{folder}?recursive=true")
    return sorted(entry["path"] for entry in entries) if status == 200 else status


def heads_and_etags(repo):
    """Is the commit told on 307 and 304? Do answers of the API have ETags that are honoured?"""
    url = f"/{repo}/resolve/main/{FOLDER}/a/one.txt"
    status, got, _ = ask("HEAD", url)
    if status in (301, 302, 307, 308) and got.get("location", "").startswith("/"):
        url = got["location"]
        status, got, _ = ask("HEAD", url)
    if "etag" in got:
        ask("HEAD", url, headers={"If-None-Match": got["etag"]})
        ask("GET", f"/{repo}/resolve/main/{FOLDER}/a/one.txt", headers={"If-None-Match": got["etag"]})
    ask("HEAD", f"/{repo}/resolve/main/{FOLDER}/is-not-there")
    for api in (f"/api/models/{repo}/tree/main/{FOLDER}", f"/api/models/{repo}/revision/main"):
        _, got, _ = ask("GET", api)
        if "etag" in got:
            ask("GET", api, headers={"If-None-Match": got["etag"]})


def commits_that_are_unclear(repo):
    """A rename by oldPath, a folder without its slash, a branch that is not there."""
    rename = {"key": "file", "value": {"path": f"{FOLDER}/a/renamed.txt", "oldPath": f"{FOLDER}/a/one.txt"}}
    commit(repo, "main", [rename], "a rename by oldPath")
    say("names now:", names(repo, FOLDER))
    commit(repo, "main", [{"key": "deletedFolder", "value": {"path": f"{FOLDER}/b"}}], "a folder without its slash")
    say("names now:", names(repo, FOLDER))
    branch = f"{FOLDER}-no-branch"
    if commit(repo, branch, [new_file("c/three.txt", b"three\n")], "to a branch that is not there"):
        ask("DELETE", f"/api/models/{repo}/branch/{branch}")


def large_files(repo):
    """Where multipart begins, how large its parts are, how long its URLs live; nothing is uploaded."""
    mega = 1 << 20
    for size in (mega, 16 * mega, 64 * mega, 1 << 30, 5 << 30, 6 << 30, 50 << 30, 60 << 30, 600 << 30):
        oid = hashlib.sha256(f"{FOLDER}{size}".encode()).hexdigest()
        status, _, answer = ask_json(
            "POST", f"/{repo}.git/info/lfs/objects/batch",
            {"operation": "upload", "transfers": ["basic", "multipart"], "hash_algo": "sha256", "ref": {"name": "main"},
             "objects": [{"oid": oid, "size": size}]},
            {"Accept": "application/vnd.git-lfs+json", "Content-Type": "application/vnd.git-lfs+json"})
        entry = (answer.get("objects") or [{}])[0]
        upload = entry.get("actions", {}).get("upload", {})
        header = upload.get("header", {})
        parts = [name for name in header if name.isdigit()]
        urls = " ".join([str(header[name]) for name in parts[:1]] + [upload.get("href", "")])
        say(f"{size / mega:.0f} MiB:", status, "transfer", answer.get("transfer"), "chunk_size", header.get("chunk_size"),
            "parts", len(parts), "expires_in", upload.get("expires_in"), "in the URL",
            re.findall(r"(?:X-Amz-Expires|Expires)=(\d+)", urls), "error", entry.get("error"))


def many_at_once(repo):
    """How many files one preupload takes."""
    for count in (256, 257, 1000, 1001):
        files = [{"path": f"{FOLDER}/{n}.txt", "size": 1, "sample": "eA=="} for n in range(count)]
        status, _, answer = ask_json("POST", f"/api/models/{repo}/preupload/main", {"files": files})
        say(f"{count} files:", status, len(answer.get("files", [])), {name: answer[name] for name in answer if name != "files"})


def signed_urls(repo):
    """How long a download's URL lives, and whether several connections may use one."""
    _, _, entries = ask_json("GET", f"/api/models/{repo}/tree/main?recursive=true")
    large = [entry["path"] for entry in entries if isinstance(entry, dict) and entry.get("lfs")]
    if not large:
        say("no LFS file in the repo: put one there to have this tried")
        return
    status, got, _ = ask("GET", f"/{repo}/resolve/main/{urllib.parse.quote(large[0])}")
    if status != 302:
        return
    expiry = re.search(r"Expires=(\d+)", got["location"])
    if expiry:
        say("it lives", int(expiry[1]) - (int(time.time()) if int(expiry[1]) > 10**9 else 0), "seconds")
    for span in ("bytes=0-99", "bytes=0-99", "bytes=100-199"):
        ask("GET", got["location"], headers={"Range": span})


def main():
    repo = sys.argv[1]
    if not TOKEN:
        sys.exit("field-check: HF_TOKEN is not set")
    status, _, about = ask_json("GET", f"/api/models/{repo}")
    if status != 200:
        sys.exit(f"field-check: {repo}: {status}: {about}")
    if not about.get("private"):
        sys.exit(f"field-check: {repo} is not private: name a scratch repo of your own")
    first = commit(repo, "main", [new_file("a/one.txt", b"one\n"), new_file("b/two.txt", b"two\n")], "two files")
    if not first:
        sys.exit("field-check: the token may not write there")
    try:
        for step in (heads_and_etags, commits_that_are_unclear, large_files, many_at_once, signed_urls):
            say(f"\n--- {step.__doc__.strip()}")
            try:
                step(repo)
            except Exception as error:  # an answer that nobody expected is what this is for
                say("unexpected:", type(error).__name__, error)
        say("\n--- What has changed since.")
        _, _, answer = ask("GET", f"/api/models/{repo}/compare/{first}..main?raw=true")
        say(answer[:500].decode(errors="replace"))
    finally:
        commit(repo, "main", [{"key": "deletedFolder", "value": {"path": f"{FOLDER}/"}}], "everything is deleted")


main()
