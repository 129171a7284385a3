// Reads the test Hub with the official JavaScript client: it must find nothing to object to.
// usage: node --test check_reading.mjs, with HF_ENDPOINT and CLIENTS_DIR (see setup.sh) set
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import { join } from "node:path";
import test, { beforeEach } from "node:test";

const require = createRequire(join(process.env.CLIENTS_DIR, "package.json"));
const hub = require("@huggingface/hub");

const hubUrl = process.env.HF_ENDPOINT;
const repo = "aws-neuron/optimum-neuron-cache";
const version = "neuronxcc-2.21.33363.0+82129205";
const neff = `${version}/MODULE_3f9ac41d07be52816a0c+839ddec0/model.neff`;

async function control(method, verb, body) {
  const answer = await fetch(`${hubUrl}/__test__/${verb}`, {
    method,
    body: body && JSON.stringify(body),
  });
  assert.ok(answer.ok, `${verb}: ${answer.status}`);
  return answer.json();
}

async function collect(generator) {
  const items = [];
  for await (const item of generator) items.push(item);
  return items;
}

async function sha256(blob) {
  return createHash("sha256").update(Buffer.from(await blob.arrayBuffer())).digest("hex");
}

const files = await control("GET", `files?repo=${repo}`);

beforeEach(async () => {
  await control("DELETE", "requests");
  await control("POST", "settings", { page_size: 1000, rate: {} });
});

test("lists one directory", async () => {
  const names = (await collect(hub.listFiles({ repo, hubUrl }))).map((entry) => entry.path);
  const expected = new Set(Object.keys(files).map((path) => path.split("/")[0]));
  assert.deepEqual(new Set(names), expected);
});

test("lists everything, page by page", async () => {
  await control("POST", "settings", { page_size: 9 });
  const entries = await collect(hub.listFiles({ repo, hubUrl, recursive: true }));
  const listed = entries.filter((entry) => entry.type === "file");
  assert.deepEqual(listed.map((entry) => entry.path).sort(), Object.keys(files).sort());
  for (const entry of listed) {
    assert.equal(entry.size, files[entry.path].size);
    if (entry.lfs) assert.equal(entry.lfs.oid, files[entry.path].sha256);
  }
});

test("tells what exists", async () => {
  assert.equal(await hub.fileExists({ repo, hubUrl, path: neff }), true);
  assert.equal(await hub.fileExists({ repo, hubUrl, path: "no/such" }), false);
  assert.equal(await hub.repoExists({ repo, hubUrl }), true);
  assert.equal(await hub.repoExists({ repo: "no/such", hubUrl, accessToken: "hf_demo" }), false);
});

test("tells about paths", async () => {
  const found = await hub.pathsInfo({ repo, hubUrl, paths: [neff, "no/such"], expand: true });
  assert.equal(found.length, 1);
  assert.equal(found[0].lfs.oid, files[neff].sha256);
  assert.match(found[0].lastCommit.id, /^[0-9a-f]{40}$/);
});

test("tells about files", async () => {
  const large = await hub.fileDownloadInfo({ repo, hubUrl, path: neff });
  assert.equal(large.size, files[neff].size);
  const small = await hub.fileDownloadInfo({ repo, hubUrl, path: "README.md" });
  assert.equal(small.size, files["README.md"].size);
  assert.equal(await hub.fileDownloadInfo({ repo, hubUrl, path: "no/such" }), null);
});

test("tells the history", async () => {
  const commits = await collect(hub.listCommits({ repo, hubUrl, batchSize: 3 }));
  assert.equal(commits.at(-1).title, "initial commit");
  const info = await hub.modelInfo({ name: repo, hubUrl, additionalFields: ["sha"] });
  assert.equal(info.sha, commits[0].oid);
});

test("tells errors apart", async () => {
  await assert.rejects(hub.checkRepoAccess({ repo: "no/such", hubUrl }), { statusCode: 401 });
  await assert.rejects(
    hub.checkRepoAccess({ repo: "no/such", hubUrl, accessToken: "hf_demo" }),
    { statusCode: 404 },
  );
  await assert.rejects(
    collect(hub.listFiles({ repo, hubUrl, revision: "no-such" })),
    { statusCode: 404 },
  );
  await hub.checkRepoAccess({ repo: "my-team/neuron-cache", hubUrl, accessToken: "hf_demo" });
});

test("knows its caller", async () => {
  const who = await hub.whoAmI({ hubUrl, accessToken: "hf_demo" });
  assert.equal(who.name, "demo");
  assert.equal(who.auth.accessToken.role, "write");
});

test("downloads every file", async () => {
  for (const [path, { sha256: expected, size }] of Object.entries(files)) {
    // The client asks for the first byte of a file to learn its size, which an empty one has not.
    if (size === 0) continue;
    const blob = await hub.downloadFile({ repo, hubUrl, path });
    assert.equal(await sha256(blob), expected, path);
  }
});

test("downloads ranges", async () => {
  const blob = await hub.downloadFile({ repo, hubUrl, path: neff });
  const whole = Buffer.from(await blob.arrayBuffer());
  const part = Buffer.from(await blob.slice(1000, 2000).arrayBuffer());
  assert.deepEqual(part, whole.subarray(1000, 2000));
});

test("keeps its token from the CDN", async () => {
  const team = "my-team/neuron-cache";
  const commit = { repo: team, files: [{ path: "js.neff", seed: 6, size: 100000, lfs: true }] };
  await control("POST", "commits", commit);
  const blob = await hub.downloadFile({ repo: team, hubUrl, path: "js.neff", accessToken: "hf_demo" });
  const expected = await control("GET", `files?repo=${team}`);
  assert.equal(await sha256(blob), expected["js.neff"].sha256);
  const requests = await control("GET", "requests?host=cdn");
  assert.ok(requests.length > 0);
  assert.ok(requests.every((request) => !request.authorized));
});
