// Writes to the test Hub with the official JavaScript client, and reads back what arrived.
// usage: node --test check_writing.mjs, with HF_ENDPOINT and CLIENTS_DIR (see setup.sh) set
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { createRequire } from "node:module";
import { join } from "node:path";
import test, { beforeEach } from "node:test";

const require = createRequire(join(process.env.CLIENTS_DIR, "package.json"));
const hub = require("@huggingface/hub");

const hubUrl = process.env.HF_ENDPOINT;
const accessToken = "hf_demo";
const repo = "my-team/from-javascript";
const options = { repo, hubUrl, accessToken, useXet: false };

async function control(method, verb, body) {
  const answer = await fetch(`${hubUrl}/__test__/${verb}`, {
    method,
    body: body && JSON.stringify(body),
  });
  assert.ok(answer.ok, `${verb}: ${answer.status}`);
  return answer.json();
}

// Bytes that are binary at first sight.
function noise(size) {
  return Buffer.concat([Buffer.from([0]), randomBytes(size - 1)]);
}

function sha256(bytes) {
  return createHash("sha256").update(bytes).digest("hex");
}

async function assertHolds(path, bytes) {
  const held = await control("GET", `files?repo=${repo}`);
  assert.deepEqual(held[path], { sha256: sha256(bytes), size: bytes.length }, path);
  if (bytes.length === 0) return; // the client cannot download what is empty
  const blob = await hub.downloadFile({ ...options, path });
  assert.ok(Buffer.from(await blob.arrayBuffer()).equals(bytes), path);
}

async function head() {
  const info = await hub.modelInfo({ name: repo, hubUrl, accessToken, additionalFields: ["sha"] });
  return info.sha;
}

beforeEach(async () => {
  await control("DELETE", "requests");
  await control("POST", "settings", {
    rate: {},
    limits: { parts_from: 32_000_000, part_size: 16_000_000 },
  });
});

test("creates a repo, once", async () => {
  const made = await hub.createRepo({ repo, hubUrl, accessToken, private: true });
  assert.equal(made.repoUrl, `${hubUrl}/${repo}`);
  const again = hub.createRepo({ repo, hubUrl, accessToken, private: true });
  await assert.rejects(again, { statusCode: 409 });
  const info = await hub.modelInfo({ name: repo, hubUrl, accessToken });
  assert.equal(info.private, true);
});

test("uploads files of every kind", async () => {
  const files = {
    "a/compile_flags.json": Buffer.from("[]"),
    "a/model.hlo_module.pb": noise(5_000),
    "a/model.neff": noise(300_000),
    "a/model.done": Buffer.alloc(0),
    "odd/a b[1].txt": Buffer.from("odd"),
    "odd/é +=.neff": noise(2_000),
  };
  const blobs = Object.entries(files).map(([path, bytes]) => ({ path, content: new Blob([bytes]) }));
  const made = await hub.uploadFiles({ ...options, files: blobs });
  assert.equal(made.commit.oid, await head());
  for (const [path, bytes] of Object.entries(files)) await assertHolds(path, bytes);
});

test("uploads in parts", async () => {
  await control("POST", "settings", { limits: { parts_from: 100_000, part_size: 70_000 } });
  const bytes = noise(1_000_001);
  await hub.uploadFile({ ...options, file: { path: "parts.neff", content: new Blob([bytes]) } });
  await assertHolds("parts.neff", bytes);
  const counts = await control("GET", "counts");
  assert.equal(counts["lfs-put-part"], 15);
  assert.equal(counts["lfs-complete"], 1);
});

test("uploads nothing that is there", async () => {
  const bytes = noise(50_000);
  await hub.uploadFile({ ...options, file: { path: "one.neff", content: new Blob([bytes]) } });
  await control("DELETE", "requests");
  await hub.uploadFile({ ...options, file: { path: "two.neff", content: new Blob([bytes]) } });
  assert.equal((await control("GET", "counts"))["lfs-put"], undefined);
  await assertHolds("two.neff", bytes);
});

test("commits additions and deletions together", async () => {
  const file = (path) => ({ operation: "addOrUpdate", path, content: new Blob([path]) });
  await hub.commit({ ...options, title: "Add", operations: [file("c/1"), file("c/2")] });
  const operations = [file("c/3"), { operation: "delete", path: "c/1" }];
  await hub.commit({ ...options, title: "Change", operations });
  const held = Object.keys(await control("GET", `files?repo=${repo}`));
  assert.deepEqual(held.filter((path) => path.startsWith("c/")).sort(), ["c/2", "c/3"]);
  const absent = [{ operation: "delete", path: "c/1" }];
  await assert.rejects(hub.commit({ ...options, title: "Again", operations: absent }), {
    statusCode: 404,
  });
});

test("compares the parent commit", async () => {
  const before = await head();
  const operations = [{ operation: "addOrUpdate", path: "p", content: new Blob(["1"]) }];
  await hub.commit({ ...options, title: "On top", operations, parentCommit: before });
  const late = hub.commit({ ...options, title: "Too late", operations, parentCommit: before });
  await assert.rejects(late, { statusCode: 412 });
});

test("is told what it may not", async () => {
  await control("POST", "tokens", { token: "hf_js", user: "js", roles: { [repo]: "read" } });
  const file = { path: "x", content: new Blob(["x"]) };
  await assert.rejects(hub.uploadFile({ ...options, accessToken: "hf_js", file }), {
    statusCode: 403,
  });
});

test("keeps its token from the storage", async () => {
  const file = { path: "t.neff", content: new Blob([noise(10_000)]) };
  await hub.uploadFile({ ...options, file });
  const requests = await control("GET", "requests?kind=lfs-put");
  assert.ok(requests.length > 0);
  assert.ok(requests.every((request) => !request.authorized));
});
