/** What else the SDK offers: metrics, feed ranges, deleting by key, answers without bodies. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { signedWire } from "./signed-wire.ts";
import { contributor, startWorld, type World } from "./world.ts";

let world: World;
beforeAll(async () => {
  world = await startWorld();
  await world.put("/sqlDatabases/appdb", { resource: { id: "appdb" } });
  for (const id of ["items", "more"])
    await world.put(`/sqlDatabases/appdb/containers/${id}`, {
      resource: {
        id,
        partitionKey: { paths: ["/pk"], kind: "Hash" },
        computedProperties: [{ name: "double", query: "SELECT VALUE c.n * 2 FROM c" }],
        indexingPolicy: { includedPaths: [{ path: "/*" }], excludedPaths: [{ path: "/text/?" }] },
      },
    });
  await world.assign(contributor);
  await world.sdk.as(world.endpoint)(async (client) => {
    const { items } = client.database("appdb").container("items");
    for (let n = 0; n < 40; n++) await items.create({ id: String(n), pk: `p${n % 8}`, n, text: `t${n}` });
  });
});
afterAll(async () => {
  expect(world.tenant.failures).toEqual([]);
  await world[Symbol.asyncDispose]();
});

const app = () => world.sdk.as(world.endpoint);

it("tells query and index metrics", async () => {
  const found = await app()(async (client) => {
    const { items } = client.database("appdb").container("items");
    const query = "SELECT * FROM c WHERE c.n > 3 AND c.text = 't5'";
    const page = await items.query(query, { populateIndexMetrics: true, populateQueryMetrics: true }).fetchNext();
    return { metrics: page.indexMetrics, charge: page.requestCharge, count: page.resources.length };
  });
  expect(found.count).toBe(1);
  expect(found.charge).toBeGreaterThan(2);
  expect(found.metrics).toContain("/n/?");
});

it("charges less for a filter that an index serves than for one that looks at every document", async () => {
  const policy = { indexingMode: "consistent", includedPaths: [{ path: "/*" }], excludedPaths: [{ path: "/free/?" }] };
  await world.put("/sqlDatabases/appdb/containers/charged", {
    resource: { id: "charged", partitionKey: { paths: ["/pk"], kind: "Hash" }, indexingPolicy: policy },
  });
  const found = await app()(async (client) => {
    const { items } = client.database("appdb").container("charged");
    for (let n = 0; n < 60; n++) await items.create({ id: String(n), pk: `p${n % 8}`, sorted: n, free: n });
    const ask = async (filter: string) => {
      const page = await items
        .query(`SELECT VALUE c.id FROM c WHERE ${filter}`, { populateIndexMetrics: true })
        .fetchNext();
      return { ids: page.resources as string[], charge: page.requestCharge, metrics: page.indexMetrics };
    };
    return { indexed: await ask("c.sorted = 7"), scanned: await ask("c.free = 7") };
  });
  expect([found.indexed.ids, found.scanned.ids]).toEqual([["7"], ["7"]]);
  expect(found.scanned.charge).toBeGreaterThan(found.indexed.charge + 2);
  expect(found.indexed.metrics).toMatch(/Utilized[^]*\/sorted[^]*Potential/);
  expect(found.scanned.metrics).toMatch(/Potential[^]*\/free/);
});

it("evaluates computed properties", async () => {
  const found = await app()(async (client) => {
    const { items } = client.database("appdb").container("items");
    return (await items.query("SELECT VALUE c.double FROM c WHERE c.double > 74 ORDER BY c.double").fetchAll())
      .resources;
  });
  expect(found).toEqual([76, 78]);
});

it("reads many by id, and by feed ranges", async () => {
  const found = await app()(async (client, sdk) => {
    const container = client.database("appdb").container("items");
    const ranges = await container.getFeedRanges();
    const seen: string[] = [];
    for (const range of ranges) {
      const iterator = container.items.getChangeFeedIterator({
        changeFeedStartFrom: sdk.ChangeFeedStartFrom.Beginning(range),
        maxItemCount: 15,
      });
      while (iterator.hasMoreResults) {
        const page = await iterator.readNext();
        if (page.statusCode === 304) break;
        for (const { id } of page.result as { id: string }[]) seen.push(id);
      }
    }
    return { ranges: ranges.length, changes: new Set(seen).size, all: seen.length };
  });
  expect(found).toEqual({ ranges: 1, changes: 40, all: 40 });
});

it("deletes by partition key", async () => {
  const found = await app()(async (client) => {
    const container = client.database("appdb").container("items");
    const { statusCode } = await container.deleteAllItemsForPartitionKey("p3");
    const count = async (partitionKey?: string) =>
      (
        await container.items
          .query<number>("SELECT VALUE COUNT(1) FROM c", partitionKey === undefined ? {} : { partitionKey })
          .fetchAll()
      ).resources[0];
    return [statusCode, await count("p3"), await count()];
  });
  expect(found).toEqual([200, 0, 35]);
});

it("answers writes of a batch without bodies when asked to", async () => {
  const found = await app()(async (client) => {
    const { items } = client.database("appdb").container("more");
    const operations = [
      { operationType: "Upsert" as const, resourceBody: { id: "1", pk: "a" } },
      { operationType: "Read" as const, id: "1" },
    ];
    const { result } = await items.batch(operations, "a", { contentResponseOnWriteEnabled: false });
    return result?.map(({ statusCode, resourceBody }) => [statusCode, resourceBody !== undefined]);
  });
  expect(found).toEqual([
    [201, false],
    [200, true],
  ]);
});

it("keeps what a container holds apart from one made again under its name", async () => {
  const found = await world.sdk.as(
    world.endpoint,
    world.keys.primaryMasterKey,
  )(async (client) => {
    const database = client.database("appdb");
    const make = () => database.containers.create({ id: "again", partitionKey: { paths: ["/pk"] } });
    const { container } = await make();
    await container.items.create({ id: "1", pk: "a" });
    const token = (await container.items.query("SELECT * FROM c", { maxItemCount: 1 }).fetchNext()).continuationToken;
    await container.delete();
    const missing = await container.items.create({ id: "2", pk: "a" }).catch((error: { code: number }) => error.code);
    await make();
    const { resources } = await container.items.query("SELECT * FROM c").fetchAll();
    return { token, missing, left: resources.length };
  });
  expect(found).toEqual({ token: undefined, missing: 404, left: 0 });
});

it("has no conflicts, and says so", async () => {
  const found = await app()(async (client) => {
    const { conflicts } = client.database("appdb").container("items");
    const all = await conflicts.readAll().fetchAll();
    const asked = await conflicts.query("SELECT * FROM c").fetchAll();
    return [all.resources, asked.resources];
  });
  expect(found).toEqual([[], []]);
});

it("tells in a query plan whether values are selected, which Java must know to unwrap them", async () => {
  const plan = async (query: string) => {
    const answer = await signedWire(world).send({
      path: "/dbs/appdb/colls/items/docs",
      body: JSON.stringify({ query }),
      headers: { "content-type": "application/query+json", "x-ms-cosmos-is-query-plan-request": "True" },
    });
    return (JSON.parse(answer.text) as { queryInfo: { hasSelectValue: boolean } }).queryInfo.hasSelectValue;
  };
  expect(await plan("SELECT DISTINCT VALUE c.n FROM c")).toBe(true);
  expect(await plan("SELECT c.n AS VALUE_OF FROM c")).toBe(false);
});

it("knows users and permissions by their `_rid`, as Java addresses them", async () => {
  const wire = signedWire(world);
  const make = async (path: string, body: object): Promise<string> => {
    const answer = await wire.send({ path, body: JSON.stringify(body) });
    expect(answer.status, answer.text).toBe(201);
    return `/${(JSON.parse(answer.text) as { _self: string })._self}`;
  };
  const user = await make("/dbs/appdb/users", { id: "by-rid" });
  const permission = { id: "reads", permissionMode: "Read", resource: "dbs/appdb/colls/items" };
  const made = await make("/dbs/appdb/users/by-rid/permissions", permission);
  const read = async (path: string) =>
    (JSON.parse((await wire.send({ method: "GET", path })).text) as { id?: string }).id;
  expect([await read(user), await read(made)]).toEqual(["by-rid", "reads"]);
});

it("tells the least throughput that a container can have", async () => {
  const wire = signedWire(world);
  const { text } = await wire.send({ method: "GET", path: "/offers" });
  const [offer] = (JSON.parse(text) as { Offers: { id: string }[] }).Offers;
  const { headers } = await wire.send({ method: "GET", path: `/offers/${offer?.id}` });
  expect(headers["x-ms-cosmos-min-throughput"]).toBe("400");
});
