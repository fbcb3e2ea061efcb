/** Items, queries and feeds through the real SDK. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { contributor, startWorld, type World } from "./world.ts";

let world: World;
beforeAll(async () => {
  world = await startWorld({ locations: ["eastus", "westeurope"] });
  await world.put("/sqlDatabases/appdb", { resource: { id: "appdb" } });
  const containers = {
    items: { partitionKey: { paths: ["/pk"], kind: "Hash" } },
    unique: {
      partitionKey: { paths: ["/pk"], kind: "Hash" },
      uniqueKeyPolicy: { uniqueKeys: [{ paths: ["/email"] }] },
    },
    expiring: { partitionKey: { paths: ["/pk"], kind: "Hash" }, defaultTtl: 60 },
    levels: { partitionKey: { paths: ["/tenant", "/user"], kind: "MultiHash", version: 2 } },
    sorted: {
      partitionKey: { paths: ["/pk"], kind: "Hash" },
      indexingPolicy: {
        indexingMode: "consistent",
        includedPaths: [{ path: "/*" }],
        compositeIndexes: [
          [
            { path: "/a", order: "ascending" },
            { path: "/b", order: "descending" },
          ],
        ],
      },
    },
    feed: { partitionKey: { paths: ["/pk"], kind: "Hash" } },
  };
  for (const [id, definition] of Object.entries(containers))
    await world.put(`/sqlDatabases/appdb/containers/${id}`, { resource: { id, ...definition } });
  await world.assign(contributor);
});
afterAll(async () => {
  expect(world.tenant.failures).toEqual([]);
  await world[Symbol.asyncDispose]();
});

const app = () => world.sdk.as(world.endpoint);

describe("items", () => {
  it("are created, read, replaced and deleted, with their system properties", async () => {
    const found = await app()(async (client) => {
      const { items, item } = ((c) => ({ items: c.items, item: (id: string) => c.item(id, "a") }))(
        client.database("appdb").container("items"),
      );
      const created = await items.create({ id: "x", pk: "a", z: 1, a: [1, { b: "é" }] });
      const again = await items.create({ id: "x", pk: "a" }).catch((error: { code: number }) => error.code);
      const read = await item("x").read();
      const replaced = await item("x").replace({ id: "x", pk: "a", z: 2 });
      const deleted = await item("x").delete();
      const gone = await item("x").read();
      const twice = await item("x")
        .delete()
        .catch((error: { code: number }) => error.code);
      return {
        created: created.statusCode,
        charge: created.requestCharge,
        again,
        names: Object.keys(read.resource ?? {}),
        etags: [created.etag === read.etag, read.etag === replaced.etag],
        z: (replaced.resource as { z?: number } | undefined)?.z,
        deleted: deleted.statusCode,
        gone: gone.statusCode,
        twice,
        activity: created.activityId.length,
      };
    });
    expect(found).toEqual({
      created: 201,
      charge: expect.any(Number),
      again: 409,
      names: ["id", "pk", "z", "a", "_rid", "_self", "_etag", "_attachments", "_ts"],
      etags: [true, false],
      z: 2,
      deleted: 204,
      gone: 404,
      twice: 404,
      activity: 36,
    });
  });

  it("keep their etag's promise: 412 for a stale one, 304 for a known one", async () => {
    const codes = await app()(async (client) => {
      const container = client.database("appdb").container("items");
      const { etag } = await container.items.upsert({ id: "e", pk: "a", n: 0 });
      const code = (error: { code: number }) => error.code;
      const condition = etag;
      const item = container.item("e", "a");
      const ok = await item.replace({ id: "e", pk: "a", n: 1 }, { accessCondition: { type: "IfMatch", condition } });
      const stale = { accessCondition: { type: "IfMatch", condition } };
      return [
        ok.statusCode,
        await item.replace({ id: "e", pk: "a", n: 2 }, stale).then((r) => r.statusCode, code),
        await container.items.upsert({ id: "e", pk: "a", n: 2 }, stale).then((r) => r.statusCode, code),
        await item.delete(stale).then((r) => r.statusCode, code),
        await item.patch([{ op: "set", path: "/n", value: 9 }], stale).then((r) => r.statusCode, code),
        await item
          .read({ accessCondition: { type: "IfNoneMatch", condition: ok.etag } })
          .then((r) => r.statusCode, code),
      ];
    });
    expect(codes).toEqual([200, 412, 412, 412, 412, 304]);
  });

  it("lose no update when many increment with etags", async () => {
    const total = await app()(async (client) => {
      const container = client.database("appdb").container("items");
      await container.items.upsert({ id: "counter", pk: "a", n: 0 });
      const increment = async (): Promise<void> => {
        for (;;) {
          const { resource, etag } = await container.item("counter", "a").read<{ id: string; pk: string; n: number }>();
          if (resource === undefined) throw new Error("gone");
          try {
            await container
              .item("counter", "a")
              .replace({ ...resource, n: resource.n + 1 }, { accessCondition: { type: "IfMatch", condition: etag } });
            return;
          } catch (error) {
            if ((error as { code?: number }).code !== 412) throw error;
          }
        }
      };
      await Promise.all(
        Array.from({ length: 16 }, async () => {
          for (let i = 0; i < 5; i++) await increment();
        }),
      );
      return (await container.item("counter", "a").read<{ n: number }>()).resource?.n;
    });
    expect(total).toBe(80);
  });

  it("are patched with every operation, and under a condition", async () => {
    const found = await app()(async (client) => {
      const container = client.database("appdb").container("items");
      await container.items.upsert({ id: "p", pk: "a", n: 1, tags: ["x", "y"], old: 1, deep: { a: 1 } });
      const item = container.item("p", "a");
      const { resource } = await item.patch([
        { op: "add", path: "/tags/0", value: "first" },
        { op: "add", path: "/tags/-", value: "last" },
        { op: "set", path: "/deep/b", value: 2 },
        { op: "replace", path: "/deep/a", value: 3 },
        { op: "remove", path: "/old" },
        { op: "incr", path: "/n", value: 4 },
        { op: "incr", path: "/fresh", value: 1 },
        { op: "move", from: "/deep/b", path: "/moved" } as never,
      ]);
      const code = (error: { code: number }) => error.code;
      const conditional = (condition: string) =>
        item.patch({ condition, operations: [{ op: "incr", path: "/n", value: 1 }] }).then((r) => r.statusCode, code);
      const { n, tags, deep, old, fresh, moved } = resource as Record<string, unknown>;
      return {
        n,
        tags,
        deep,
        old,
        fresh,
        moved,
        codes: [
          await conditional("FROM c WHERE c.n = 5"),
          await conditional("FROM c WHERE c.n = 5"),
          await item.patch([{ op: "replace", path: "/none/x", value: 1 }]).then((r) => r.statusCode, code),
          await item.patch([{ op: "set", path: "/id", value: "q" }]).then((r) => r.statusCode, code),
          await container
            .item("nobody", "a")
            .patch([{ op: "set", path: "/x", value: 1 }])
            .then((r) => r.statusCode, code),
        ],
      };
    });
    expect(found).toEqual({
      n: 5,
      tags: ["first", "x", "y", "last"],
      deep: { a: 3 },
      old: undefined,
      fresh: 1,
      moved: 2,
      codes: [200, 412, 400, 400, 404],
    });
  });

  it("are refused when id, partition key, size or unique key are wrong", async () => {
    const codes = await app()(async (client) => {
      const container = client.database("appdb").container("items");
      const unique = client.database("appdb").container("unique");
      const failure = (error: { code: number; substatus?: number }) => `${error.code}/${error.substatus ?? 0}`;
      const status = (r: { statusCode: number }) => String(r.statusCode);
      return [
        await container.items.create({ id: "big", pk: "a", text: "x".repeat(3 * 1024 * 1024) }).then(status, failure),
        await container.item("x", "b").replace({ id: "x", pk: "c" }).then(status, failure),
        await unique.items.create({ id: "1", pk: "a", email: "m@x" }).then(status, failure),
        await unique.items.create({ id: "2", pk: "a", email: "m@x" }).then(status, failure),
        await unique.items.create({ id: "2", pk: "b", email: "m@x" }).then(status, failure),
        await unique.item("1", "a").replace({ id: "1", pk: "a", email: "n@x" }).then(status, failure),
        await unique.items.create({ id: "2", pk: "a", email: "m@x" }).then(status, failure),
        await client.database("appdb").container("missing").items.create({ id: "1", pk: "a" }).then(status, failure),
        await client
          .database("missing")
          .container("items")
          .item("1", "a")
          .replace({ id: "1", pk: "a" })
          .then(status, failure),
      ];
    });
    expect(codes).toEqual(
      ["413/0", "404/0", "201/0", "409/0", "201/0", "200/0", "201/0", "404/0", "404/1003"].map((c) =>
        expect.stringMatching(c.startsWith("2") ? /^2/ : new RegExp(`^${c}$`)),
      ),
    );
  });

  it("take odd ids and partition keys", async () => {
    const ids = [" a b ", "日本語", "a,b=c.d:e~f+g-h@(i)^${j}[k]!_", "plus+plus"];
    const found = await app()(async (client, _, [given]) => {
      const container = client.database("appdb").container("items");
      const read: unknown[] = [];
      for (const id of given) {
        await container.items.upsert({ id, pk: 'ü/"\\' });
        read.push((await container.item(id, 'ü/"\\').read()).resource?.id);
      }
      for (const pk of [null, true, 1.5, -0]) {
        await container.items.upsert({ id: "v", pk });
        read.push((await container.item("v", pk).read()).statusCode);
      }
      await container.items.upsert({ id: "none" });
      read.push((await container.item("none", undefined).read()).statusCode);
      return read;
    }, ids);
    expect(found).toEqual([...ids, 200, 200, 200, 200, 200]);
  });
});

describe("queries and feeds", () => {
  it("answer with ORDER BY, GROUP BY, aggregates, DISTINCT, JOIN and parameters", async () => {
    const found = await app()(async (client) => {
      const container = client.database("appdb").container("sorted");
      for (let i = 0; i < 30; i++)
        await container.items.create({ id: String(i), pk: `p${i % 5}`, a: i % 3, b: i, tags: [i, i + 1] });
      const all = async (query: string, parameters: { name: string; value: number }[] = [], options = {}) =>
        (await container.items.query({ query, parameters }, options).fetchAll()).resources as unknown[];
      return {
        count: await all("SELECT VALUE COUNT(1) FROM c"),
        filtered: await all("SELECT VALUE c.b FROM c WHERE c.b > @n ORDER BY c.b DESC", [{ name: "@n", value: 26 }]),
        groups: await all("SELECT c.a, COUNT(1) AS n FROM c GROUP BY c.a"),
        distinct: (await all("SELECT DISTINCT VALUE c.pk FROM c")).length,
        joined: (await all("SELECT VALUE t FROM c JOIN t IN c.tags WHERE t = 30")).length,
        single: await all("SELECT VALUE COUNT(1) FROM c", [], { partitionKey: "p1" }),
        composite: (await all("SELECT c.a, c.b FROM c ORDER BY c.a ASC, c.b DESC")).slice(0, 2),
        offset: await all("SELECT VALUE c.b FROM c ORDER BY c.b OFFSET 5 LIMIT 3"),
        forced: await all("SELECT VALUE c.b FROM c ORDER BY c.b DESC OFFSET 0 LIMIT 2", [], { forceQueryPlan: true }),
      };
    });
    expect(found).toEqual({
      count: [30],
      filtered: [29, 28, 27],
      groups: expect.arrayContaining([
        { a: 0, n: 10 },
        { a: 1, n: 10 },
        { a: 2, n: 10 },
      ]),
      distinct: 5,
      joined: 1,
      single: [6],
      composite: [
        { a: 0, b: 27 },
        { a: 0, b: 24 },
      ],
      offset: [5, 6, 7],
      forced: [29, 28],
    });
  });

  it("are refused when malformed, or when no composite index serves them", async () => {
    const fails = (query: string) =>
      app()(
        async (client, _, [text]) =>
          (await client.database("appdb").container("sorted").items.query(text).fetchAll()).resources.length,
        query,
      );
    await expect(fails("SELEC * FROM c")).rejects.toMatchObject({
      code: 400,
      message: expect.stringContaining("SC1001"),
    });
    await expect(fails("SELECT * FROM c ORDER BY c.b, c.a")).rejects.toMatchObject({
      code: 400,
      message: expect.stringContaining("The order by query does not have a corresponding composite index"),
    });
  });

  it("come in pages whose tokens go on, sorted or not, and are refused elsewhere", async () => {
    const found = await app()(async (client) => {
      const container = client.database("appdb").container("sorted");
      const collect = async (query: string) => {
        const seen: number[] = [];
        let continuationToken: string | undefined;
        let pages = 0;
        do {
          const page = await container.items
            .query<number>(query, {
              maxItemCount: 7,
              ...(continuationToken === undefined ? {} : { continuationToken }),
            })
            .fetchNext();
          seen.push(...page.resources);
          continuationToken = page.continuationToken;
          pages += 1;
        } while (continuationToken !== undefined);
        return { count: seen.length, distinct: new Set(seen).size, pages };
      };
      const first = await container.items.query("SELECT VALUE c.b FROM c", { maxItemCount: 7 }).fetchNext();
      const foreign = await container.items
        .query("SELECT VALUE c.a FROM c", { maxItemCount: 7, continuationToken: first.continuationToken })
        .fetchNext()
        .catch((error: { code: number }) => error.code);
      const broken = await container.items
        .query("SELECT VALUE c.a FROM c", { continuationToken: "rubbish" })
        .fetchNext()
        .catch((error: { code: number }) => error.code);
      return {
        plain: await collect("SELECT VALUE c.b FROM c"),
        sorted: await collect("SELECT VALUE c.b FROM c ORDER BY c.b"),
        joined: await collect("SELECT VALUE c.b * 10 + t FROM c JOIN t IN c.tags"),
        all: (await container.items.readAll({ maxItemCount: 7 }).fetchAll()).resources.length,
        foreign,
        broken,
      };
    });
    expect(found).toEqual({
      plain: { count: 30, distinct: 30, pages: 5 },
      sorted: { count: 30, distinct: 30, pages: 5 },
      joined: { count: 60, distinct: 60, pages: 9 },
      all: 30,
      foreign: 400,
      broken: 400,
    });
  });

  it("find items by a part of a hierarchical key", async () => {
    const found = await app()(async (client) => {
      const container = client.database("appdb").container("levels");
      for (const tenant of ["A", "B"])
        for (const user of ["1", "2", "12"]) await container.items.create({ id: `${tenant}${user}`, tenant, user });
      const ids = async (partitionKey: string[]) =>
        (
          await container.items.query<string>("SELECT VALUE c.id FROM c", { partitionKey }).fetchAll()
        ).resources.toSorted();
      return [await ids(["A"]), await ids(["A", "1"]), (await container.item("B2", ["B", "2"]).read()).statusCode];
    });
    expect(found).toEqual([["A1", "A12", "A2"], ["A1"], 200]);
  });

  it("forget what has expired", async () => {
    const put = () =>
      app()(async (client) => {
        const { items } = client.database("appdb").container("expiring");
        await items.upsert({ id: "short", pk: "a", ttl: 10 });
        await items.upsert({ id: "usual", pk: "a" });
        await items.upsert({ id: "kept", pk: "a", ttl: -1 });
      });
    const ids = () =>
      app()(async (client) => {
        const container = client.database("appdb").container("expiring");
        const { resources } = await container.items.query<string>("SELECT VALUE c.id FROM c").fetchAll();
        return [resources.toSorted(), (await container.item("short", "a").read()).statusCode];
      });
    await put();
    expect(await ids()).toEqual([["kept", "short", "usual"], 200]);
    world.tenant.advance(11_000);
    expect(await ids()).toEqual([["kept", "usual"], 404]);
    world.tenant.advance(60_000);
    expect(await ids()).toEqual([["kept"], 404]);
  });

  it("tell changes in order, from a place on", async () => {
    const found = await app()(async (client, sdk) => {
      const container = client.database("appdb").container("feed");
      const ids = (page: { result?: { id: string }[] }) => (page.result ?? []).map(({ id }) => id);
      for (const id of ["1", "2", "3"]) await container.items.create({ id, pk: id === "2" ? "b" : "a" });
      await container.items.upsert({ id: "1", pk: "a", again: true });
      const start = sdk.ChangeFeedStartFrom.Beginning();
      const iterator = container.items.getChangeFeedIterator({ changeFeedStartFrom: start, maxItemCount: 2 });
      const pages: string[][] = [];
      let continuation = "";
      while (iterator.hasMoreResults) {
        const page = await iterator.readNext();
        continuation = page.continuationToken;
        if (page.statusCode === 304) break;
        pages.push(ids(page));
      }
      await container.items.create({ id: "4", pk: "a" });
      const resumed = container.items.getChangeFeedIterator({
        changeFeedStartFrom: sdk.ChangeFeedStartFrom.Continuation(continuation),
      });
      const next = ids(await resumed.readNext());
      const own = container.items.getChangeFeedIterator({
        changeFeedStartFrom: sdk.ChangeFeedStartFrom.Beginning("b"),
      });
      const now = container.items.getChangeFeedIterator({ changeFeedStartFrom: sdk.ChangeFeedStartFrom.Now() });
      const before = (await now.readNext()).statusCode;
      await container.items.create({ id: "5", pk: "a" });
      return {
        pages,
        next,
        own: ids(await own.readNext()),
        before,
        after: ids(await now.readNext()),
      };
    });
    expect(found).toEqual({ pages: [["2", "3"], ["1"]], next: ["4"], own: ["2"], before: 304, after: ["5"] });
  });
});

describe("batches and bulk", () => {
  it("apply all of a batch or nothing", async () => {
    const found = await app()(async (client) => {
      const container = client.database("appdb").container("items");
      const ok = await container.items.batch(
        [
          { operationType: "Create", resourceBody: { id: "b1", pk: "batch" } },
          { operationType: "Upsert", resourceBody: { id: "b2", pk: "batch", n: 1 } },
          { operationType: "Read", id: "b1" },
          { operationType: "Patch", id: "b2", resourceBody: { operations: [{ op: "incr", path: "/n", value: 1 }] } },
          { operationType: "Replace", id: "b1", resourceBody: { id: "b1", pk: "batch", done: true } },
        ],
        "batch",
      );
      const bad = await container.items.batch(
        [
          { operationType: "Delete", id: "b1" },
          { operationType: "Create", resourceBody: { id: "b3", pk: "batch" } },
          { operationType: "Create", resourceBody: { id: "b2", pk: "batch" } },
        ],
        "batch",
      );
      const ids = (
        await container.items.query<string>("SELECT VALUE c.id FROM c", { partitionKey: "batch" }).fetchAll()
      ).resources;
      const codes = (r: { result?: { statusCode: number }[] | undefined }) =>
        r.result?.map(({ statusCode }) => statusCode);
      return { ok: [ok.code, codes(ok)], bad: [bad.code, codes(bad)], ids };
    });
    expect(found).toEqual({
      ok: [200, [201, 201, 200, 200, 200]],
      bad: [207, [424, 424, 409]],
      ids: ["b1", "b2"],
    });
  });

  it("do each operation of a bulk request for itself", async () => {
    const found = await app()(async (client) => {
      const container = client.database("appdb").container("items");
      const operations = Array.from({ length: 150 }, (_, i) => ({
        operationType: "Create" as const,
        partitionKey: `k${i % 7}`,
        resourceBody: { id: `k${i}`, pk: `k${i % 7}` },
      }));
      const results = await container.items.executeBulkOperations([
        ...operations,
        { operationType: "Create", partitionKey: "k0", resourceBody: { id: "k0", pk: "k0" } },
        { operationType: "Delete", id: "k1", partitionKey: "k1" },
      ]);
      return results.map(({ response, error }) => response?.statusCode ?? error?.code);
    });
    expect(found.slice(0, 150).every((code) => code === 201)).toBe(true);
    expect(found.slice(150)).toEqual([409, 204]);
  });
});

describe("throughput and metadata with a key", () => {
  it("are read and changed", async () => {
    const found = await world.sdk.as(
      world.endpoint,
      world.keys.primaryMasterKey,
    )(async (client) => {
      const { database } = await client.databases.create({ id: "keydb" });
      const { container } = await database.containers.create(
        { id: "c", partitionKey: { paths: ["/pk"] } },
        {
          offerThroughput: 400,
        },
      );
      const offer = await container.readOffer();
      await offer.offer?.replace({ ...offer.resource, content: { offerThroughput: 700 } } as never);
      const after = await container.readOffer();
      const definition = (await container.read()).resource;
      const ranges = await container.readPartitionKeyRanges().fetchAll();
      const feedRanges = await container.getFeedRanges?.();
      await database.delete();
      return {
        throughput: after.resource?.content?.offerThroughput,
        kind: definition?.partitionKey?.kind,
        ranges: ranges.resources.map(({ id }) => id),
        feedRanges: feedRanges?.length,
        gone: (await database.read().catch((error: { code: number }) => ({ statusCode: error.code }))).statusCode,
      };
    });
    expect(found).toEqual({ throughput: 700, kind: "Hash", ranges: ["0"], feedRanges: expect.anything(), gone: 404 });
  });

  it("name several regions, which answer for the same data", async () => {
    const account = await world.sdk.as(
      world.endpoint,
      world.keys.primaryMasterKey,
    )(async (client) => {
      const { resource } = await client.getDatabaseAccount();
      return resource?.readableLocations.map(({ databaseAccountEndpoint }) => databaseAccountEndpoint);
    });
    expect(account).toEqual([
      "https://acme-eastus.documents.azure.com:443/",
      "https://acme-westeurope.documents.azure.com:443/",
    ]);
  });
});
