/** Request units: what they grow with, and that nobody gets more than is provisioned where a tenant enforces it. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { startWorld, type World } from "./world.ts";

let free: World;
let strict: World;
beforeAll(async () => {
  free = await startWorld();
  strict = await startWorld({ enforceThroughput: true });
  for (const world of [free, strict]) await world.put("/sqlDatabases/appdb", { resource: { id: "appdb" } });
});
afterAll(async () => {
  for (const world of [free, strict]) {
    expect(world.tenant.failures).toEqual([]);
    await world[Symbol.asyncDispose]();
  }
});

const keyOf = (world: World) => world.sdk.as(world.endpoint, world.keys.primaryMasterKey);
const container = (world: World, id: string, options: object = {}, more: object = {}) =>
  world.put(`/sqlDatabases/appdb/containers/${id}`, {
    resource: { id, partitionKey: { paths: ["/pk"], kind: "Hash" }, ...more },
    options,
  });

it("charges reads and writes by size, and writes by what is indexed", async () => {
  await container(free, "all");
  await container(
    free,
    "some",
    {},
    { indexingPolicy: { includedPaths: [{ path: "/n/?" }], excludedPaths: [{ path: "/*" }] } },
  );
  await container(free, "none", {}, { indexingPolicy: { indexingMode: "none", automatic: false } });
  const found = await keyOf(free)(async (client) => {
    const database = client.database("appdb");
    const write = async (name: string, body: object) =>
      (await database.container(name).items.upsert({ id: "1", pk: "a", ...body })).requestCharge;
    const read = async (name: string) => (await database.container(name).item("1", "a").read()).requestCharge;
    const many = Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`p${n}`, n]));
    const large = { text: "x".repeat(102_000) };
    const small = { all: await write("all", { n: 1 }), none: await write("none", { n: 1 }), read: await read("all") };
    const wide = { all: await write("all", many), some: await write("some", many), none: await write("none", many) };
    const tags = await write("all", { tags: Array.from({ length: 50 }, (_, n) => n) });
    const big = { all: await write("all", large), none: await write("none", large), read: await read("all") };
    const deleted = (await database.container("all").item("1", "a").delete()).requestCharge;
    return { small, wide, tags, big, deleted };
  });
  expect(found.small).toEqual({ all: 6.29, none: 5, read: 1 });
  expect(found.wide.all).toBeCloseTo(6.29 + 19 * 0.2, 5);
  expect(found.wide.some).toBeCloseTo(5.69, 5);
  expect(found.wide.none).toBe(5);
  expect(found.tags).toBeCloseTo(5.69 + 52 * 0.2, 5);
  // The documented points: 100 KB.
  expect([found.big.read, found.big.none]).toEqual([10, 50]);
  expect(found.big.all).toBeGreaterThan(50);
  expect(found.deleted).toBe(found.big.all);
});

it("charges batches as the sum of their operations", async () => {
  await container(free, "batched");
  const { total, parts } = await keyOf(free)(async (client) => {
    const { items } = client.database("appdb").container("batched");
    const answer = await items.batch(
      [
        { operationType: "Create", resourceBody: { id: "1", pk: "a", text: "x".repeat(50_000) } },
        { operationType: "Read", id: "1" },
        { operationType: "Delete", id: "1" },
      ],
      "a",
    );
    return {
      total: Number(answer.headers["x-ms-request-charge"]),
      parts: (answer.result ?? []).map(({ requestCharge }) => requestCharge),
    };
  });
  expect(parts[0]).toBeGreaterThan(25);
  expect(parts[1]).toBeGreaterThan(5);
  expect(parts[2]).toBe(parts[0]);
  expect(total).toBeCloseTo(
    parts.reduce((sum, each) => sum + each, 0),
    1,
  );
});

it("lets everybody through unless it is asked to enforce what is provisioned", async () => {
  await container(free, "open", { throughput: 400 });
  const charge = await keyOf(free)(async (client) => {
    const { items } = client.database("appdb").container("open");
    const all = await Promise.all(Array.from({ length: 200 }, (_, n) => items.create({ id: `${n}`, pk: "a" })));
    return all.reduce((sum, { requestCharge }) => sum + requestCharge, 0);
  });
  expect(charge).toBeGreaterThan(1000);
});

/** Writes, one after the other, until one is refused. */
const exhaust = (world: World, name: string, writes: number) =>
  keyOf(world)(
    async (client, _sdk, [id, count]) => {
      const { items } = client.database("appdb").container(id);
      for (let n = 0; n < count; n++)
        try {
          await items.upsert({ id: `${n}`, pk: "a", text: "x".repeat(200_000) });
        } catch (error) {
          const { code, substatus, message, retryAfterInMs } = error as Record<string, number | string>;
          return { code, substatus, message: String(message), retryAfterInMs };
        }
      return undefined;
    },
    name,
    writes,
  );

it("refuses with 429/3200 what goes beyond, and says when to come again", async () => {
  await container(strict, "manual", { throughput: 400 });
  const refused = await exhaust(strict, "manual", 500);
  expect(refused).toMatchObject({ code: 429, substatus: 3200 });
  expect(refused?.message).toContain("Request rate is large");
  expect(Number(refused?.retryAfterInMs)).toBeGreaterThan(0);
  expect(Number(refused?.retryAfterInMs)).toBeLessThan(10_100);
});

it("is got over by the retries of the SDK", async () => {
  await container(strict, "patient", { throughput: 400 });
  const { written, throttled } = await keyOf(strict)(
    async (_client, sdk, [endpoint, key]) => {
      const client = new sdk.CosmosClient({
        endpoint,
        key,
        connectionPolicy: {
          retryOptions: { maxRetryAttemptCount: 9, fixedRetryIntervalInMilliseconds: 0, maxWaitTimeInSeconds: 30 },
        },
      });
      const { items } = client.database("appdb").container("patient");
      // Leaves a debt of about two seconds.
      await items.create({ id: "large", pk: "a", text: "x".repeat(1_900_000) });
      let count = 0;
      let retried = 0;
      for (let n = 0; n < 20; n++) {
        const answer = await items.create({ id: `${n}`, pk: "a" });
        count += answer.statusCode === 201 ? 1 : 0;
        retried += Number(answer.headers["x-ms-throttle-retry-count"] ?? 0);
      }
      return { written: count, throttled: retried };
    },
    strict.endpoint,
    strict.keys.primaryMasterKey,
  );
  expect(written).toBe(20);
  expect(throttled).toBeGreaterThan(0);
});

it("is got over by bulk requests as well, of which the service takes 100 operations at a time", async () => {
  await container(strict, "bulk", { throughput: 400 });
  const codes = await keyOf(strict)(
    async (_client, sdk, [endpoint, key]) => {
      const client = new sdk.CosmosClient({ endpoint, key });
      const { items } = client.database("appdb").container("bulk");
      const operations = Array.from({ length: 103 }, (_, n) => ({
        operationType: "Create" as const,
        partitionKey: "a",
        resourceBody: { id: `${n}`, pk: "a" },
      }));
      const results = await items.executeBulkOperations(operations);
      return results.map(({ response, error }) => response?.statusCode ?? error?.code);
    },
    strict.endpoint,
    strict.keys.primaryMasterKey,
  );
  expect(new Set(codes)).toEqual(new Set([201]));
});

it("is shared by the containers of a database, but for those that have their own", async () => {
  await strict.put("/sqlDatabases/shared", { resource: { id: "shared" }, options: { throughput: 400 } });
  const make = (id: string, options: object) =>
    strict.put(`/sqlDatabases/shared/containers/${id}`, {
      resource: { id, partitionKey: { paths: ["/pk"], kind: "Hash" } },
      options,
    });
  await make("one", {});
  await make("two", {});
  await make("own", { throughput: 400 });
  const found = await keyOf(strict)(async (client) => {
    const database = client.database("shared");
    const write = (name: string, size: number) =>
      database
        .container(name)
        .items.upsert({ id: "1", pk: "a", text: "x".repeat(size) })
        .then(
          ({ statusCode }) => statusCode,
          (error: { code: number }) => error.code,
        );
    // One huge write is served and leaves a debt.
    return [await write("one", 1_900_000), await write("two", 10), await write("own", 10)];
  });
  expect(found).toEqual([201, 429, 201]);
});

it("goes up to the most that autoscale may reach, and follows a change at once", async () => {
  await container(strict, "scaled", { autoscaleSettings: { maxThroughput: 20_000 } });
  expect(await exhaust(strict, "scaled", 100)).toBeUndefined();
  await container(strict, "changed", { throughput: 400 });
  expect((await exhaust(strict, "changed", 500))?.code).toBe(429);
  await strict.put("/sqlDatabases/appdb/containers/changed/throughputSettings/default", {
    resource: { throughput: 100_000 },
  });
  await expect.poll(async () => (await exhaust(strict, "changed", 20))?.code, { timeout: 5_000 }).toBeUndefined();
});

it("leaves metadata alone, and accounts that pay by use", async () => {
  await using serverless = await startWorld({
    account: "byuse",
    enforceThroughput: true,
    properties: { capabilities: [{ name: "EnableServerless" }] },
  });
  await serverless.put("/sqlDatabases/appdb", { resource: { id: "appdb" } });
  await container(serverless, "c");
  expect(await exhaust(serverless, "c", 60)).toBeUndefined();
  const refused = await keyOf(serverless)((client) =>
    client
      .database("appdb")
      .containers.create({ id: "d", partitionKey: { paths: ["/pk"] }, throughput: 400 })
      .then(
        () => "",
        (error: { code: number; message: string }) => `${error.code} ${error.message}`,
      ),
  );
  expect(refused).toMatch(/^400 .*serverless/s);
  await container(strict, "meta", { throughput: 400 });
  const codes = await keyOf(strict)(async (client) => {
    const one = client.database("appdb").container("meta");
    await one.items.upsert({ id: "1", pk: "a", text: "x".repeat(1_900_000) });
    const item = await one
      .item("1", "a")
      .read()
      .then(
        ({ statusCode }) => statusCode,
        (error: { code: number }) => error.code,
      );
    const { storedProcedures } = one.scripts;
    const made = (await storedProcedures.create({ id: "p", body: "function () {}" })).statusCode;
    const seen = (await one.scripts.storedProcedure("p").read()).statusCode;
    const run = await one.scripts
      .storedProcedure("p")
      .execute("a", [])
      .then(
        ({ statusCode }) => statusCode,
        (error: { code: number }) => error.code,
      );
    return [item, run, made, seen, (await one.read()).statusCode];
  });
  expect(codes).toEqual([429, 429, 201, 200, 200]);
});
