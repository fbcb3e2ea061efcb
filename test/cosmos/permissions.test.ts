/** Users, permissions and resource tokens, through `@azure/cosmos`. */
import { createHmac } from "node:crypto";
import type * as Cosmos from "@azure/cosmos";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { type Wire, wireOf } from "../support/wire.ts";
import { contributor, startWorld, type World } from "./world.ts";

let world: World;
let wire: Wire;
beforeAll(async () => {
  world = await startWorld();
  wire = wireOf(world.env);
  await world.put("/sqlDatabases/appdb", { resource: { id: "appdb" } });
  for (const id of ["items", "other"])
    await world.put(`/sqlDatabases/appdb/containers/${id}`, {
      resource: { id, partitionKey: { paths: ["/pk"], kind: "Hash" } },
    });
  await world.put("/sqlDatabases/appdb/containers/levels", {
    resource: { id: "levels", partitionKey: { paths: ["/tenant", "/pk"], kind: "MultiHash", version: 2 } },
  });
  await key()(async (client) => {
    const database = client.database("appdb");
    for (const id of ["items", "other"])
      for (const pk of ["a", "b"]) await database.container(id).items.create({ id: `${pk}1`, pk });
    for (const [tenant, pk] of [
      ["t", "a"],
      ["t", "b"],
      ["u", "a"],
    ])
      await database.container("levels").items.create({ id: "1", tenant, pk });
  });
});
beforeEach(async () => {
  await key()(async (client) => {
    const users = client.database("appdb").users;
    for (const { id } of (await users.readAll().fetchAll()).resources) await client.database("appdb").user(id).delete();
    await users.create({ id: "ann" });
  });
});
afterAll(async () => {
  expect(world.tenant.failures).toEqual([]);
  await world[Symbol.asyncDispose]();
});

const key = () => world.sdk.as(world.endpoint, world.keys.primaryMasterKey);

/** A permission of ann's. @returns its token */
const permit = (body: object, seconds?: number): Promise<string> =>
  key()(
    async (client, _sdk, [definition, expiry]) => {
      const { resource } = await client
        .database("appdb")
        .user("ann")
        .permissions.create(
          definition as Cosmos.PermissionDefinition,
          expiry === undefined ? {} : { resourceTokenExpirySeconds: expiry },
        );
      return (resource as unknown as { _token: string })._token;
    },
    body,
    seconds,
  );

const whole = (mode: string, container = "items") => ({
  id: `${mode}-${container}`,
  permissionMode: mode,
  resource: `dbs/appdb/colls/${container}`,
});

/** What a client that has nothing but tokens can do with a container. */
const tries = (tokens: Readonly<Record<string, string>>, container = "items", keys: readonly unknown[] = ["a", "b"]) =>
  key()(
    async (_client, sdk, [endpoint, resourceTokens, name, partitions]) => {
      const client = new sdk.CosmosClient({
        endpoint,
        resourceTokens: { ...resourceTokens },
        connectionPolicy: {
          retryOptions: { maxRetryAttemptCount: 0, fixedRetryIntervalInMilliseconds: 0, maxWaitTimeInSeconds: 0 },
        },
      });
      const outcome = (work: Promise<{ statusCode?: number; resources?: unknown[] }>) =>
        work.then(
          ({ statusCode, resources }) => (resources === undefined ? `${statusCode}` : `${resources.length} found`),
          (error: { code?: number; message: string }) =>
            `${error.code ?? 403} ${error.message.replace("Batch request error: ", "").slice(0, 43)}`,
        );
      const one = client.database("appdb").container(name);
      const results: Record<string, string> = {};
      for (const partitionKey of partitions as (string | string[])[]) {
        const at = [partitionKey].flat().join("/");
        const fields = Array.isArray(partitionKey)
          ? { tenant: partitionKey[0], pk: partitionKey[1] }
          : { pk: partitionKey };
        const id = Array.isArray(partitionKey) ? "1" : `${partitionKey}1`;
        results[`read ${at}`] = await outcome(one.item(id, partitionKey).read());
        results[`query ${at}`] = await outcome(one.items.query("SELECT * FROM c", { partitionKey }).fetchAll());
        results[`upsert ${at}`] = await outcome(one.items.upsert({ id, ...fields } as Cosmos.ItemDefinition));
        results[`batch ${at}`] = await outcome(
          one.items
            .batch([{ operationType: "Upsert", resourceBody: { id, ...fields } }] as never, partitionKey)
            .then(({ code }) => ({ statusCode: code ?? 0 })),
        );
      }
      results["query all"] = await outcome(one.items.query("SELECT * FROM c").fetchAll());
      results["read container"] = await outcome(one.read());
      results["delete container"] = await outcome(one.delete());
      return results;
    },
    world.endpoint,
    tokens,
    container,
    keys,
  );

/** In the same tenant, with the same secret. */
const otherAccount = async () => {
  const id = world.accountId.replace(/[^/]+$/, "other");
  const { status } = await world.tenant.arm("PUT", `${id}?api-version=2024-11-15`, {
    location: "eastus",
    properties: { databaseAccountOfferType: "Standard", locations: [{ locationName: "eastus", failoverPriority: 0 }] },
  });
  expect(status).toBe(200);
  return {
    host: "other.documents.azure.com",
    [Symbol.asyncDispose]: async () => void (await world.tenant.arm("DELETE", `${id}?api-version=2024-11-15`)),
  };
};

/** What the gateway wants of whoever comes as to a proxy. */
const proxyAuthorization = async (): Promise<string> => {
  const { HTTPS_PROXY = "http://x" } = await world.tenant.environment({ as: "cosmos-app" });
  const { username, password } = new URL(HTTPS_PROXY);
  const credentials = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString("base64");
  return `Proxy-Authorization: Basic ${credentials}\r\n`;
};

const refusal = "403 Insufficient permissions provided in the au";

it("users and permissions are made, read, listed, queried, replaced and deleted", async () => {
  const found = await key()(async (client) => {
    const database = client.database("appdb");
    const code = (work: Promise<{ statusCode: number }>) =>
      work.then(
        ({ statusCode }) => statusCode,
        (error: { code: number }) => error.code,
      );
    const { users } = database;
    const user = database.user("bob");
    const permission = { id: "p", permissionMode: "Read" as never, resource: "dbs/appdb/colls/items" };
    return {
      created: await code(users.create({ id: "bob" })),
      taken: await code(users.create({ id: "bob" })),
      upserted: [await code(users.upsert({ id: "bob" })), await code(users.upsert({ id: "eve" }))],
      read: (await user.read()).resource?.id,
      none: await code(database.user("nobody").read()),
      listed: (await users.readAll().fetchAll()).resources.map(({ id }) => id),
      queried: (await users.query({ query: "SELECT * FROM u WHERE u.id > 'b'" }).fetchAll()).resources.map(
        ({ id }) => id,
      ),
      permitted: await code(user.permissions.create(permission)),
      permittedTwice: await code(user.permissions.create(permission)),
      sameResource: await code(user.permissions.create({ ...permission, id: "q" })),
      changed: (await user.permission("p").replace({ ...permission, permissionMode: "All" as never })).resource
        ?.permissionMode,
      permissions: (await user.permissions.readAll().fetchAll()).resources.map(({ id }) => id),
      renamed: (await user.replace({ id: "rob" })).resource?.id,
      kept: (await database.user("rob").permissions.readAll().fetchAll()).resources.length,
      gone: await code(user.read()),
      dropped: await code(database.user("rob").permission("p").delete()),
      deleted: await code(database.user("rob").delete()),
      below: await code(database.user("rob").permission("p").read()),
    };
  });
  expect(found).toEqual({
    created: 201,
    taken: 409,
    upserted: [200, 201],
    read: "bob",
    none: 404,
    listed: ["ann", "bob", "eve"],
    queried: ["bob", "eve"],
    permitted: 201,
    permittedTwice: 409,
    sameResource: 409,
    changed: "All",
    permissions: ["p"],
    renamed: "rob",
    kept: 1,
    gone: 404,
    dropped: 204,
    deleted: 204,
    below: 404,
  });
});

it("bad permissions are 400, and of what is not there 404", async () => {
  const create = (body: object, seconds?: number) =>
    permit(body, seconds).then(
      () => 201,
      (error: { code: number }) => error.code,
    );
  expect(await create({ id: "1", permissionMode: "Some", resource: "dbs/appdb/colls/items" })).toBe(400);
  expect(await create({ id: "1", permissionMode: "Read", resource: "dbs/appdb" })).toBe(400);
  expect(await create({ id: "1", permissionMode: "Read", resource: "dbs/other/colls/items" })).toBe(400);
  expect(await create({ id: "1", permissionMode: "Read", resource: "dbs/appdb/colls/items/triggers/x" })).toBe(400);
  expect(await create({ id: "1", permissionMode: "Read", resource: "dbs/appdb/colls/nothing" })).toBe(404);
  expect(await create({ id: "1", resource: "dbs/appdb/colls/items" })).toBe(400);
  expect(await create({ ...whole("Read"), resourcePartitionKey: [{ x: 1 }] })).toBe(400);
  expect(await create(whole("Read"), 18_001)).toBe(400);
  expect(await create(whole("Read"), 18_000)).toBe(201);
});

it("a token for reading a container reads it, and nothing else", async () => {
  const token = await permit(whole("Read"));
  const seen = await tries({ items: token });
  expect(seen).toEqual({
    "read a": "200",
    "query a": "1 found",
    "upsert a": refusal,
    "batch a": refusal,
    "read b": "200",
    "query b": "1 found",
    "upsert b": refusal,
    "batch b": refusal,
    "query all": "2 found",
    "read container": "200",
    "delete container": refusal,
  });
  const other = await tries({ other: token }, "other");
  expect(new Set(Object.values(other))).toEqual(new Set([refusal]));
});

it("a token for everything in a container writes it as well, but is not the container's master", async () => {
  const seen = await tries({ items: await permit(whole("All")) });
  expect(seen).toMatchObject({
    "upsert a": "200",
    "batch b": "200",
    "delete container": refusal,
  });
});

it("a token opens nothing above its container", async () => {
  const token = await permit(whole("All"));
  const send = async (method: "GET" | "POST" | "DELETE", path: string) =>
    (
      await wire.send({
        method,
        host: "acme.documents.azure.com",
        path,
        headers: { authorization: encodeURIComponent(token), "content-type": "application/json" },
        ...(method === "POST" ? { body: '{"id":"x","partitionKey":{"paths":["/pk"]}}' } : {}),
      })
    ).status;
  expect(await send("GET", "/")).toBe(200);
  for (const [method, path] of [
    ["GET", "/dbs"],
    ["GET", "/dbs/appdb"],
    ["GET", "/dbs/appdb/colls"],
    ["POST", "/dbs/appdb/colls"],
    ["DELETE", "/dbs/appdb"],
    ["GET", "/dbs/appdb/users"],
    ["GET", "/dbs/appdb/users/ann/permissions"],
    ["GET", "/offers"],
    ["GET", "/dbs/appdb/colls/items/sprocs"],
    ["GET", "/dbs/appdb/colls/nothing"],
  ] as const)
    expect([method, path, await send(method, path)]).toEqual([method, path, 403]);
});

it("a token for a partition key keeps to it", async () => {
  const token = await permit({ ...whole("All"), resourcePartitionKey: ["a"] });
  const seen = await tries({ items: token });
  expect(seen).toMatchObject({
    "read a": "200",
    "query a": "1 found",
    "upsert a": "200",
    "batch a": "200",
    "read b": refusal,
    "query b": refusal,
    "upsert b": refusal,
    "batch b": refusal,
    "query all": refusal,
    "read container": "200",
  });
  // A bulk request names keys inside.
  const bulk = await wire.send({
    method: "POST",
    host: "acme.documents.azure.com",
    path: "/dbs/appdb/colls/items/docs",
    headers: {
      authorization: encodeURIComponent(token),
      "x-ms-cosmos-is-batch-request": "True",
      "x-ms-cosmos-batch-atomic": "False",
      "x-ms-documentdb-partitionkey": '["a"]',
      "content-type": "application/json",
    },
    body: JSON.stringify([{ operationType: "Read", id: "b1", partitionKey: '["b"]' }]),
  });
  expect(bulk.status).toBe(403);
});

it("a token for the beginning of a hierarchical key keeps to what lies below", async () => {
  const seen = await tries(
    { levels: await permit({ ...whole("Read", "levels"), resourcePartitionKey: ["t"] }) },
    "levels",
    [
      ["t", "a"],
      ["u", "a"],
    ],
  );
  expect(seen).toMatchObject({ "read t/a": "200", "query t/a": "1 found", "read u/a": refusal, "query u/a": refusal });
});

it("a token for an item is good for that item", async () => {
  const token = await permit({ id: "one", permissionMode: "All", resource: "dbs/appdb/colls/items/docs/a1" });
  const seen = await tries({ items: token });
  expect(seen).toMatchObject({ "read a": "200", "query a": refusal, "upsert a": refusal, "read b": refusal });
});

it("a token ends in time, with its permission, its user, and its container", async () => {
  const read = async (token: string) => (await tries({ items: token }))["read a"];
  const brief = await permit(whole("Read"), 60);
  expect(await read(brief)).toBe("200");
  world.tenant.advance(61_000);
  expect(await read(brief)).toBe("403 The authorization token is not valid at the");
  await key()((client) =>
    client
      .database("appdb")
      .user("ann")
      .permission("Read-items")
      .delete()
      .then(() => undefined),
  );

  const revoked = await permit(whole("Read"));
  expect(await read(revoked)).toBe("200");
  await key()((client) =>
    client
      .database("appdb")
      .user("ann")
      .permission("Read-items")
      .delete()
      .then(() => undefined),
  );
  expect(await read(revoked)).toBe(refusal);

  const orphaned = await permit(whole("Read"));
  await key()((client) =>
    client
      .database("appdb")
      .user("ann")
      .delete()
      .then(() => undefined),
  );
  expect(await read(orphaned)).toBe(refusal);
});

it("a permission that says less takes rights from tokens that are out", async () => {
  const token = await permit(whole("All"));
  expect((await tries({ items: token }))["upsert a"]).toBe("200");
  await key()((client) =>
    client
      .database("appdb")
      .user("ann")
      .permission("All-items")
      .replace({ id: "All-items", permissionMode: "Read" as never, resource: "dbs/appdb/colls/items" })
      .then(() => undefined),
  );
  expect((await tries({ items: token }))["upsert a"]).toBe(refusal);
});

it("a token of a container is none of one made again under its name", async () => {
  await world.put("/sqlDatabases/appdb/containers/brief", {
    resource: { id: "brief", partitionKey: { paths: ["/pk"] } },
  });
  const token = await permit(whole("Read", "brief"));
  expect((await tries({ brief: token }, "brief"))["query a"]).toBe("0 found");
  await key()((client) =>
    client
      .database("appdb")
      .container("brief")
      .delete()
      .then(() => undefined),
  );
  await world.put("/sqlDatabases/appdb/containers/brief", {
    resource: { id: "brief", partitionKey: { paths: ["/pk"] } },
  });
  expect((await tries({ brief: token }, "brief"))["query a"]).toBe(refusal);
});

it("users go with their database", async () => {
  const found = await key()(async (client) => {
    const make = async () => (await client.databases.create({ id: "brief" })).database;
    const first = await make();
    await first.users.create({ id: "ann" });
    await first.containers.create({ id: "c", partitionKey: "/pk" });
    await first
      .user("ann")
      .permissions.create({ id: "p", permissionMode: "Read" as never, resource: "dbs/brief/colls/c" });
    await first.delete();
    const again = await make();
    const left = (await again.users.readAll().fetchAll()).resources.length;
    await again.users.create({ id: "ann" });
    const permissions = (await again.user("ann").permissions.readAll().fetchAll()).resources.length;
    await again.delete();
    return [left, permissions];
  });
  expect(found).toEqual([0, 0]);
});

it("forged and damaged tokens are 401", async () => {
  const token = await permit(whole("Read"));
  const [, mac = "", payload = ""] = /sig=([^;]*);([^;]*);/.exec(token) ?? [];
  const claims = JSON.parse(Buffer.from(payload, "base64").toString()) as Record<string, unknown>;
  const forged = Buffer.from(JSON.stringify({ ...claims, until: 9e9 })).toString("base64");
  const own = createHmac("sha256", Buffer.from(world.keys.primaryMasterKey, "base64")).update(payload).digest("base64");
  const send = async (authorization: string) =>
    (
      await wire.send({
        host: "acme.documents.azure.com",
        path: "/dbs/appdb/colls/items",
        headers: { authorization },
      })
    ).status;
  expect(await send(encodeURIComponent(token))).toBe(200);
  for (const broken of [
    `type=resource&ver=1&sig=${mac};${forged};`,
    `type=resource&ver=1&sig=${own};${payload};`,
    `type=resource&ver=1&sig=;${payload};`,
    `type=resource&ver=1&sig=${mac};${payload}`,
    `type=resource&ver=1&sig=${mac};${payload};;`,
    `type=resource&ver=1&sig=${mac}`,
    "type=resource&ver=1&sig=;;",
  ])
    expect([broken.slice(0, 40), await send(encodeURIComponent(broken))]).toEqual([broken.slice(0, 40), 401]);
});

it("a token is good for its own account, and never in the clear", async () => {
  await using other = await otherAccount();
  const token = await permit(whole("Read"));
  const read = async (host: string) =>
    (await wire.send({ host, path: "/", headers: { authorization: encodeURIComponent(token) } })).status;
  expect([await read("acme.documents.azure.com"), await read(other.host)]).toEqual([200, 401]);
  const proxy = await proxyAuthorization();
  const request = (authorization: string) =>
    wire.plain(
      `GET http://acme.documents.azure.com/ HTTP/1.1\r\nHost: acme.documents.azure.com\r\nAuthorization: ${authorization}\r\n` +
        `${proxy}Connection: close\r\n\r\n`,
    );
  expect(await request(encodeURIComponent(token))).toMatch(/^HTTP\/1\.1 401 /);
});

it("Entra tokens manage no users, and read-only keys see no permissions, for what is read holds a token", async () => {
  await permit(whole("All"));
  await world.assign(contributor);
  const list = (secret?: string) =>
    world.sdk.as(
      world.endpoint,
      secret,
    )((client) => {
      const database = client.database("appdb");
      const code = (work: Promise<{ resources: unknown[] }>) =>
        work.then(
          ({ resources }) => `${resources.length} found`,
          (error: { code: number; substatus?: number }) => `${error.code}/${error.substatus ?? 0}`,
        );
      return Promise.all([
        code(database.users.readAll().fetchAll()),
        code(database.user("ann").permissions.readAll().fetchAll()),
      ]);
    });
  expect(await list()).toEqual(["403/5300", "403/5300"]);
  expect(await list(world.keys.primaryReadonlyMasterKey)).toEqual(["1 found", "403/0"]);
  expect(await list(world.keys.primaryMasterKey)).toEqual(["1 found", "1 found"]);
});

it("disableLocalAuth ends resource tokens as well", async () => {
  await using own = await startWorld({ account: "closed" });
  await own.put("/sqlDatabases/appdb", { resource: { id: "appdb" } });
  await own.put("/sqlDatabases/appdb/containers/items", {
    resource: { id: "items", partitionKey: { paths: ["/pk"] } },
  });
  const token = await own.sdk.as(
    own.endpoint,
    own.keys.primaryMasterKey,
  )(async (client) => {
    const { user } = await client.database("appdb").users.create({ id: "ann" });
    const { resource } = await user.permissions.create({
      id: "p",
      permissionMode: "Read" as never,
      resource: "dbs/appdb/colls/items",
    });
    return (resource as unknown as { _token: string })._token;
  });
  const read = async () => {
    const answer = await wireOf(own.env).send({
      host: "closed.documents.azure.com",
      path: "/dbs/appdb/colls/items",
      headers: { authorization: encodeURIComponent(token) },
    });
    return `${answer.status}/${String(answer.headers["x-ms-substatus"] ?? 0)}`;
  };
  expect(await read()).toBe("200/0");
  await own.tenant.arm("PATCH", `${own.accountId}?api-version=2024-11-15`, { properties: { disableLocalAuth: true } });
  expect(await read()).toBe("401/5202");
});
