/** Who may do what with a Cosmos DB account: the real SDK, over production host names. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { contributor, guid, reader, startWorld, type World } from "./world.ts";

let world: World;
beforeAll(async () => {
  world = await startWorld();
  await world.put("/sqlDatabases/appdb", { resource: { id: "appdb" } });
  for (const name of ["items", "others"])
    await world.put(`/sqlDatabases/appdb/containers/${name}`, {
      resource: { id: name, partitionKey: { paths: ["/pk"], kind: "Hash" } },
    });
});
afterAll(async () => {
  expect(world.tenant.failures).toEqual([]);
  await world[Symbol.asyncDispose]();
});

const app = () => world.sdk.as(world.endpoint);
const withKey = (key = world.keys.primaryMasterKey) => world.sdk.as(world.endpoint, key);

const upsert = () =>
  app()(async (client) => {
    const { statusCode } = await client.database("appdb").container("items").items.upsert({ id: "1", pk: "a", n: 1 });
    return statusCode;
  });
const read = (container = "items") =>
  app()(async (client, _, [name]) => {
    const answer = await client.database("appdb").container(name).item("1", "a").read();
    return { status: answer.statusCode, n: (answer.resource as { n?: number } | undefined)?.n };
  }, container);

describe("an app without a native role", () => {
  it("is refused the account document with 403/5301, which names principal, action and resource", async () => {
    const { principalId } = world;
    await expect(read()).rejects.toMatchObject({
      code: 403,
      substatus: 5301,
      message: expect.stringContaining(
        `Request blocked by Auth acme : Request is blocked because principal [${principalId}] does not have required RBAC permissions to perform action [Microsoft.DocumentDB/databaseAccounts/readMetadata] on resource [/]. Learn more: https://aka.ms/cosmos-native-rbac.`,
      ),
    });
  });

  it("stays refused as Owner of the subscription: the management plane's roles never open the data plane", async () => {
    const role = await world.tenant.assign({
      role: "Owner",
      to: "cosmos-app",
      scope: `/subscriptions/${world.tenant.subscriptionId}`,
    });
    expect(role).toBeDefined();
    await expect(read()).rejects.toMatchObject({ code: 403, substatus: 5301 });
  });
});

describe("an app with a native role", () => {
  it("writes and reads as Data Contributor from the next request on, and no more once it is taken away", async () => {
    const undo = await world.assign(contributor);
    expect(await upsert()).toBe(201);
    expect(await upsert()).toBe(200);
    expect(await read()).toEqual({ status: 200, n: 1 });
    await undo();
    await expect(upsert()).rejects.toMatchObject({ code: 403, substatus: 5301 });
  });

  it("reads and does not write as Data Reader", async () => {
    const undo = await world.assign(reader);
    expect(await read()).toEqual({ status: 200, n: 1 });
    await expect(upsert()).rejects.toMatchObject({
      code: 403,
      substatus: 5301,
      message: expect.stringContaining(
        "[Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers/items/upsert] on resource [dbs/appdb/colls/items]",
      ),
    });
    await undo();
  });

  it("has it in its container alone", async () => {
    const undo = await world.assign(contributor, "/dbs/appdb/colls/items");
    expect(await read()).toEqual({ status: 200, n: 1 });
    await expect(read("others")).rejects.toMatchObject({ code: 403, substatus: 5301 });
    await undo();
  });

  it("creates no database and no container, but finds those that exist", async () => {
    const undo = await world.assign(contributor);
    const database = (id: string) =>
      app()(async (client, _, [name]) => (await client.databases.createIfNotExists({ id: name })).statusCode, id);
    expect(await database("appdb")).toBe(200);
    await expect(database("newdb")).rejects.toMatchObject({
      code: 403,
      substatus: 5300,
      message: expect.stringContaining(
        "Request blocked by Auth acme : The given request [POST /dbs] cannot be authorized by AAD token in data plane. Learn more: https://aka.ms/cosmos-native-rbac.",
      ),
    });
    await expect(
      app()(async (client) =>
        client.database("appdb").containers.create({ id: "x", partitionKey: { paths: ["/pk"] } }),
      ),
    ).rejects.toMatchObject({ code: 403, substatus: 5300 });
    await undo();
  });

  it("has what a custom role lists and nothing else", async () => {
    const role = guid();
    const own = "Microsoft.DocumentDB/databaseAccounts";
    await world.put(`/sqlRoleDefinitions/${role}`, {
      roleName: "Point reader",
      type: "CustomRole",
      assignableScopes: [world.accountId],
      permissions: [{ dataActions: [`${own}/readMetadata`, `${own}/sqlDatabases/containers/items/read`] }],
    });
    const undo = await world.assign(role);
    expect(await read()).toEqual({ status: 200, n: 1 });
    await expect(
      app()(
        async (client) =>
          (await client.database("appdb").container("items").items.query("SELECT * FROM c").fetchAll()).resources,
      ),
    ).rejects.toMatchObject({ code: 403, substatus: 5301, message: expect.stringContaining("/executeQuery]") });
    await undo();
  });
});

describe("account keys", () => {
  it("open the data plane; read-only ones for reading", async () => {
    const create = (key: string) =>
      withKey(key)(
        async (client) => (await client.databases.create({ id: `by-key-${crypto.randomUUID()}` })).statusCode,
      );
    expect(await create(world.keys.primaryMasterKey)).toBe(201);
    expect(await create(world.keys.secondaryMasterKey)).toBe(201);
    await expect(create(world.keys.primaryReadonlyMasterKey)).rejects.toMatchObject({ code: 403 });
    const names = await withKey(world.keys.primaryReadonlyMasterKey)(async (client) =>
      (await client.databases.readAll().fetchAll()).resources.map(({ id }) => id),
    );
    expect(names).toContain("appdb");
  });

  it("are refused when wrong", async () => {
    const wrong = Buffer.alloc(64, 7).toString("base64");
    await expect(
      withKey(wrong)(async (client) => (await client.getDatabaseAccount()).statusCode),
    ).rejects.toMatchObject({ code: 401, message: expect.stringContaining("The wrong key is being used") });
  });

  it("change with regenerateKey, and end with disableLocalAuth", async () => {
    const account = () => withKey()(async (client) => (await client.getDatabaseAccount()).statusCode);
    expect(await account()).toBe(200);
    const query = "?api-version=2024-11-15";
    const off = (disableLocalAuth: boolean) =>
      world.tenant.arm("PATCH", `${world.accountId}${query}`, { properties: { disableLocalAuth } });
    await off(true);
    await expect(account()).rejects.toMatchObject({
      code: 401,
      substatus: 5202,
      message: expect.stringContaining("Local Authorization is disabled. Use an AAD token to authorize all requests."),
    });
    await off(false);
    expect(await account()).toBe(200);
    await world.tenant.arm("POST", `${world.accountId}/regenerateKey${query}`, { keyKind: "primary" });
    await expect(account()).rejects.toMatchObject({ code: 401 });
  });
});
