/** What Azure refuses, and what it tells, about consistency, sessions, definitions and limits. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ContainerRequest } from "@azure/cosmos";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { WireAnswer } from "../support/wire.ts";
import { type SignedWire, signedWire } from "./signed-wire.ts";
import { startWorld, type World } from "./world.ts";

let world: World;
let wire: SignedWire;
beforeAll(async () => {
  world = await startWorld();
  wire = signedWire(world);
  await world.put("/sqlDatabases/appdb", { resource: { id: "appdb" } });
  await world.put("/sqlDatabases/appdb/containers/items", {
    resource: { id: "items", partitionKey: { paths: ["/pk"], kind: "Hash" } },
  });
});
afterAll(async () => {
  expect(world.tenant.failures).toEqual([]);
  await world[Symbol.asyncDispose]();
});

const key = () => world.sdk.as(world.endpoint, world.keys.primaryMasterKey);
const docs = "/dbs/appdb/colls/items/docs";
const one = { "x-ms-documentdb-partitionkey": '["a"]' };

const send = (
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE",
  path: string,
  headers: Readonly<Record<string, string>> = {},
  body?: string,
): Promise<WireAnswer> => wire.send({ method, path, headers, ...(body === undefined ? {} : { body }) });
const outcome = ({ status, headers }: WireAnswer): string => `${status}/${String(headers["x-ms-substatus"] ?? 0)}`;

describe("a read", () => {
  it("cannot ask for a consistency above the account's", async () => {
    await send("POST", docs, one, '{"id":"1","pk":"a"}');
    const read = async (level: string) => {
      const answer = await send("GET", `${docs}/1`, { ...one, "x-ms-consistency-level": level });
      return [answer.status, answer.status === 200 ? "" : answer.text];
    };
    for (const level of ["Session", "ConsistentPrefix", "Eventual", ""]) expect(await read(level)).toEqual([200, ""]);
    for (const level of ["Strong", "BoundedStaleness"])
      expect(await read(level)).toEqual([
        400,
        expect.stringContaining(
          `ConsistencyLevel ${level} specified in the request is invalid when service is configured with consistency level Session. Ensure the request consistency level is not stronger than the service consistency level.`,
        ),
      ]);
    expect((await read("Perfect"))[0]).toBe(400);
    const query = { "x-ms-documentdb-isquery": "true", "x-ms-consistency-level": "Strong", ...one };
    expect((await send("POST", docs, query, '{"query":"SELECT * FROM c"}')).status).toBe(400);
    await using strong = await startWorld({
      account: "strict",
      properties: { consistencyPolicy: { defaultConsistencyLevel: "Strong" } },
    });
    await strong.put("/sqlDatabases/appdb", { resource: { id: "appdb" } });
    await strong.put("/sqlDatabases/appdb/containers/c", { resource: { id: "c", partitionKey: { paths: ["/pk"] } } });
    const codes = await strong.sdk.as(strong.endpoint, strong.keys.primaryMasterKey)(
      async (_client, sdk, [endpoint, secret]) => {
        const results: number[] = [];
        for (const consistencyLevel of ["Strong", "Session", "Eventual"] as const) {
          const client = new sdk.CosmosClient({ endpoint, key: secret, consistencyLevel });
          const { items } = client.database("appdb").container("c");
          await items.upsert({ id: "1", pk: "a" });
          results.push((await client.database("appdb").container("c").item("1", "a").read()).statusCode);
        }
        return results;
      },
      strong.endpoint,
      strong.keys.primaryMasterKey,
    );
    expect(codes).toEqual([200, 200, 200]);
  });

  it("of a session that the container never had is 404/1002, of one that it had is served", async () => {
    const written = await send("POST", docs, one, '{"id":"2","pk":"a"}');
    const told = String(written.headers["x-ms-session-token"]);
    const lsn = Number(told.slice(told.indexOf("#") + 1));
    const read = async (token: string, more: Readonly<Record<string, string>> = {}) =>
      outcome(await send("GET", `${docs}/2`, { ...one, ...more, "x-ms-session-token": token }));
    for (const token of [told, "", `0:${lsn}`, `0:-1#${lsn}#4=7`, `0:-1#${lsn - 1},1:-1#999999`])
      expect([token, await read(token)]).toEqual([token, "200/0"]);
    expect(await read(`0:-1#${lsn + 1}`)).toBe("404/1002");
    expect(await read("0:-1#999999999")).toBe("404/1002");
    // Who does not ask for a session does not wait for one.
    expect(await read("0:-1#999999999", { "x-ms-consistency-level": "Eventual" })).toBe("200/0");
    for (const token of ["rubbish", "0:", "0:-1#", "0:-1#x", "0:-1#1;DROP", `0:-1#${"9".repeat(40)}`])
      expect([token, await read(token)]).toEqual([token, "400/0"]);
    const query = { "x-ms-documentdb-isquery": "true", "x-ms-session-token": `0:-1#${lsn + 50}` };
    expect(outcome(await send("POST", docs, query, '{"query":"SELECT * FROM c"}'))).toBe("404/1002");
  });

  it("that means an earlier container of the name is 400/1024", async () => {
    const stale = { ...one, "x-ms-cosmos-intended-collection-rid": "AAAAAAAAAAA=" };
    expect(outcome(await send("GET", `${docs}/1`, stale))).toBe("400/1024");
    expect(outcome(await send("POST", docs, stale, '{"id":"9","pk":"a"}'))).toBe("400/1024");
    expect(outcome(await send("GET", docs, stale))).toBe("400/1024");
  });
});

it("sessions go on after a restart", async () => {
  const folder = await mkdtemp(join(tmpdir(), "lanyard-session-"));
  try {
    const state = join(folder, "state");
    const tell = async (own: World, token: string | undefined) =>
      own.sdk.as(own.endpoint, own.keys.primaryMasterKey)(
        async (_client, sdk, [endpoint, secret, given]) => {
          const client = new sdk.CosmosClient({
            endpoint,
            key: secret,
            consistencyLevel: "Session",
            connectionPolicy: {
              retryOptions: { maxRetryAttemptCount: 0, fixedRetryIntervalInMilliseconds: 0, maxWaitTimeInSeconds: 0 },
            },
          });
          const container = client.database("appdb").container("c");
          if (typeof given !== "string") {
            for (let n = 0; n < 20; n++) await container.items.upsert({ id: `${n}`, pk: "a" });
            return String((await container.items.upsert({ id: "last", pk: "a" })).headers["x-ms-session-token"]);
          }
          const read = (sessionToken: string) =>
            container
              .item("last", "a")
              .read({ sessionToken })
              .then(
                ({ statusCode }) => statusCode,
                (error: { code: number; substatus: number }) => `${error.code}/${error.substatus}`,
              );
          const ahead = given.replace(/\d+$/, (lsn) => String(Number(lsn) + 1));
          return `${await read(given)} ${await read(ahead)}`;
        },
        own.endpoint,
        own.keys.primaryMasterKey,
        token,
      );
    const told = await (async () => {
      await using first = await startWorld({ state });
      await first.put("/sqlDatabases/appdb", { resource: { id: "appdb" } });
      await first.put("/sqlDatabases/appdb/containers/c", { resource: { id: "c", partitionKey: { paths: ["/pk"] } } });
      return await tell(first, undefined);
    })();
    await using second = await startWorld({ state });
    // The SDK drops a session that is not available and asks again.
    expect(await tell(second, told)).toBe("200 200");
    const reads = second.tenant.decisions.filter(({ operation }) => operation === "ReadDocument");
    expect(reads.map(({ status }) => status)).toEqual([200, 404, 200]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

describe("a container", () => {
  /** @returns 201, or the refusal */
  const create = (definition: object): Promise<string> =>
    key()(
      (client, _sdk, [asked]) =>
        client
          .database("appdb")
          .containers.create(asked as unknown as ContainerRequest)
          .then(
            async ({ container, statusCode }) => {
              await container.delete();
              return `${statusCode}`;
            },
            (error: { code: number; message: string }) => `${error.code} ${error.message}`,
          ),
      { id: "made", partitionKey: { paths: ["/pk"] }, ...definition },
    );
  const computed = (...queries: readonly string[]) => ({
    computedProperties: queries.map((query, index) => ({ name: `cp${index}`, query })),
  });

  it("has computed properties of one item's own values alone", async () => {
    expect(await create(computed("SELECT VALUE LOWER(c.name) FROM c", "SELECT VALUE r.a + r.b FROM root r"))).toBe(
      "201",
    );
    for (const query of [
      "SELECT c.name FROM c",
      "SELECT VALUE 1",
      "SELECT VALUE t FROM t IN c.tags",
      "SELECT VALUE c.a FROM c JOIN t IN c.tags",
      "SELECT VALUE c.a FROM c WHERE c.a > 1",
      "SELECT VALUE c.a FROM c ORDER BY c.a",
      "SELECT DISTINCT VALUE c.a FROM c",
      "SELECT TOP 1 VALUE c.a FROM c",
      "SELECT VALUE COUNT(1) FROM c",
      "SELECT VALUE RAND() FROM c",
      "SELECT VALUE GetCurrentDateTime() FROM c",
      "SELECT VALUE ST_DISTANCE(c.a, c.b) FROM c",
      "SELECT VALUE udf.f(c.a) FROM c",
      "SELECT VALUE (SELECT VALUE c.a) FROM c",
      "SELECT VALUE EXISTS(SELECT VALUE t FROM t IN c.tags) FROM c",
      "SELECT VALUE @p FROM c",
      "SELECT VALUE c. FROM c",
      "",
    ])
      expect([query, await create(computed(query))]).toEqual([query, expect.stringMatching(/^400 /)]);
    expect(await create(computed("SELECT VALUE c.cp1 FROM c", "SELECT VALUE c.a FROM c"))).toMatch(
      /^400 .*refers to a computed property/s,
    );
    const named = (...names: readonly string[]) => ({
      computedProperties: names.map((name) => ({ name, query: "SELECT VALUE c.a FROM c" })),
    });
    expect(await create(named("same", "same"))).toMatch(/^400 /);
    expect(await create(named("_ts"))).toMatch(/^400 /);
    expect(await create(named(...Array.from({ length: 20 }, (_, n) => `p${n}`)))).toBe("201");
    expect(await create(named(...Array.from({ length: 21 }, (_, n) => `p${n}`)))).toMatch(/^400 /);
  });

  it("has an indexing policy that says what happens to the root, in paths that are some", async () => {
    const policy = (includedPaths: readonly string[], excludedPaths: readonly string[], more: object = {}) => ({
      indexingPolicy: {
        includedPaths: includedPaths.map((path) => ({ path })),
        excludedPaths: excludedPaths.map((path) => ({ path })),
        ...more,
      },
    });
    expect(await create(policy(["/*"], ["/a/?", '/"b c"/*', "/tags/[]/x/?"]))).toBe("201");
    expect(await create(policy(["/a/?"], ["/*"]))).toBe("201");
    expect(await create(policy([], ["/*"]))).toBe("201");
    expect(await create({ indexingPolicy: { indexingMode: "consistent" } })).toBe("201");
    expect(await create(policy(["/a/?"], ["/b/?"]))).toMatch(
      /^400 .*The special mandatory indexing path \\*"\/\\*" is not provided in any of the path type sets\. Please provide this path in one of the sets\./s,
    );
    for (const path of ["a/?", "/a", "/a/?/b", "//a/?", '/a b"/?', "/?", ""])
      expect([path, await create(policy(["/*", path], []))]).toEqual([
        path,
        expect.stringMatching(/^400 .*could not be accepted/s),
      ]);
    const composite = (...parts: readonly object[]) => policy(["/*"], [], { compositeIndexes: [parts] });
    expect(await create(composite({ path: "/a" }, { path: "/b", order: "descending" }))).toBe("201");
    expect(await create(composite({ path: "/a" }))).toMatch(/^400 /);
    expect(await create(composite({ path: "/a" }, { path: "/b/*" }))).toMatch(/^400 /);
    expect(await create(composite({ path: "/a" }, { path: "/b", order: "up" }))).toMatch(/^400 /);
    expect(await create(policy(["/*"], [], { indexingMode: "sometimes" }))).toMatch(/^400 /);
  });

  it("keeps its keys: neither the partition key nor unique keys can be replaced", async () => {
    await world.put("/sqlDatabases/appdb/containers/kept", {
      resource: {
        id: "kept",
        partitionKey: { paths: ["/pk"], kind: "Hash" },
        uniqueKeyPolicy: { uniqueKeys: [{ paths: ["/mail"] }] },
      },
    });
    const replace = (change: object) =>
      key()(async (client, _sdk, [changed]) => {
        const container = client.database("appdb").container("kept");
        const { resource } = await container.read();
        return container.replace({ ...resource, ...changed }).then(
          ({ statusCode }) => `${statusCode}`,
          (error: { code: number; message: string }) => `${error.code} ${error.message}`,
        );
      }, change);
    expect(await replace({ defaultTtl: 60 })).toBe("200");
    expect(await replace({ partitionKey: { paths: ["/other"] } })).toMatch(/^400 .*partition key cannot be changed/s);
    expect(await replace({ partitionKey: { paths: ["/pk", "/other"] } })).toMatch(/^400 /);
    for (const uniqueKeys of [[], [{ paths: ["/name"] }], [{ paths: ["/mail"] }, { paths: ["/name"] }]])
      expect(await replace({ uniqueKeyPolicy: { uniqueKeys } })).toMatch(
        /^400 .*The unique index cannot be modified\. To change the unique index, remove the collection and re-create a new one\./s,
      );
    expect(await replace({ id: "renamed" })).toMatch(/^400 /);
    expect(await create({ uniqueKeyPolicy: { uniqueKeys: [{ paths: ["/a/*"] }] } })).toMatch(/^400 /);
    expect(
      await create({ uniqueKeyPolicy: { uniqueKeys: Array.from({ length: 11 }, (_, n) => ({ paths: [`/p${n}`] })) } }),
    ).toMatch(/^400 /);
  });

  it("tells what it holds, and how far its index is", async () => {
    await world.put("/sqlDatabases/appdb/containers/held", {
      resource: { id: "held", partitionKey: { paths: ["/pk"] } },
    });
    const { usage, quota, progress, plain } = await key()(async (client) => {
      const container = client.database("appdb").container("held");
      for (let n = 0; n < 12; n++) await container.items.create({ id: `${n}`, pk: "a", text: "x".repeat(2000) });
      await container.scripts.storedProcedures.create({ id: "p", body: "function () {}" });
      const asked = await container.read({ populateQuotaInfo: true });
      return {
        usage: String(asked.headers["x-ms-resource-usage"]),
        quota: String(asked.headers["x-ms-resource-quota"]),
        progress: String(asked.headers["x-ms-documentdb-collection-index-transformation-progress"]),
        plain: String((await container.read()).headers["x-ms-resource-usage"]),
      };
    });
    const held = Object.fromEntries(usage.split(";").map((each) => each.split("=")));
    expect(held).toMatchObject({ documentsCount: "12", storedProcedures: "1", triggers: "0", functions: "0" });
    expect(Number(held["documentsSize"])).toBeGreaterThan(23);
    expect(Number(held["documentsSize"])).toBeLessThan(32);
    expect(quota).toContain("storedProcedures=100");
    expect([progress, plain]).toEqual(["100", "undefined"]);
  });
});

describe("an item", () => {
  it("is nested 128 levels deep at most", async () => {
    const nested = (levels: number) => `{"id":"deep","pk":"a","x":${"[".repeat(levels)}${"]".repeat(levels)}}`;
    const put = async (levels: number) =>
      (await send("POST", docs, { ...one, "x-ms-documentdb-is-upsert": "true" }, nested(levels))).status;
    expect([await put(127), await put(128), await put(5000), await put(500_000)]).toEqual([201, 400, 400, 400]);
  });

  it("has an id of 1,023 bytes and a partition key of 2,048 at most", async () => {
    const create = async (id: string, pk: string) =>
      (await send("POST", docs, { "x-ms-documentdb-partitionkey": JSON.stringify([pk]) }, JSON.stringify({ id, pk })))
        .status;
    expect(await create("x".repeat(1023), "a")).toBe(201);
    expect(await create("x".repeat(1024), "a")).toBe(400);
    expect(await create("é".repeat(512), "a")).toBe(400);
    expect(await create("long", "k".repeat(2048))).toBe(201);
    expect(await create("long", "k".repeat(2049))).toBe(400);
  });

  it("has 2 MB at most, however it gets there", async () => {
    const sized = (bytes: number) => JSON.stringify({ id: "big", pk: "a", text: "x".repeat(bytes) });
    const put = async (bytes: number) =>
      (await send("POST", docs, { ...one, "x-ms-documentdb-is-upsert": "true" }, sized(bytes))).status;
    expect(await put(2 * 1024 * 1024)).toBe(413);
    expect(await put(2 * 1024 * 1024 - 1000)).toBe(201);
    const grow = JSON.stringify([{ op: "add", path: "/more", value: "x".repeat(2000) }]);
    expect((await send("PATCH", `${docs}/big`, one, grow)).status).toBe(413);
    expect((await send("DELETE", `${docs}/big`, one)).status).toBe(204);
  });

  it("may say whether it is indexed, in words that there are", async () => {
    const put = async (directive: string) =>
      (
        await send(
          "POST",
          docs,
          { ...one, "x-ms-documentdb-is-upsert": "true", "x-ms-indexing-directive": directive },
          '{"id":"directed","pk":"a"}',
        )
      ).status;
    expect([await put("Include"), await put("Exclude"), await put("Default")]).toEqual([201, 200, 200]);
    expect(await put("Perhaps")).toBe(400);
  });
});
