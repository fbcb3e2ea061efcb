/** What no client of ours sends: broken requests are answered with a clear 4xx in the service's shape, and hold nobody up. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Wire, type WireAnswer, wireOf } from "../support/wire.ts";
import { type Signed, type SignedWire, signedWire } from "./signed-wire.ts";
import { startWorld, type World } from "./world.ts";

let world: World;
let wire: Wire;
let signed: SignedWire;
beforeAll(async () => {
  world = await startWorld();
  wire = wireOf(world.env);
  signed = signedWire(world);
  await world.put("/sqlDatabases/appdb", { resource: { id: "appdb" } });
  await world.put("/sqlDatabases/appdb/containers/items", {
    resource: { id: "items", partitionKey: { paths: ["/pk"], kind: "Hash" } },
  });
});
afterAll(async () => {
  expect(world.tenant.failures).toEqual([]);
  await world[Symbol.asyncDispose]();
});

const send = (request: Signed): Promise<WireAnswer> => signed.send(request);
const status = (request: Signed): Promise<number> => signed.status(request);

const docs = "/dbs/appdb/colls/items/docs";
const key = { "x-ms-documentdb-partitionkey": '["a"]' };
const query = {
  "x-ms-documentdb-isquery": "True",
  "x-ms-documentdb-query-enablecrosspartition": "True",
  "content-type": "application/query+json",
};

describe("requests", () => {
  it("in every spelling of an address mean the same", async () => {
    for (const path of ["/dbs/appdb", "//dbs/appdb/", "/dbs/appdb/", "//dbs//appdb"])
      expect([path, await status({ method: "GET", path })]).toEqual([path, 200]);
  });

  it("without or with a broken authorization are 401", async () => {
    const with_ = (authorization: string) => status({ method: "GET", path: "/", headers: { authorization } });
    for (const text of [
      "",
      "rubbish",
      "type=master&ver=1.0&sig=",
      "type%3Daad%26ver%3D1.0%26sig%3Dx.y.z",
      "type=resource&ver=1.0&sig=x",
      "Bearer x",
      "%E0%A4%A",
    ])
      expect([text, await with_(text)]).toEqual([text, 401]);
  });

  it("signed long ago are 401", async () => {
    expect(await status({ method: "GET", path: "/", date: new Date(Date.now() - 3_600_000).toUTCString() })).toBe(401);
    expect(await status({ method: "GET", path: "/", date: "yesterday" })).toBe(401);
  });

  it("for a region that the account is not in are not the tenant's", async () => {
    expect((await send({ method: "GET", path: "/", host: "acme-westus.documents.azure.com" })).status).not.toBe(200);
    expect(await status({ method: "GET", path: "/", host: "acme-eastus.documents.azure.com" })).toBe(200);
  });
});

describe("items", () => {
  it("with bad content are 400 or 413, and leave nothing behind", async () => {
    const post = (body: string, headers: Readonly<Record<string, string>> = key) =>
      status({ path: docs, body, headers });
    const cases: readonly (readonly [number, string, Readonly<Record<string, string>>?])[] = [
      [400, "{"],
      [400, "[]"],
      [400, '"text"'],
      [400, ""],
      [400, '{"pk":"a"}'],
      [400, '{"id":1,"pk":"a"}'],
      [400, '{"id":"","pk":"a"}'],
      [400, '{"id":"a\\\\b","pk":"a"}'],
      [400, '{"id":"a\\u0000b","pk":"a"}'],
      [400, '{"id":"\\ud800","pk":"a"}'],
      [400, `{"id":"${"x".repeat(1100)}","pk":"a"}`],
      [400, '{"id":"1","pk":"b"}'],
      [400, '{"id":"1","pk":{"x":1}}'],
      [400, '{"id":"1","pk":"a","ttl":0}'],
      [400, '{"id":"1","pk":"a"}', {}],
      [400, '{"id":"1","pk":"a"}', { "x-ms-documentdb-partitionkey": "a" }],
      [400, '{"id":"1","pk":"a"}', { "x-ms-documentdb-partitionkey": '["a","b"]' }],
      [400, '{"id":"1","pk":"a"}', { ...key, "x-ms-cosmos-intended-collection-rid": "AAAAAAAAAAA=" }],
      [413, `{"id":"1","pk":"a","text":"${"x".repeat(3_000_000)}"}`],
    ];
    for (const [wanted, body, headers] of cases)
      expect([body.slice(0, 60), await post(body, headers)]).toEqual([body.slice(0, 60), wanted]);
    const all = await send({ method: "GET", path: docs });
    expect((JSON.parse(all.text) as { _count: number })._count).toBe(0);
  });

  it("may have members named like JavaScript's own", async () => {
    const body = '{"id":"p","pk":"a","__proto__":{"x":1},"constructor":"c","toString":1}';
    expect(await status({ path: docs, body, headers: key })).toBe(201);
    const read = await send({ method: "GET", path: `${docs}/p`, headers: key });
    expect(read.text).toContain('"__proto__":{"x":1},"constructor":"c","toString":1');
    const found = await send({
      path: docs,
      headers: query,
      body: '{"query":"SELECT VALUE c[\\"__proto__\\"].x FROM c WHERE c.constructor = \\"c\\" AND IS_DEFINED(c.hasOwnProperty) = false"}',
    });
    expect((JSON.parse(found.text) as { Documents: unknown[] }).Documents).toEqual([1]);
    expect(await status({ method: "DELETE", path: `${docs}/p`, headers: key })).toBe(204);
  });
});

describe("queries and feeds", () => {
  it("with bad input are 400 or 410", async () => {
    const ask = (text: string, headers: Readonly<Record<string, string>> = {}) =>
      status({ path: docs, body: JSON.stringify({ query: text }), headers: { ...query, ...headers } });
    for (const text of [
      "",
      "SELECT",
      "SELECT * FROM c WHERE",
      `SELECT ${"(".repeat(5000)}1${")".repeat(5000)}`,
      "DELETE FROM c",
      "SELECT udf.x(1) FROM c",
      "\u0000",
    ])
      expect([text.slice(0, 40), await ask(text)]).toEqual([text.slice(0, 40), 400]);
    expect(await status({ path: docs, body: "{}", headers: query })).toBe(400);
    expect(await ask("SELECT * FROM c", { "x-ms-continuation": "eyJ2IjoxfQ" })).toBe(400);
    expect(await ask("SELECT * FROM c", { "x-ms-max-item-count": "-5" })).toBe(400);
    expect(await ask("SELECT * FROM c", { "x-ms-documentdb-partitionkeyrangeid": "7" })).toBe(410);
    const feed = (etag: string) =>
      status({ method: "GET", path: docs, headers: { "a-im": "Incremental feed", "if-none-match": etag } });
    expect(await feed('"rubbish"')).toBe(400);
    expect(await status({ method: "GET", path: docs, headers: { "a-im": "Full-Fidelity Feed" } })).toBe(400);
  });

  it("that are batches with bad operations are 400", async () => {
    const batch = { "x-ms-cosmos-is-batch-request": "True", "x-ms-cosmos-batch-atomic": "True", ...key };
    const many = JSON.stringify(Array.from({ length: 101 }, (_, id) => ({ operationType: "Read", id: String(id) })));
    for (const body of ["{}", "\u0081\u0001", '[{"operationType":"Drop"}]', "[1]", many])
      expect([body.slice(0, 40), await status({ path: docs, body, headers: batch })]).toEqual([body.slice(0, 40), 400]);
  });

  it("that take long hold up nobody else", async () => {
    for (let at = 0; at < 40; at++)
      await status({
        path: docs,
        headers: key,
        body: JSON.stringify({ id: `h${at}`, pk: "a", list: Array.from({ length: 60 }, (_, n) => n) }),
      });
    const heavy = send({
      path: docs,
      headers: query,
      body: '{"query":"SELECT VALUE COUNT(1) FROM c JOIN a IN c.list JOIN b IN c.list JOIN d IN c.list WHERE a + b + d > 170"}',
    });
    const state = { over: false };
    void heavy.then(() => (state.over = true));
    const times: number[] = [];
    while (!state.over && times.length < 50) {
      const started = performance.now();
      await wire.send({
        host: "login.microsoftonline.com",
        path: `/${world.tenant.tenantId}/v2.0/.well-known/openid-configuration`,
      });
      times.push(performance.now() - started);
    }
    expect((await heavy).status).toBe(200);
    expect(Math.max(0, ...times)).toBeLessThan(2_000);
  });

  it("whose joins multiply one document without end are 400, and tokens are handed out meanwhile", async () => {
    await status({
      path: docs,
      headers: key,
      body: JSON.stringify({ id: "huge", pk: "a", list: Array.from({ length: 20_000 }, (_, n) => n) }),
    });
    const heavy = Array.from({ length: 6 }, () =>
      send({
        path: docs,
        headers: query,
        body: '{"query":"SELECT VALUE COUNT(1) FROM c JOIN a IN c.list JOIN b IN c.list JOIN d IN c.list WHERE c.id = \\"huge\\" AND a + b + d < 0"}',
      }),
    );
    const state = { over: false };
    const all = Promise.all(heavy).finally(() => (state.over = true));
    const address = new URL(world.env["IDENTITY_ENDPOINT"] ?? "");
    address.searchParams.set("api-version", "2019-08-01");
    address.searchParams.set("resource", "https://acme.documents.azure.com");
    const times: number[] = [];
    do {
      const started = performance.now();
      const token = await fetch(address, { headers: { "x-identity-header": world.env["IDENTITY_HEADER"] ?? "" } });
      expect(token.status).toBe(200);
      await token.arrayBuffer();
      times.push(performance.now() - started);
    } while (!state.over);
    for (const answer of await all) {
      expect(answer.status).toBe(400);
      expect(answer.text).toContain("The SQL query is too complex: it works on one document for more than 200 ms.");
    }
    // Each query is worked on for 200 ms; others come between two of them.
    expect(Math.max(...times)).toBeLessThan(900);
  });
});

describe("what is nested too deeply", () => {
  const deep = (levels: number): string => "[".repeat(levels) + "]".repeat(levels);

  it("is 400 in items, in parameters of queries and in arguments of stored procedures", async () => {
    await send({ path: "/dbs/appdb/colls/items/sprocs", body: '{"id":"any","body":"function (x) {}"}' });
    for (const levels of [200, 5000, 100_000]) {
      expect(await status({ path: docs, body: `{"id":"1","pk":"a","x":${deep(levels)}}`, headers: key })).toBe(400);
      const body = `{"query":"SELECT VALUE @x","parameters":[{"name":"@x","value":${deep(levels)}}]}`;
      expect(await status({ path: docs, body, headers: query })).toBe(400);
    }
    for (const levels of [5000, 100_000])
      expect(await status({ path: "/dbs/appdb/colls/items/sprocs/any", body: `[${deep(levels)}]`, headers: key })).toBe(
        400,
      );
  });

  it("is 400 where a trigger is to see it first", async () => {
    const body = '{"id":"see","body":"function () {}","triggerType":"Pre","triggerOperation":"All"}';
    await send({ path: "/dbs/appdb/colls/items/triggers", body });
    const headers = { ...key, "x-ms-documentdb-pre-trigger-include": "see" };
    for (const levels of [200, 5000, 100_000])
      expect(await status({ path: docs, body: `{"id":"1","pk":"a","x":${deep(levels)}}`, headers })).toBe(400);
  });
});

describe("scripts", () => {
  it("with bad content are 4xx", async () => {
    const sprocs = "/dbs/appdb/colls/items/sprocs";
    const cases: readonly (readonly [number, Signed])[] = [
      [400, { path: sprocs, body: "{" }],
      [400, { path: sprocs, body: "[]" }],
      [400, { path: sprocs, body: "" }],
      [400, { path: sprocs, body: '{"body":"x"}' }],
      [400, { path: sprocs, body: '{"id":"a/b","body":"x"}' }],
      [400, { path: sprocs, body: '{"id":"\\ud800","body":"x"}' }],
      [400, { path: sprocs, body: '{"id":1,"body":"x"}' }],
      [400, { path: sprocs, body: '{"id":"a","body":1}' }],
      [400, { path: sprocs, body: '{"id":"a","body":""}' }],
      [413, { path: sprocs, body: `{"id":"a","body":"${"x".repeat(2_000_000)}"}` }],
      [404, { method: "GET", path: `${sprocs}/none` }],
      [404, { method: "PUT", path: `${sprocs}/none`, body: '{"id":"none","body":"x"}' }],
      [404, { method: "DELETE", path: `${sprocs}/a%2Fb` }],
      [404, { path: `${sprocs}/none`, body: "[]", headers: key }],
      [400, { path: `${sprocs}/any`, body: "{", headers: key }],
      [400, { path: `${sprocs}/any`, body: '{"a":1}', headers: key }],
      [400, { path: `${sprocs}/any`, body: "[]" }],
      [400, { path: `${sprocs}/any`, body: "[]", headers: { "x-ms-documentdb-partitionkey": "rubbish" } }],
      [413, { path: `${sprocs}/any`, body: `["${"x".repeat(3_000_000)}"]`, headers: key }],
      [200, { path: `${sprocs}/any`, body: "", headers: key }],
      [404, { path: "/dbs/appdb/colls/none/sprocs/any", body: "[]", headers: key }],
    ];
    for (const [expected, sent] of cases)
      expect([(sent.body ?? "").slice(0, 60), sent.path, await status(sent)]).toEqual([
        (sent.body ?? "").slice(0, 60),
        sent.path,
        expected,
      ]);
  });

  it("that a write names and that cannot be are 400, and nothing is written", async () => {
    for (const names of ["none", "see,see", "a/b", "%00", "x".repeat(3000)]) {
      const headers = { ...key, "x-ms-documentdb-pre-trigger-include": names };
      expect(await status({ path: docs, body: '{"id":"unwritten","pk":"a"}', headers })).toBe(400);
    }
    expect(await status({ method: "GET", path: `${docs}/unwritten`, headers: key })).toBe(404);
  });
});
