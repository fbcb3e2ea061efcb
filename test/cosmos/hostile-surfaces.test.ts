/** Broken headers, bodies and definitions on every surface of the data plane: a clear 4xx, never a 5xx, nothing left behind. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Signed, type SignedWire, signedWire } from "./signed-wire.ts";
import { startWorld, type World } from "./world.ts";

let world: World;
let wire: SignedWire;
beforeAll(async () => {
  world = await startWorld();
  wire = signedWire(world);
  await world.put("/sqlDatabases/appdb", { resource: { id: "appdb" } });
  for (const [id, more] of [
    ["items", { changeFeedPolicy: { retentionDuration: 5 }, defaultTtl: -1 }],
    ["levels", { partitionKey: { paths: ["/a", "/b"], kind: "MultiHash", version: 2 } }],
  ] as const)
    await world.put(`/sqlDatabases/appdb/containers/${id}`, {
      resource: { id, partitionKey: { paths: ["/pk"], kind: "Hash" }, ...more },
    });
  expect(await wire.status({ path: docs, headers: key, body: '{"id":"1","pk":"a"}' })).toBe(201);
  expect(await wire.status({ path: `${database}/users`, body: '{"id":"ann"}' })).toBe(201);
});
afterAll(async () => {
  // None of it was a failure of ours.
  expect(world.tenant.failures).toEqual([]);
  await world[Symbol.asyncDispose]();
});

const database = "/dbs/appdb";
const container = `${database}/colls/items`;
const docs = `${container}/docs`;
const permissions = `${database}/users/ann/permissions`;
const key = { "x-ms-documentdb-partitionkey": '["a"]' };
const query = {
  "x-ms-documentdb-isquery": "True",
  "x-ms-documentdb-query-enablecrosspartition": "True",
  "content-type": "application/query+json",
};
const select = '{"query":"SELECT * FROM c"}';
const batch = { "x-ms-cosmos-is-batch-request": "True", "x-ms-cosmos-batch-atomic": "True", ...key };
const bulk = { "x-ms-cosmos-is-batch-request": "True", "x-ms-cosmos-batch-atomic": "False" };
const deep = (levels: number): string => "[".repeat(levels) + "]".repeat(levels);

/** Each is fine as it stands. */
const surfaces: readonly Signed[] = [
  { method: "GET", path: "/" },
  { method: "GET", path: "/dbs" },
  { method: "GET", path: container },
  { method: "GET", path: `${container}/pkranges` },
  { method: "GET", path: docs },
  { method: "GET", path: `${docs}/1`, headers: key },
  { method: "GET", path: docs, headers: { "a-im": "Incremental feed" } },
  { method: "GET", path: docs, headers: { "a-im": "Full-Fidelity Feed", "if-none-match": "*" } },
  { path: docs, headers: { ...key, "x-ms-documentdb-is-upsert": "True" }, body: '{"id":"1","pk":"a"}' },
  { method: "PUT", path: `${docs}/1`, headers: key, body: '{"id":"1","pk":"a"}' },
  { method: "PATCH", path: `${docs}/1`, headers: key, body: '[{"op":"set","path":"/n","value":1}]' },
  { path: docs, headers: query, body: select },
  { path: docs, headers: batch, body: '[{"operationType":"Read","id":"1"}]' },
  { path: docs, headers: bulk, body: '[{"operationType":"Read","id":"1","partitionKey":"[\\"a\\"]"}]' },
  { method: "GET", path: `${database}/users` },
  { method: "GET", path: permissions },
  { method: "GET", path: "/offers" },
];

const long = "9".repeat(3000);
const oddHeaders: readonly (readonly [string, readonly string[]])[] = [
  [
    "x-ms-documentdb-partitionkey",
    [
      "",
      "a",
      "{}",
      "[",
      "[[]]",
      '["a","b","c"]',
      "[1e999]",
      '["\\ud800"]',
      '["\\u0000"]',
      `["${long}"]`,
      deep(1000),
      "null",
      '[{"x":1}]',
    ],
  ],
  ["x-ms-documentdb-partitionkeyrangeid", ["1", "x", "-1", long, "0,0"]],
  ["x-ms-max-item-count", ["0", "-2", "abc", "1e9", "1.5", long]],
  ["x-ms-continuation", ["x", "eyJ2IjoxfQ", '{"v":1}', long, "%00"]],
  ["x-ms-session-token", ["x", "0", "0:", "0:-1#-5", long, "0:-1#1,,", "0:-1#999999999999999"]],
  ["x-ms-consistency-level", ["Strong", "strong", "x", long]],
  ["x-ms-cosmos-intended-collection-rid", ["x", long]],
  ["x-ms-documentdb-expiry-seconds", ["-1", "x", "1e9", long]],
  ["x-ms-indexing-directive", ["x", long]],
  ["if-match", ["x", '"', "W/*", long, ","]],
  ["if-none-match", ["x", '"', '"-1"', `"${long}"`, "1e3"]],
  ["if-modified-since", ["x", "Thu, 99 Foo 0000 99:99:99 GMT", long]],
  ["a-im", ["x", "Full-Fidelity Feed", long]],
  ["x-ms-start-epk", ["zz", long]],
  ["x-ms-end-epk", ["", "00", long]],
  ["x-ms-read-key-type", ["x", "EffectivePartitionKeyRange"]],
  ["x-ms-cosmos-is-batch-request", ["True", "x"]],
  ["x-ms-cosmos-is-query-plan-request", ["True"]],
  ["x-ms-documentdb-isquery", ["True", "x"]],
  ["x-ms-documentdb-populatequotainfo", ["True", "x"]],
  ["x-ms-offer-throughput", ["-1", "x", "1e99"]],
  ["x-ms-cosmos-offer-autopilot-settings", ["x", "[]", '{"maxThroughput":"x"}', deep(1000)]],
  ["prefer", ["return=minimal", long]],
  ["x-ms-activity-id", ["x", long]],
  ["content-type", ["application/query+json", "text/plain", "x"]],
];

it("every surface stands as the cases below expect it", async () => {
  for (const surface of surfaces)
    expect([surface, [200, 201, 304].includes(await wire.status(surface))]).toEqual([surface, true]);
});

it.each(oddHeaders)("odd values of %s are answered below 500", async (name, values) => {
  const outcomes = await Promise.all(
    surfaces.flatMap((surface) =>
      values.map(async (value) => {
        const status = await wire.status({ ...surface, headers: { ...surface.headers, [name]: value } });
        return [surface.method, surface.path, value.slice(0, 40), status] as const;
      }),
    ),
  );
  expect(outcomes.filter(([, , , status]) => status >= 500)).toEqual([]);
});

describe("definitions", () => {
  const post = (definition: object | string) =>
    wire.status({
      path: `${database}/colls`,
      body:
        typeof definition === "string"
          ? definition
          : JSON.stringify({ id: "x", partitionKey: { paths: ["/pk"] }, ...definition }),
    });
  const cases: readonly (object | string)[] = [
    "",
    "[]",
    "null",
    "{",
    `{"id":"x","partitionKey":{"paths":["/pk"]},"x":${deep(200_000)}}`,
    { id: 5 },
    { id: "a/b" },
    { id: "x".repeat(256) },
    { id: "\ud800" },
    { partitionKey: 5 },
    { partitionKey: { paths: [5] } },
    { partitionKey: { paths: ["pk"] } },
    { partitionKey: { paths: ["/a", "/b", "/c", "/d"] } },
    { indexingPolicy: "x" },
    { indexingPolicy: { indexingMode: "x" } },
    { indexingPolicy: { includedPaths: [5, null] } },
    { indexingPolicy: { includedPaths: [{ path: {} }] } },
    { indexingPolicy: { includedPaths: [{ path: "/*" }], compositeIndexes: 5 } },
    { indexingPolicy: { includedPaths: [{ path: "/*" }], compositeIndexes: [[{}, {}]] } },
    { uniqueKeyPolicy: { uniqueKeys: [{ paths: [] }] } },
    { uniqueKeyPolicy: { uniqueKeys: [5] } },
    { defaultTtl: "x" },
    { defaultTtl: 0 },
    { defaultTtl: 1.5 },
    { changeFeedPolicy: "x" },
    { changeFeedPolicy: { retentionDuration: -1 } },
    { changeFeedPolicy: { retentionDuration: 1e9 } },
    { computedProperties: "x" },
    { computedProperties: [5] },
    { computedProperties: [{ name: "a", query: `SELECT VALUE ${"(".repeat(20_000)}1${")".repeat(20_000)} FROM c` }] },
    { computedProperties: [{ name: "a", query: "SELECT" }] },
    { computedProperties: [{ name: "__proto__", query: "SELECT VALUE nothing.a FROM c" }] },
  ];
  it.each(cases.map((each, index) => [index, each] as const))("of case %i are 400", async (_index, definition) => {
    expect(await post(definition)).toBe(400);
    expect(await wire.status({ method: "GET", path: `${database}/colls/x` })).toBe(404);
  });

  it("larger than a megabyte are 413", async () => {
    expect(await post({ x: "x".repeat(1_200_000) })).toBe(413);
  });
});

describe("users, permissions and offers", () => {
  it("with broken bodies are 400 or 404", async () => {
    for (const body of ["", "5", "[]", "{", '{"id":5}', '{"id":""}', '{"id":"a/b"}', `{"id":"x","y":${deep(20_000)}`])
      expect([body.slice(0, 20), await wire.status({ path: `${database}/users`, body })]).toEqual([
        body.slice(0, 20),
        400,
      ]);
    const resource = "dbs/appdb/colls/items";
    for (const body of [
      {},
      { id: "p", permissionMode: "All" },
      { id: "p", permissionMode: 5, resource },
      { id: "p", permissionMode: "All", resource: 5 },
      { id: "p", permissionMode: "All", resource: "" },
      { id: "p", permissionMode: "All", resource: "////" },
      { id: "p", permissionMode: "All", resource: "dbs/appdb/colls/../../x" },
      { id: "p", permissionMode: "All", resource: "dbs/appdb/colls/items/docs" },
      { id: "p", permissionMode: "All", resource, resourcePartitionKey: "a" },
      { id: "p", permissionMode: "All", resource, resourcePartitionKey: ["a", "b"] },
      { id: "p", permissionMode: "All", resource, resourcePartitionKey: [{ $gt: "" }] },
      { id: "p", permissionMode: "All", resource, resourcePartitionKey: ["x".repeat(5000)] },
      { id: "x".repeat(300), permissionMode: "All", resource },
    ])
      expect([body, await wire.status({ path: permissions, body: JSON.stringify(body) })]).toEqual([body, 400]);
    expect(await wire.status({ method: "GET", path: `${database}/users/a%2Fb` })).toBe(404);
    expect(await wire.status({ method: "GET", path: `${database}/users/nobody/permissions` })).toBe(404);
    expect(await wire.status({ method: "DELETE", path: `${permissions}/none` })).toBe(404);
    const { Permissions } = JSON.parse((await wire.send({ method: "GET", path: permissions })).text) as {
      Permissions: unknown[];
    };
    expect(Permissions).toEqual([]);
  });

  it("that are offers keep to what can be provisioned", async () => {
    const { Offers } = JSON.parse((await wire.send({ method: "GET", path: "/offers" })).text) as {
      Offers: { id: string }[];
    };
    const path = `/offers/${Offers[0]?.id ?? ""}`;
    for (const content of [
      5,
      {},
      { offerThroughput: "x" },
      { offerThroughput: 1 },
      { offerThroughput: 450.5 },
      { offerThroughput: 1e99 },
      { offerAutopilotSettings: { maxThroughput: 5 } },
    ])
      expect([content, await wire.status({ method: "PUT", path, body: JSON.stringify({ content }) })]).toEqual([
        content,
        400,
      ]);
    expect(
      await wire.status({ method: "PUT", path: "/offers/none", body: '{"content":{"offerThroughput":500}}' }),
    ).toBe(404);
  });
});

describe("writes", () => {
  it("that are patches cannot reach what is not the document's", async () => {
    const patch = (operations: unknown) =>
      wire.status({
        method: "PATCH",
        path: `${docs}/1`,
        headers: key,
        body: typeof operations === "string" ? operations : JSON.stringify(operations),
      });
    for (const operations of [
      [],
      [5],
      {},
      { operations: "x" },
      [{ op: "set" }],
      [{ op: "set", path: 5, value: 1 }],
      [{ op: "set", path: "n", value: 1 }],
      [{ op: "set", path: "/_etag", value: "x" }],
      [{ op: "set", path: "/pk", value: "b" }],
      [{ op: "set", path: "/id", value: "2" }],
      [{ op: "move", from: "/id", path: "/x" }],
      [{ op: "incr", path: "/id", value: 1 }],
      [{ op: "incr", path: "/n", value: "x" }],
      [{ op: "remove", path: "/__proto__" }],
      [{ op: "set", path: "/__proto__/polluted", value: 1 }],
      [{ op: "set", path: "/a/b/c/d", value: 1 }],
      [{ op: "copy", from: "/n", path: "/m" }],
      Array.from({ length: 11 }, (_, n) => ({ op: "set", path: `/p${n}`, value: n })),
      `[{"op":"set","path":"/deep","value":${deep(200)}}]`,
      `[{"op":"set","path":"/deep","value":${deep(500_000)}}]`,
      { condition: "FROM c WHERE", operations: [{ op: "set", path: "/n", value: 1 }] },
      { condition: "DELETE FROM c", operations: [{ op: "set", path: "/n", value: 1 }] },
    ])
      expect([JSON.stringify(operations).slice(0, 60), await patch(operations)]).toEqual([
        JSON.stringify(operations).slice(0, 60),
        400,
      ]);
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
    const { text } = await wire.send({ method: "GET", path: `${docs}/1`, headers: key });
    expect(JSON.parse(text)).not.toHaveProperty("deep");
  });

  it("that are batches are refused as a whole, and bulk requests operation by operation", async () => {
    const operations = (count: number, body: object = {}) =>
      JSON.stringify(
        Array.from({ length: count }, (_, n) => ({
          operationType: "Upsert",
          resourceBody: { id: `b${n}`, pk: "a", ...body },
        })),
      );
    expect(await wire.status({ path: docs, headers: batch, body: operations(101) })).toBe(400);
    expect(
      await wire.status({ path: docs, headers: batch, body: operations(3, { text: "x".repeat(1_000_000) }) }),
    ).toBe(413);
    expect(
      await wire.status({
        path: docs,
        headers: batch,
        body: `[{"operationType":"Create","resourceBody":{"id":"d","pk":"a","x":${deep(300)}}},{"operationType":"Read","id":"1"}]`,
      }),
    ).toBe(207);
    expect(
      await wire.status({ path: docs, headers: { ...batch, "x-ms-documentdb-partitionkey": "" }, body: operations(1) }),
    ).toBe(400);
    const mixed = [
      { operationType: "Create", partitionKey: '["a"]', resourceBody: { id: "good", pk: "a" } },
      { operationType: "Create", partitionKey: '["a"]', resourceBody: { id: "bad", pk: "b" } },
      { operationType: "Create", partitionKey: "rubbish", resourceBody: { id: "bad", pk: "a" } },
      { operationType: "Create", resourceBody: { id: "bad", pk: "a" } },
      { operationType: "Create", partitionKey: ["a"], resourceBody: 5 },
      { operationType: "Create", partitionKey: '["a"]', resourceBody: { id: "bad", pk: "a", ttl: "x" } },
      { operationType: "Patch", partitionKey: '["a"]', id: "1", resourceBody: { operations: 5 } },
      { operationType: "Delete", partitionKey: '["a"]', id: "none" },
    ];
    const answer = await wire.send({
      path: docs,
      headers: { ...bulk, "x-ms-cosmos-batch-continue-on-error": "True" },
      body: JSON.stringify(mixed),
    });
    expect(answer.status).toBe(207);
    expect((JSON.parse(answer.text) as { statusCode: number }[]).map(({ statusCode }) => statusCode)).toEqual([
      201, 400, 400, 400, 400, 400, 400, 404,
    ]);
    const ids = await wire.send({
      path: docs,
      headers: query,
      body: '{"query":"SELECT VALUE c.id FROM c ORDER BY c.id"}',
    });
    expect((JSON.parse(ids.text) as { Documents: unknown[] }).Documents).toEqual(["1", "good"]);
  });

  it("into a hierarchical key want all of its levels", async () => {
    const post = (partitionKey: string, body: object) =>
      wire.status({
        path: `${database}/colls/levels/docs`,
        headers: { "x-ms-documentdb-partitionkey": partitionKey },
        body: JSON.stringify({ id: "1", ...body }),
      });
    expect(await post('["a"]', { a: "a", b: "b" })).toBe(400);
    expect(await post('["a","c"]', { a: "a", b: "b" })).toBe(400);
    expect(await post('["a","b"]', { a: "a", b: { x: 1 } })).toBe(400);
    expect(await post('["a","b"]', { a: "a", b: "b" })).toBe(201);
  });
});
