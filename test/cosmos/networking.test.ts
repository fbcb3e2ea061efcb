/** Who gets as far as the account at all, and what its keys are not good for. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { contributor, startWorld, type World } from "./world.ts";

let world: World;
beforeAll(async () => {
  world = await startWorld();
  await world.put("/sqlDatabases/appdb", { resource: { id: "appdb" } });
  await world.put("/sqlDatabases/appdb/containers/items", {
    resource: { id: "items", partitionKey: { paths: ["/pk"], kind: "Hash" } },
  });
  await world.assign(contributor);
});
afterAll(async () => {
  expect(world.tenant.failures).toEqual([]);
  await world[Symbol.asyncDispose]();
});

const change = async (properties: object) =>
  (await world.tenant.arm("PATCH", `${world.accountId}?api-version=2024-11-15`, { properties })).status;

/** Reads an item that is not there, as the app and with the key. */
const outcomes = async () => {
  const read = (key?: string) =>
    world.sdk.as(
      world.endpoint,
      key,
    )((client) =>
      client
        .database("appdb")
        .container("items")
        .item("none", "a")
        .read()
        .then(
          ({ statusCode }) => `${statusCode}`,
          (error: { code: number; message: string }) => `${error.code} ${error.message}`,
        ),
    );
  return [await read(), await read(world.keys.primaryMasterKey)];
};

const refused = expect.stringMatching(
  /^403 .*Request originated from IP 127\.0\.0\.1 through public internet\. This is blocked by your Cosmos DB account firewall settings\. More info: https:\/\/aka\.ms\/cosmosdb-tsg-forbidden/s,
);

it("an account without public access, or with rules for others, refuses everybody with 403", async () => {
  expect(await outcomes()).toEqual(["404", "404"]);
  for (const [closed, open] of [
    [{ publicNetworkAccess: "Disabled" }, { publicNetworkAccess: "Enabled" }],
    [{ ipRules: [{ ipAddressOrRange: "203.0.113.0/24" }] }, { ipRules: [] }],
    [{ isVirtualNetworkFilterEnabled: true }, { isVirtualNetworkFilterEnabled: false }],
  ] as const) {
    expect(await change(closed)).toBe(200);
    expect(await outcomes()).toEqual([refused, refused]);
    expect(await change(open)).toBe(200);
    expect(await outcomes()).toEqual(["404", "404"]);
  }
  expect(await change({ ipRules: [{ ipAddressOrRange: "127.0.0.0/8" }] })).toBe(200);
  expect(await outcomes()).toEqual(["404", "404"]);
  expect(await change({ ipRules: [] })).toBe(200);
});

it("Resource Manager is not behind the account's firewall", async () => {
  expect(await change({ publicNetworkAccess: "Disabled" })).toBe(200);
  await world.put("/sqlDatabases/other", { resource: { id: "other" } });
  expect(await change({ publicNetworkAccess: "Enabled" })).toBe(200);
});

it("rules that are no addresses are refused", async () => {
  expect(await change({ ipRules: [{ ipAddressOrRange: "home" }] })).toBe(400);
  expect(await change({ ipRules: "127.0.0.1" })).toBe(400);
  expect(await change({ publicNetworkAccess: "Perhaps" })).toBe(400);
  expect(await change({ disableKeyBasedMetadataWriteAccess: "true" })).toBe(400);
  expect(await outcomes()).toEqual(["404", "404"]);
});

it("with disableKeyBasedMetadataWriteAccess keys write data and read everything, but change no metadata", async () => {
  const write = () =>
    world.sdk.as(
      world.endpoint,
      world.keys.primaryMasterKey,
    )(async (client) => {
      const outcome = (work: Promise<{ statusCode: number }>) =>
        work.then(
          ({ statusCode }) => `${statusCode}`,
          (error: { code: number; message: string }) => `${error.code} ${error.message}`,
        );
      const database = client.database("appdb");
      const container = database.container("items");
      const { resource: offer } = await container.readOffer();
      const definition = (await container.read()).resource;
      return {
        item: await outcome(container.items.upsert({ id: "1", pk: "a" })),
        read: await outcome(container.read()),
        database: await outcome(client.databases.create({ id: `new${Date.now()}` })),
        container: await outcome(database.containers.create({ id: `new${Date.now()}`, partitionKey: "/pk" })),
        replace: await outcome(container.replace({ ...definition, id: "items", defaultTtl: -1 })),
        offer: await outcome(
          client.offer(offer?.id ?? "").replace({ ...offer, content: { offerThroughput: 500 } } as never),
        ),
      };
    });
  const open = await write();
  expect(Object.values(open)).toEqual(["200", "200", "201", "201", "200", "200"].with(0, open.item));
  expect(await change({ disableKeyBasedMetadataWriteAccess: true })).toBe(200);
  const closed = await write();
  expect([closed.item, closed.read]).toEqual(["200", "200"]);
  const text = (verb: string, resource: string) =>
    expect.stringMatching(
      new RegExp(
        `^403 .*Operation '${verb}' on resource '${resource}' is not allowed through Azure Cosmos DB endpoint\\. Please switch on such operations for your account`,
        "s",
      ),
    );
  expect(closed.database).toEqual(text("POST", "dbs"));
  expect(closed.container).toEqual(text("POST", "colls"));
  expect(closed.replace).toEqual(text("PUT", "colls"));
  expect(closed.offer).toEqual(text("PUT", "offers"));
  // Resource Manager goes on as before.
  await world.put("/sqlDatabases/appdb/containers/more", {
    resource: { id: "more", partitionKey: { paths: ["/pk"] } },
  });
  expect(await change({ disableKeyBasedMetadataWriteAccess: false })).toBe(200);
});
