/** What little rights leave closed: neighbours, empty batches, and pages that belong to somebody else. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Wire, wireOf } from "../support/wire.ts";
import { contributor, startWorld, type World } from "./world.ts";

const host = "acme.documents.azure.com";
let world: World;
let wire: Wire;
let bearer: string;

interface Ask {
  readonly method?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly anonymous?: boolean;
}

const send = async (path: string, { method = "POST", body, headers = {}, anonymous = false }: Ask = {}) => {
  const answer = await wire.send({
    method,
    host,
    path,
    headers: {
      "x-ms-version": "2020-07-15",
      "content-type": "application/json",
      ...(anonymous ? {} : { authorization: `type=aad&ver=1.0&sig=${bearer}` }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  // oxlint-disable-next-line typescript/no-explicit-any -- answers are looked into by tests
  const read: any = answer.text === "" ? {} : JSON.parse(answer.text);
  return { status: answer.status, headers: answer.headers, body: read };
};

beforeAll(async () => {
  world = await startWorld();
  wire = wireOf(world.env);
  for (const name of ["mine", "theirs"]) {
    await world.put(`/sqlDatabases/${name}`, { resource: { id: name } });
    await world.put(`/sqlDatabases/${name}/containers/items`, {
      resource: { id: "items", partitionKey: { paths: ["/pk"], kind: "Hash" } },
    });
  }
  const { text } = await wire.send({
    host: "127.0.0.1",
    path: "/msi/token?api-version=2019-08-01&resource=https%3A%2F%2Fcosmos.azure.com",
    headers: { "x-identity-header": world.env["IDENTITY_HEADER"] ?? "" },
  });
  bearer = (JSON.parse(text) as { access_token: string }).access_token;
});
afterAll(async () => {
  expect(world.tenant.failures).toEqual([]);
  await world[Symbol.asyncDispose]();
});

const batch = { "x-ms-cosmos-is-batch-request": "True", "x-ms-documentdb-partitionkey": '["a"]' };
const query = {
  "x-ms-documentdb-isquery": "True",
  "x-ms-documentdb-query-enablecrosspartition": "True",
  "content-type": "application/query+json",
};
const key = { "x-ms-documentdb-partitionkey": '["a"]' };

describe("a batch", () => {
  it("of nothing is refused like any other to whoever has no right, and tells nobody what exists", async () => {
    for (const path of ["/dbs/mine/colls/items/docs", "/dbs/mine/colls/none/docs"]) {
      expect([path, (await send(path, { body: [], headers: batch })).status]).toEqual([path, 403]);
      for (const body of [[], {}, [{ operationType: "Read", id: "1" }]]) {
        const { status } = await send(path, { body, headers: batch, anonymous: true });
        expect([path, body, status]).toEqual([path, body, 401]);
      }
    }
  });
});

describe("a role on one database", () => {
  it("opens the account document and that database, and does not list the others", async () => {
    const undo = await world.assign(contributor, "/dbs/mine");
    expect((await send("/", { method: "GET" })).status).toBe(200);
    expect((await send("/dbs/mine/colls", { method: "GET" })).status).toBe(200);
    expect((await send("/dbs", { method: "GET" })).status).toBe(403);
    expect((await send("/dbs", { body: { query: "SELECT * FROM c" }, headers: query })).status).toBe(403);
    await undo();
  });
});

describe("an assignment", () => {
  it("without a scope is refused, not made for the whole account", async () => {
    for (const scope of [undefined, null, "", 7]) {
      const { status } = await world.tenant.arm(
        "PUT",
        `${world.accountId}/sqlRoleAssignments/${crypto.randomUUID()}?api-version=2024-11-15`,
        {
          properties: {
            roleDefinitionId: `${world.accountId}/sqlRoleDefinitions/${contributor}`,
            principalId: world.principalId,
            scope,
          },
        },
      );
      expect([scope, status]).toEqual([scope, 400]);
    }
  });
});

describe("a continuation", () => {
  const sorted = (database: string, continuation?: string) =>
    send(`/dbs/${database}/colls/items/docs`, {
      body: { query: "SELECT VALUE c.text FROM c ORDER BY c.n DESC" },
      headers: {
        ...query,
        "x-ms-max-item-count": "1",
        ...(continuation === undefined ? {} : { "x-ms-continuation": continuation }),
      },
    });
  const edited = (token: string, change: object): string =>
    Buffer.from(
      JSON.stringify({ ...JSON.parse(Buffer.from(token, "base64url").toString("utf8")), ...change }),
    ).toString("base64url");

  it("that names a result of another container shows none of it", async () => {
    const undo = await world.assign(contributor);
    for (const database of ["mine", "theirs"])
      for (const n of [1, 2, 3])
        await send(`/dbs/${database}/colls/items/docs`, {
          body: { id: String(n), pk: "a", n, text: `${database} ${n}` },
          headers: key,
        });
    const theirs = String((await sorted("theirs")).headers["x-ms-continuation"]);
    const mine = String((await sorted("mine")).headers["x-ms-continuation"]);
    await undo();
    const undoMine = await world.assign(contributor, "/dbs/mine");
    const { kept } = JSON.parse(Buffer.from(theirs, "base64url").toString("utf8")) as { kept: string };
    const answer = await sorted("mine", edited(mine, { kept }));
    expect(JSON.stringify(answer.body)).not.toContain("theirs");
    expect((await sorted("mine", theirs)).status).toBe(400);
    await undoMine();
  });

  it("with impossible numbers is 400", async () => {
    const undo = await world.assign(contributor);
    const mine = String((await sorted("mine")).headers["x-ms-continuation"]);
    for (const offset of [-1, 0.5, 1e300, "1"])
      expect([offset, (await sorted("mine", edited(mine, { offset }))).status]).toEqual([offset, 400]);
    const stream = (continuation?: string) =>
      send("/dbs/mine/colls/items/docs", {
        body: { query: "SELECT * FROM c" },
        headers: {
          ...query,
          "x-ms-max-item-count": "1",
          ...(continuation === undefined ? {} : { "x-ms-continuation": continuation }),
        },
      });
    const token = String((await stream()).headers["x-ms-continuation"]);
    for (const change of [{ skip: -1 }, { skip: 0.5 }, { order: 0.5 }, { skip: 1e300 }])
      expect([change, (await stream(edited(token, change))).status]).toEqual([change, 400]);
    expect((await stream(token)).status).toBe(200);
    await undo();
  });
});

describe("the management plane", () => {
  const url = (path = "") => `${world.accountId}${path}?api-version=2024-11-15`;

  it("finds databases and containers by their place, whatever they are called", async () => {
    for (const [database, container] of [
      ["containers", "sqlDatabases"],
      ["sqlDatabases", "containers"],
      ["throughputSettings", "sqlDatabases"],
    ] as const) {
      await world.put(`/sqlDatabases/${database}`, { resource: { id: database } });
      const path = `/sqlDatabases/${database}/containers/${container}`;
      const put = await world.tenant.arm("PUT", url(path), {
        properties: {
          resource: { id: container, partitionKey: { paths: ["/pk"], kind: "Hash" } },
          options: { throughput: 400 },
        },
      });
      expect([path, put.status]).toEqual([path, 202]);
      const { body } = await world.tenant.arm("GET", url(path));
      expect(body.id).toBe(`${world.accountId}${path}`);
      const throughput = await world.tenant.arm("GET", url(`${path}/throughputSettings/default`));
      expect([path, throughput.body.id]).toEqual([path, `${world.accountId}${path}/throughputSettings/default`]);
      expect((await world.tenant.arm("GET", url(`/sqlDatabases/${database}/throughputSettings/default`))).status).toBe(
        404,
      );
    }
  });

  it("takes true and false for disableLocalAuth and nothing that only looks like them", async () => {
    for (const disableLocalAuth of ["true", 1, {}])
      expect((await world.tenant.arm("PATCH", url(), { properties: { disableLocalAuth } })).status).toBe(400);
  });
});
