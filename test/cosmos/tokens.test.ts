/** Tokens at the data plane: which are taken, which are refused and how. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { forgeries } from "../support/forgeries.ts";
import { type Wire, wireOf } from "../support/wire.ts";
import { contributor, startWorld, type World } from "./world.ts";

let world: World;
let wire: Wire;
const host = "acme.documents.azure.com";
const docs = "/dbs/appdb/colls/items/docs";

beforeAll(async () => {
  world = await startWorld();
  wire = wireOf(world.env);
});
afterAll(async () => {
  expect(world.tenant.failures).toEqual([]);
  await world[Symbol.asyncDispose]();
});

const makeContainer = async (): Promise<void> => {
  await world.put("/sqlDatabases/appdb", { resource: { id: "appdb" } });
  await world.put("/sqlDatabases/appdb/containers/items", {
    resource: { id: "items", partitionKey: { paths: ["/pk"], kind: "Hash" } },
  });
};

const token = async (resource: string): Promise<string> => {
  const { text } = await wire.send({
    host: "127.0.0.1",
    path: `/msi/token?api-version=2019-08-01&resource=${encodeURIComponent(resource)}`,
    headers: { "x-identity-header": world.env["IDENTITY_HEADER"] ?? "" },
  });
  return (JSON.parse(text) as { access_token: string }).access_token;
};

const send = async (bearer: string, path = "/", method = "GET") => {
  const authorization = `type=aad&ver=1.0&sig=${bearer}`;
  const answer = await wire.send({ method, host, path, headers: { authorization, "x-ms-version": "2020-07-15" } });
  const message = answer.status < 400 ? "" : (JSON.parse(answer.text) as { message: string }).message;
  return { status: answer.status, sub: answer.headers["x-ms-substatus"], message };
};

describe("a token", () => {
  it("is taken for the account's own audience and Cosmos DB's, and for no other", async () => {
    const undo = await world.assign(contributor);
    for (const audience of [`https://${host}`, "https://cosmos.azure.com"])
      expect([audience, (await send(await token(audience))).status]).toEqual([audience, 200]);
    const refused = await send(await token("https://management.azure.com"));
    expect(refused).toMatchObject({
      status: 401,
      sub: "5008",
      message: expect.stringContaining(
        "Provided AAD token is intended for [https://management.azure.com]. This database account accepts tokens intended for [https://acme.documents.azure.com, https://acme.sql.cosmos.azure.com, https://acme.sqlx.cosmos.azure.com, https://cosmos.azure.com].",
      ),
    });
    await undo();
  });

  it("is refused when forged, foreign, edited or unsigned", async () => {
    const undo = await world.assign(contributor);
    const good = await token("https://cosmos.azure.com");
    const keys = await wire.send({
      host: "login.microsoftonline.com",
      path: `/${world.tenant.tenantId}/discovery/v2.0/keys`,
    });
    const [key] = (JSON.parse(keys.text) as { keys: Record<string, string>[] }).keys;
    if (key === undefined) throw new Error("No key is published.");
    for (const [name, forged] of forgeries(good, key)) expect([name, (await send(forged)).status]).toEqual([name, 401]);
    expect((await send(good)).status).toBe(200);
    await undo();
  });

  it("without a right hears 403 whether or not a thing exists, and 404 only with it", async () => {
    const bearer = await token("https://cosmos.azure.com");
    await makeContainer();
    for (const path of ["/dbs/appdb", "/dbs/none", docs, "/dbs/appdb/colls/none/docs", `${docs}/1`])
      expect([path, await send(bearer, path)]).toEqual([path, expect.objectContaining({ status: 403, sub: "5301" })]);
    for (const [method, path] of [
      ["POST", "/dbs"],
      ["DELETE", "/dbs/none"],
      ["POST", "/dbs/appdb/colls"],
      ["GET", "/offers"],
      ["GET", "/dbs/appdb/colls/items/sprocs"],
    ] as const)
      expect([path, await send(bearer, path, method)]).toEqual([
        path,
        expect.objectContaining({ status: 403, sub: "5300" }),
      ]);
    const undo = await world.assign(contributor);
    expect((await send(bearer, "/dbs/none")).status).toBe(404);
    expect((await send(bearer, docs)).status).toBe(200);
    await undo();
  });

  it("names what was decided and why, for the record", async () => {
    const bearer = await token("https://cosmos.azure.com");
    world.tenant.decisions.length = 0;
    await send(bearer, docs);
    const decision = world.tenant.decisions.find(({ service }) => service === "cosmos");
    expect(decision?.checks[0]).toMatchObject({
      need: {
        name: "Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers/readChangeFeed",
        scope: `${world.accountId}/dbs/appdb/colls/items`,
      },
      verdict: {
        allowed: false,
        hint: expect.stringContaining("az cosmosdb sql role assignment create --account-name acme"),
      },
    });
  });

  it("is refused once it has expired", async () => {
    const undo = await world.assign(contributor);
    const bearer = await token("https://cosmos.azure.com");
    world.tenant.advance(25 * 3_600_000);
    const refused = await send(bearer);
    expect(refused.status).toBe(401);
    expect(refused.message).toMatch(
      /^Request blocked by Auth acme : Provided AAD token has been expired since \[\d+\/\d+\/\d{4} \d+:\d\d:\d\d [AP]M \(UTC\)\]\. Current server time is \[.*\]\. Please refresh the AAD token\./,
    );
    await undo();
  });
});

describe("an account", () => {
  it("that is deleted and made again is empty, with other keys and without roles", async () => {
    await makeContainer();
    await world.assign(contributor);
    const path = `${world.accountId}?api-version=2024-11-15`;
    expect((await world.tenant.arm("DELETE", path)).status).toBe(202);
    // The tenant refuses Azure hosts that it does not own.
    expect((await wire.send({ host, path: "/" })).status).toBe(403);
    await world.tenant.arm("PUT", path, { location: "eastus", properties: { databaseAccountOfferType: "Standard" } });
    const keys = await world.tenant.arm("POST", `${world.accountId}/listKeys?api-version=2024-11-15`);
    expect(keys.body.primaryMasterKey).not.toBe(world.keys.primaryMasterKey);
    const bearer = await token("https://cosmos.azure.com");
    expect((await send(bearer)).status).toBe(403);
    const left = await world.tenant.arm("GET", `${world.accountId}/sqlDatabases?api-version=2024-11-15`);
    expect(left.body.value).toEqual([]);
  });

  it("takes assignments of principals that exist, at scopes of its own", async () => {
    const assign = (properties: Readonly<Record<string, string>>) =>
      world.tenant.arm("PUT", `${world.accountId}/sqlRoleAssignments/${crypto.randomUUID()}?api-version=2024-11-15`, {
        properties: {
          roleDefinitionId: `${world.accountId}/sqlRoleDefinitions/${contributor}`,
          principalId: world.principalId,
          scope: world.accountId,
          ...properties,
        },
      });
    expect((await assign({})).status).toBe(202);
    expect((await assign({ scope: "/dbs/appdb" })).status).toBe(202);
    expect((await assign({ principalId: crypto.randomUUID() })).status).toBe(400);
    expect((await assign({ scope: `${world.accountId}2/dbs/appdb` })).status).toBe(400);
    expect((await assign({ scope: "/subscriptions/x" })).status).toBe(400);
    expect((await assign({ roleDefinitionId: "nothing" })).status).toBe(400);
  });
});
