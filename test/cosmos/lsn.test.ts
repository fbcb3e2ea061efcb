/** LSNs are told to everybody and go forward only: nobody moves them but by writing. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startWorld, type World } from "./world.ts";

let folder: string;
let world: World;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lanyard-lsn-"));
  world = await startWorld({ state: join(folder, "state") });
  await world.put("/sqlDatabases/appdb", { resource: { id: "appdb" } });
  await world.put("/sqlDatabases/appdb/containers/items", {
    resource: { id: "items", partitionKey: { paths: ["/pk"], kind: "Hash" } },
  });
});
afterAll(async () => {
  await world[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const app = () => world.sdk.as(world.endpoint, world.keys.primaryMasterKey);
const readLsn = () =>
  app()(async (client) => {
    const { headers } = await client.database("appdb").container("items").item("kept", "a").read();
    return [Number(headers["lsn"]), headers["x-ms-session-token"]] as const;
  });

it("a change feed that is asked from far ahead moves nobody's session", async () => {
  const written = await app()(async (client) => {
    const { items } = client.database("appdb").container("items");
    const { headers } = await items.create({ id: "kept", pk: "a" });
    return Number(headers["lsn"]);
  });
  const ahead = await app()(async (client) => {
    const { items } = client.database("appdb").container("items");
    const page = await items.changeFeed("a", { continuation: '"123456789012"' }).fetchNext();
    return [page.statusCode, page.headers["etag"], page.headers["lsn"]] as const;
  });
  expect(ahead).toEqual([304, '"123456789012"', String(written)]);
  expect(await readLsn()).toEqual([written, `0:-1#${written}`]);
});

it("after a restart the first answer is where the last one was, though the last write was a delete", async () => {
  const last = await app()(async (client) => {
    const container = client.database("appdb").container("items");
    let lsn = 0;
    for (let turn = 0; turn < 40; turn++) {
      const { headers } = await container.items.create({ id: `gone-${turn}`, pk: "b" });
      lsn = Number(headers["lsn"]);
    }
    for (let turn = 0; turn < 40; turn++) await container.item(`gone-${turn}`, "b").delete();
    const page = await container.items.changeFeed("a", { startFromBeginning: true }).fetchNext();
    return Math.max(lsn, Number(page.headers["lsn"]));
  });
  await world[Symbol.asyncDispose]();
  world = await startWorld({ state: join(folder, "state") });
  const [lsn] = await readLsn();
  expect(lsn).toBeGreaterThanOrEqual(last);
});
