/** The change feed of all versions and deletes, as `@azure/cosmos` reads it. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { contributor, startWorld, type World } from "./world.ts";

let world: World;
beforeAll(async () => {
  world = await startWorld();
  await world.put("/sqlDatabases/appdb", { resource: { id: "appdb" } });
  await world.put("/sqlDatabases/appdb/containers/plain", {
    resource: { id: "plain", partitionKey: { paths: ["/pk"], kind: "Hash" } },
  });
  await world.put("/sqlDatabases/appdb/containers/logged", {
    resource: {
      id: "logged",
      partitionKey: { paths: ["/tenant", "/pk"], kind: "MultiHash", version: 2 },
      defaultTtl: -1,
      changeFeedPolicy: { retentionDuration: 10 },
    },
  });
  await world.assign(contributor);
});
afterAll(async () => {
  expect(world.tenant.failures).toEqual([]);
  await world[Symbol.asyncDispose]();
});

const app = () => world.sdk.as(world.endpoint);
const key = () => world.sdk.as(world.endpoint, world.keys.primaryMasterKey);

interface Told {
  readonly current?: { readonly id: string; readonly n?: number; readonly _lsn?: number };
  readonly metadata: {
    readonly operationType: string;
    readonly lsn: number;
    readonly crts: number;
    readonly previousImageLSN?: number;
    readonly timeToLiveExpired?: boolean;
    readonly id?: string;
    readonly partitionKey?: object;
  };
}

it("tells every version and every delete, in order, and goes on from a continuation token", async () => {
  const { pages, tokens } = await app()(async (client, sdk) => {
    const container = client.database("appdb").container("logged");
    const mode = sdk.ChangeFeedMode.AllVersionsAndDeletes;
    const open = (token?: string) =>
      container.items.getChangeFeedIterator({
        changeFeedMode: mode,
        maxItemCount: 4,
        changeFeedStartFrom:
          token === undefined ? sdk.ChangeFeedStartFrom.Now() : sdk.ChangeFeedStartFrom.Continuation(token),
      });
    const found: { status: number; told: unknown[] }[] = [];
    const seen: string[] = [];
    const read = async (token?: string): Promise<string> => {
      const page = await open(token).readNext();
      found.push({ status: page.statusCode, told: page.result });
      seen.push(page.continuationToken);
      return page.continuationToken;
    };
    await container.items.create({ id: "before", tenant: "t", pk: "a" });
    let token = await read();
    await container.items.create({ id: "1", tenant: "t", pk: "a", n: 1 });
    const item = container.item("1", ["t", "a"]);
    await item.replace({ id: "1", tenant: "t", pk: "a", n: 2 });
    await item.patch([{ op: "incr", path: "/n", value: 1 }]);
    await container.items.upsert({ id: "1", tenant: "t", pk: "a", n: 4 });
    await item.delete();
    await container.items.batch(
      [
        { operationType: "Create", resourceBody: { id: "2", tenant: "t", pk: "b" } },
        { operationType: "Upsert", resourceBody: { id: "2", tenant: "t", pk: "b", n: 1 } },
        { operationType: "Delete", id: "2" },
      ],
      ["t", "b"],
    );
    // One that is rolled back leaves nothing.
    await container.items.batch(
      [
        { operationType: "Create", resourceBody: { id: "3", tenant: "t", pk: "b" } },
        { operationType: "Create", resourceBody: { id: "3", tenant: "t", pk: "b" } },
      ],
      ["t", "b"],
    );
    for (let n = 0; n < 4; n++) token = await read(token);
    return { pages: found, tokens: seen };
  });
  expect(pages.map(({ status, told }) => [status, told.length])).toEqual([
    [304, 0],
    [200, 4],
    [200, 4],
    [304, 0],
    [304, 0],
  ]);
  expect(new Set(tokens.slice(0, 3)).size).toBe(3);
  const told = pages.flatMap((page) => page.told as Told[]);
  expect(told.map(({ current, metadata }) => [metadata.operationType, current?.n ?? current?.id])).toEqual([
    ["create", 1],
    ["replace", 2],
    ["replace", 3],
    ["replace", 4],
    ["delete", undefined],
    ["create", "2"],
    ["replace", 1],
    ["delete", undefined],
  ]);
  const lsns = told.map(({ metadata }) => metadata.lsn);
  expect(lsns).toEqual([...lsns].sort((a, b) => a - b));
  expect(told.map(({ metadata }) => metadata.previousImageLSN)).toEqual([
    undefined,
    ...lsns.slice(0, 4),
    undefined,
    ...lsns.slice(5, 7),
  ]);
  expect(told[4]).toEqual({
    metadata: {
      operationType: "delete",
      lsn: lsns[4],
      crts: expect.any(Number),
      previousImageLSN: lsns[3],
      timeToLiveExpired: false,
      id: "1",
      partitionKey: { tenant: "t", pk: "a" },
    },
  });
});

it("keeps to a partition key", async () => {
  const found = await app()(async (client, sdk) => {
    const { items } = client.database("appdb").container("logged");
    const iterator = items.getChangeFeedIterator({
      changeFeedMode: sdk.ChangeFeedMode.AllVersionsAndDeletes,
      changeFeedStartFrom: sdk.ChangeFeedStartFrom.Now(["t", "x"]),
    });
    await iterator.readNext();
    await items.create({ id: "in", tenant: "t", pk: "x" });
    await items.create({ id: "out", tenant: "t", pk: "y" });
    return (await iterator.readNext()).result;
  });
  expect((found as unknown as Told[]).map(({ current }) => current?.id)).toEqual(["in"]);
});

it("tells what stored procedures write", async () => {
  const found = await key()(async (client, sdk) => {
    const container = client.database("appdb").container("logged");
    await container.scripts.storedProcedures.create({
      id: "pair",
      body: `function (pk) {
        for (const id of ["x", "y"]) __.createDocument(__.getSelfLink(), { id, tenant: "t", pk });
        __.response.setBody("done");
      }`,
    });
    const iterator = container.items.getChangeFeedIterator({
      changeFeedMode: sdk.ChangeFeedMode.AllVersionsAndDeletes,
      changeFeedStartFrom: sdk.ChangeFeedStartFrom.Now(),
    });
    await iterator.readNext();
    await container.scripts.storedProcedure("pair").execute(["t", "proc"], ["proc"]);
    return (await iterator.readNext()).result;
  });
  expect((found as unknown as Told[]).map(({ current, metadata }) => [metadata.operationType, current?.id])).toEqual([
    ["create", "x"],
    ["create", "y"],
  ]);
});

it("tells of items whose time ran out, once they are removed", async () => {
  const token = await app()(async (client, sdk) => {
    const { items } = client.database("appdb").container("logged");
    const iterator = items.getChangeFeedIterator({
      changeFeedMode: sdk.ChangeFeedMode.AllVersionsAndDeletes,
      changeFeedStartFrom: sdk.ChangeFeedStartFrom.Now(),
    });
    const { continuationToken } = await iterator.readNext();
    await items.create({ id: "short", tenant: "t", pk: "a", ttl: 5 });
    return continuationToken;
  });
  world.tenant.advance(180_000);
  const read = () =>
    app()(async (client, sdk, [from]) => {
      const { items } = client.database("appdb").container("logged");
      const iterator = items.getChangeFeedIterator({
        changeFeedMode: sdk.ChangeFeedMode.AllVersionsAndDeletes,
        changeFeedStartFrom: sdk.ChangeFeedStartFrom.Continuation(from),
      });
      return (await iterator.readNext()).result as unknown as { metadata: object }[];
    }, token);
  await expect
    .poll(async () => (await read()).map(({ metadata }) => metadata), { timeout: 20_000, interval: 500 })
    .toEqual([
      expect.objectContaining({ operationType: "create" }),
      expect.objectContaining({ operationType: "delete", timeToLiveExpired: true, id: "short" }),
    ]);
});

it("is refused from the beginning, from a point in time, and where no versions are kept", async () => {
  const found = await app()(async (client, sdk) => {
    const database = client.database("appdb");
    const read = async (container: string, from: string) => {
      const start = {
        now: () => sdk.ChangeFeedStartFrom.Now(),
        beginning: () => sdk.ChangeFeedStartFrom.Beginning(),
        time: () => sdk.ChangeFeedStartFrom.Time(new Date(0)),
      }[from];
      const iterator = database.container(container).items.getChangeFeedIterator({
        changeFeedMode: sdk.ChangeFeedMode.AllVersionsAndDeletes,
        ...(start === undefined ? {} : { changeFeedStartFrom: start() }),
      });
      return iterator.readNext().then(
        ({ statusCode }) => String(statusCode),
        (error: { code: number; message: string }) => `${error.code} ${error.message.split("\n")[0]}`,
      );
    };
    return [
      await read("logged", "now"),
      await read("logged", "beginning"),
      await read("logged", "time"),
      await read("plain", "now"),
    ];
  });
  expect(found).toEqual([
    "304",
    expect.stringMatching(/^400 .*Start from beginning is not supported with 'All Versions and Deletes' mode\./),
    expect.stringMatching(/^400 .*Start from a point in time is not supported/),
    expect.stringMatching(/^400 .*Change Feed 'All Versions and Deletes' mode must be enabled\./),
  ]);
});

it("is the account's affair where it has continuous backup", async () => {
  await using own = await startWorld({ account: "backed" });
  const change = async (properties: object) =>
    (await own.tenant.arm("PATCH", `${own.accountId}?api-version=2024-12-01-preview`, { properties })).status;
  const versions = { enableAllVersionsAndDeletesChangeFeed: true };
  expect(await change(versions)).toBe(400);
  await own.put("/sqlDatabases/appdb", { resource: { id: "appdb" } });
  await own.put("/sqlDatabases/appdb/containers/c", { resource: { id: "c", partitionKey: { paths: ["/pk"] } } });
  const make = (id: string) =>
    own.sdk.as(own.endpoint, own.keys.primaryMasterKey)(
      (client, sdk, [name]) =>
        client
          .database("appdb")
          .containers.create({
            id: name,
            partitionKey: { paths: ["/pk"] },
            changeFeedPolicy: new sdk.ChangeFeedPolicy(sdk.ChangeFeedRetentionTimeSpan.fromMinutes(5)),
          })
          .then(
            ({ resource }) => JSON.stringify(resource?.changeFeedPolicy),
            (error: { code: number; message: string }) => `${error.code} ${error.message}`,
          ),
      id,
    );
  expect(await make("policy")).toBe('{"retentionDuration":5}');
  const continuous = { type: "Continuous", continuousModeProperties: { tier: "Continuous7Days" } };
  expect(await change({ backupPolicy: continuous })).toBe(200);
  expect(await make("other")).toMatch(/^400 .*should not be set when continuous backup mode is enabled/s);
  expect(await change({ backupPolicy: { type: "Periodic" } })).toBe(400);
  await own.assign(contributor);
  const follow = () =>
    own.sdk.as(own.endpoint)(async (client, sdk) => {
      const { items } = client.database("appdb").container("c");
      const iterator = items.getChangeFeedIterator({
        changeFeedMode: sdk.ChangeFeedMode.AllVersionsAndDeletes,
        changeFeedStartFrom: sdk.ChangeFeedStartFrom.Now(),
      });
      return iterator.readNext().then(
        async () => {
          await items.upsert({ id: "1", pk: "a" });
          return (await iterator.readNext()).result.length;
        },
        (error: { code: number }) => error.code,
      );
    });
  expect(await follow()).toBe(400);
  expect(await change(versions)).toBe(200);
  expect(await follow()).toBe(1);
});

it("is refused when what comes next is older than the policy keeps it", async () => {
  await key()(async (client) => {
    const { container } = await client.database("appdb").containers.create({
      id: "brief",
      partitionKey: { paths: ["/pk"] },
      changeFeedPolicy: { retentionDuration: 1 },
    });
    await container.items.create({ id: "1", pk: "a" });
  });
  world.tenant.advance(120_000);
  const found = await key()(async (client, sdk) => {
    const container = client.database("appdb").container("brief");
    const { resource } = await container.read();
    const token = JSON.stringify({
      rid: (resource as unknown as { _rid: string })._rid,
      Continuation: [{ minInclusive: "", maxExclusive: "FF", continuationToken: '"0"' }],
    });
    const iterator = container.items.getChangeFeedIterator({
      changeFeedMode: sdk.ChangeFeedMode.AllVersionsAndDeletes,
      changeFeedStartFrom: sdk.ChangeFeedStartFrom.Continuation(token),
    });
    return iterator.readNext().then(
      ({ statusCode }) => statusCode,
      (error: { code: number }) => error.code,
    );
  });
  expect(found).toBe(400);
});
