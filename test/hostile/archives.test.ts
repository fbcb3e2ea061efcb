/** Archives that want to break out, blow up or lie, deployed as anybody deploys. */
import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { makeZip, type ZipEntry } from "../../src/host/zip.test-support.ts";
import { startTenant, type TestTenant } from "../../src/testing/start-tenant.ts";
import { type Wire, wireOf } from "../support/wire.ts";

let folder: string;
let tenant: TestTenant;
let wire: Wire;
let authorization: string;

const host = "archived.scm.azurewebsites.net";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lanyard-archives-"));
  tenant = await startTenant({ state: join(folder, "state") });
  const id =
    (await tenant.environment({ as: "archived" }),
    `/subscriptions/${tenant.subscriptionId}/resourceGroups/lanyard/providers/Microsoft.Web/sites/archived`);
  wire = wireOf(await tenant.environment({ command: "node" }));
  const { body } = await tenant.arm("POST", `${id}/config/publishingcredentials/list?api-version=2024-11-01`);
  const { publishingUserName, publishingPassword } = (body as { properties: Record<string, string> }).properties;
  authorization = `Basic ${Buffer.from(`${publishingUserName}:${publishingPassword}`).toString("base64")}`;
});
afterAll(async () => {
  await tenant.close();
  await rm(folder, { recursive: true, force: true });
});

const deploy = async (body: Buffer) =>
  wire.send({
    method: "POST",
    host,
    path: "/api/zipdeploy",
    headers: { authorization, "content-type": "application/zip" },
    body,
  });

/** Bytes below the state folder. */
const size = async (path = join(folder, "state")): Promise<number> => {
  const sizes = (await readdir(path, { withFileTypes: true })).map(async (entry) => {
    const child = join(path, entry.name);
    if (entry.isDirectory()) return size(child);
    return entry.isFile() ? (await stat(child)).size : 0;
  });
  return (await Promise.all(sizes)).reduce((sum, each) => sum + each, 0);
};

const link = 0o120_777;
const device = 0o020_666;
const zeros = Buffer.alloc(64 * 1024 * 1024);
const archives: readonly (readonly [name: string, entries: readonly ZipEntry[] | Buffer])[] = [
  ["blows up", [{ name: "a", content: zeros, deflate: true }]],
  [
    "blows up in many pieces",
    Array.from({ length: 8 }, (_, index) => ({
      name: `a${index}`,
      content: zeros.subarray(0, 8 * 1024 * 1024),
      deflate: true,
    })),
  ],
  ["lies about its size", [{ name: "a", content: zeros, deflate: true, claimedSize: 10 }]],
  ["climbs out", [{ name: "../../../escaped", content: "x" }]],
  ["climbs out later", [{ name: "a/b/../../../escaped", content: "x" }]],
  ["starts at the root", [{ name: "/tmp/escaped", content: "x" }]],
  ["uses backslashes", [{ name: "..\\..\\escaped", content: "x" }]],
  ["names a drive", [{ name: "C:/escaped", content: "x" }]],
  ["holds a link", [{ name: "a", content: "/etc", mode: link }]],
  [
    "writes through a link",
    [
      { name: "a", content: "/tmp", mode: link },
      { name: "a/escaped", content: "x" },
    ],
  ],
  ["holds a device", [{ name: "a", mode: device }]],
  ["has a NUL in a name", [{ name: "a\0b", content: "x" }]],
  [
    "has a file that is a folder as well",
    [
      { name: "a", content: "x" },
      { name: "a/b", content: "x" },
    ],
  ],
  ["has a name beyond all names", [{ name: "a".repeat(5000), content: "x" }]],
  ["has a wrong checksum", [{ name: "a", content: "x", crc: 1 }]],
  ["is cut off", makeZip([{ name: "a", content: "x".repeat(5000) }]).subarray(0, 3000)],
  ["is no archive", Buffer.from("hello")],
  ["is empty", Buffer.alloc(0)],
];

it.each(archives)("an archive that %s is refused and leaves nothing", async (_, content) => {
  const before = await size();
  const answer = await deploy(Buffer.isBuffer(content) ? content : makeZip(content));
  expect([Math.floor(answer.status / 100), answer.text.length > 0], `${answer.status} ${answer.text}`).toEqual([
    4,
    true,
  ]);
  expect(await size()).toBeLessThan(before + 2 * 1024 * 1024);
  expect((await readdir(folder)).includes("escaped") || (await readdir(tmpdir())).includes("escaped")).toBe(false);
});

it("a good archive is deployed afterwards, and nothing failed on our side", async () => {
  const server = "require('http').createServer((_, response) => response.end('fine')).listen(process.env.PORT)";
  const answer = await deploy(
    makeZip([
      { name: "index.js", content: server },
      { name: "package.json", content: '{"main":"index.js"}' },
    ]),
  );
  expect(answer.status, answer.text).toBe(200);
  await expect
    .poll(async () => (await wire.send({ host: "archived.azurewebsites.net", path: "/" })).text, { timeout: 20_000 })
    .toBe("fine");
  expect(tenant.failures).toEqual([]);
});
