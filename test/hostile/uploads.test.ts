/** Uploads that break off, lie about themselves or are not wanted: no half-written blob, and nothing left on disk. */
import { createHash } from "node:crypto";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { startTenant, type TestTenant } from "../../src/testing/start-tenant.ts";
import { type Wire, wireOf } from "../support/wire.ts";

let folder: string;
let tenant: TestTenant;
let wire: Wire;
let token: string;

const host = "uploads.blob.core.windows.net";
const version = { "x-ms-version": "2025-01-05" };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lanyard-uploads-"));
  tenant = await startTenant({ state: join(folder, "state") });
  const group = `/subscriptions/${tenant.subscriptionId}/resourceGroups/uploads`;
  const identity = `${group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/uploader`;
  const account = `${group}/providers/Microsoft.Storage/storageAccounts/uploads`;
  const storage = { location: "eastus", kind: "StorageV2", sku: { name: "Standard_LRS" } };
  await tenant.arm("PUT", `${group}?api-version=2021-04-01`, { location: "eastus" });
  await tenant.arm("PUT", `${identity}?api-version=2023-01-31`, { location: "eastus" });
  await tenant.arm("PUT", `${account}?api-version=2023-05-01`, storage);
  await tenant.arm("PUT", `${account}/blobServices/default/containers/files?api-version=2023-05-01`, {});
  await tenant.assign({ role: "Storage Blob Data Contributor", to: identity, scope: account });
  const environment = await tenant.environment({ as: identity, command: "node" });
  wire = wireOf(environment);
  const answer = await wire.send({
    host: "127.0.0.1",
    path: "/msi/token?api-version=2019-08-01&resource=https://storage.azure.com",
    headers: { "x-identity-header": environment["IDENTITY_HEADER"] ?? "" },
  });
  token = (JSON.parse(answer.text) as { access_token: string }).access_token;
});
afterAll(async () => {
  await tenant.close();
  await rm(folder, { recursive: true, force: true });
});

const contents = async (): Promise<number> => {
  const entries = await readdir(join(folder, "state", "store", "contents"), { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).length;
};
const get = (name: string) => wire.send({ host, path: `/files/${name}`, headers: version, token });
const put = (name: string, body: Buffer, headers: Record<string, string> = {}) =>
  wire.send({
    method: "PUT",
    host,
    path: `/files/${name}`,
    token,
    body,
    headers: { ...version, "x-ms-blob-type": "BlockBlob", ...headers },
  });

/** Sends a head and some of a body, then goes away. */
const breakOff = async (path: string, headers: readonly string[], part: string | Buffer): Promise<void> => {
  const socket = connect({ host: "127.0.0.1", port: wire.port, servername: host, ca: wire.ca });
  socket.on("error", () => undefined);
  const lines = [
    `PUT ${path} HTTP/1.1`,
    `Host: ${host}`,
    `Authorization: Bearer ${token}`,
    "x-ms-version: 2025-01-05",
    "x-ms-blob-type: BlockBlob",
    ...headers,
  ];
  socket.write(`${lines.join("\r\n")}\r\n\r\n`);
  await new Promise<void>((resolve) => void socket.write(part, () => resolve()));
  await delay(50);
  socket.destroy();
  await delay(150);
};

const large = Buffer.alloc(3 * 1024 * 1024, "x");

it.each([
  ["with a length", ["Content-Length: 6291456"], large],
  ["in chunks", ["Transfer-Encoding: chunked"], Buffer.concat([Buffer.from("300000\r\n"), large])],
  [
    "in a chunk that is no chunk",
    ["Transfer-Encoding: chunked"],
    Buffer.concat([Buffer.from("300000\r\n"), large, Buffer.from("\r\nzz\r\n")]),
  ],
  ["at once", ["Content-Length: 10"], Buffer.alloc(0)],
])("an upload that breaks off %s leaves nothing", async (_, headers, part) => {
  const before = await contents();
  await breakOff("/files/cut", headers, part);
  expect((await get("cut")).status).toBe(404);
  await breakOff("/files/cut?comp=block&blockid=AAAA", headers, part);
  const blocks = await wire.send({
    host,
    path: "/files/cut?comp=blocklist&blocklisttype=all",
    headers: version,
    token,
  });
  expect(blocks.text).not.toContain("<Name>AAAA</Name>");
  // What was received is released behind the answer.
  await vi.waitFor(async () => expect(await contents()).toBe(before), { timeout: 10_000, interval: 50 });
});

it("an upload that breaks off leaves the blob that it was to replace as it was", async () => {
  expect((await put("kept", Buffer.from("first"))).status).toBe(201);
  const before = await contents();
  await breakOff("/files/kept", ["Content-Length: 6291456"], large);
  expect((await get("kept")).text).toBe("first");
  await vi.waitFor(async () => expect(await contents()).toBe(before), { timeout: 10_000, interval: 50 });
});

it("an upload whose content is not what its checksum says is refused and leaves nothing", async () => {
  const before = await contents();
  const md5 = createHash("md5").update("something else").digest("base64");
  expect((await put("wrong", large, { "content-md5": md5 })).headers["x-ms-error-code"]).toBe("Md5Mismatch");
  expect((await put("wrong", large, { "content-md5": "short" })).status).toBe(400);
  expect((await get("wrong")).status).toBe(404);
  // What was received is released behind the answer.
  await vi.waitFor(async () => expect(await contents()).toBe(before), { timeout: 10_000, interval: 50 });
});

it("an upload that may not be is refused before its body is asked for", async () => {
  const lines = [
    "PUT /files/unwanted HTTP/1.1",
    `Host: ${host}`,
    "x-ms-version: 2025-01-05",
    "x-ms-blob-type: BlockBlob",
    "Authorization: Bearer nonsense",
    "Expect: 100-continue",
    "Content-Length: 1000000",
  ];
  const answer = await wire.raw(host, `${lines.join("\r\n")}\r\n\r\n`, 1000);
  expect(answer).toMatch(/^HTTP\/1\.1 401 /);
  expect(answer).not.toContain("100 Continue");
});

it("an upload that is announced as larger than any blob is refused, and a whole one passes", async () => {
  const lines = [
    "PUT /files/huge HTTP/1.1",
    `Host: ${host}`,
    "x-ms-version: 2025-01-05",
    "x-ms-blob-type: BlockBlob",
    `Authorization: Bearer ${token}`,
    "Content-Length: 99999999999999",
  ];
  expect(await wire.raw(host, `${lines.join("\r\n")}\r\n\r\nx`, 1500)).toMatch(/^HTTP\/1\.1 413 /);
  expect((await put("whole", large)).status).toBe(201);
  expect((await get("whole")).bytes.equals(large)).toBe(true);
  expect(tenant.failures).toEqual([]);
});
