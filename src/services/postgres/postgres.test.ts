import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PostgreSQLManagementFlexibleServerClient } from "@azure/arm-postgresql-flexible";
import { Client } from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Method } from "../../kernel/message.ts";
import { mint } from "../../postgres/tenant.test-support.ts";
import { openMemoryStore } from "../../store/memory.ts";
import { recoverServers } from "./flexible-servers.ts";
import { startPostgresArm, type TestArm } from "./postgres.test-support.ts";

const folder = mkdtempSync(join(tmpdir(), "lanyard-arm-pg-"));
const store = openMemoryStore();
let arm: TestArm;
let group: string;
let server: string;

beforeAll(async () => {
  arm = await startPostgresArm(folder, store);
  group = `/subscriptions/${arm.info.subscriptionId}/resourceGroups/rg1`;
  server = `${group}/providers/Microsoft.DBforPostgreSQL/flexibleServers/pg1`;
  await arm.send("PUT", group, { location: "eastus" });
}, 60_000);

afterAll(async () => {
  await arm.engine.close();
  rmSync(folder, { recursive: true, force: true });
});

const login = async (user: string, password: string, database = "postgres", name = "pg1"): Promise<Client> => {
  const ssl = { ca: arm.authority.ca, servername: `${name}.postgres.database.azure.com` };
  const client = new Client({ host: "127.0.0.1", port: arm.engine.port(name), user, password, database, ssl });
  client.on("error", () => {});
  await client.connect();
  return client;
};

const asked = {
  location: "eastus",
  sku: { name: "Standard_D2ds_v4", tier: "GeneralPurpose" },
  properties: {
    administratorLogin: "pgadmin",
    administratorLoginPassword: "Pa55-word",
    version: "13",
    storage: { storageSizeGB: 128 },
    authConfig: { activeDirectoryAuth: "Disabled", passwordAuth: "Enabled", tenantId: "" },
    network: { delegatedSubnetResourceId: "", privateDnsZoneArmResourceId: "" },
    createMode: "Create",
  },
};

describe("a flexible server", () => {
  it("is created with what az sends, and shows what az reads, never the password", async () => {
    const created = await arm.send("PUT", server, asked);
    expect(created.status).toBe(202);
    const { body } = await arm.send("GET", server);
    expect(body).toMatchObject({
      name: "pg1",
      sku: asked.sku,
      properties: {
        provisioningState: "Succeeded",
        fullyQualifiedDomainName: "pg1.postgres.database.azure.com",
        state: "Ready",
        replicationRole: "Primary",
        version: "13",
        administratorLogin: "pgadmin",
        storage: { storageSizeGB: 128 },
        network: { publicNetworkAccess: "Enabled" },
      },
    });
    expect(JSON.stringify([created.body, body])).not.toContain("Pa55");
    expect((await arm.context.resources.get(server))?.secrets).toEqual({});
    await (await login("pgadmin", "Pa55-word")).end();
  });

  it("is refused without a password, with a weak one, or with a name that is taken", async () => {
    const other = server.replace("pg1", "pg9");
    const put = async (properties: object, id = other) =>
      arm.send("PUT", id, { ...asked, properties: { ...asked.properties, ...properties } });
    expect(await put({ administratorLoginPassword: undefined })).toMatchObject({
      status: 400,
      body: { error: { code: "MissingRequiredParameter" } },
    });
    expect((await put({ administratorLoginPassword: "password" })).body.error.code).toBe("InvalidParameterValue");
    expect((await put({ administratorLogin: "azure_superuser" })).body.error.message).toContain("reserved");
    expect((await put({ version: "9" })).status).toBe(400);
    expect((await put({}, other.replace("pg9", "Bad_Name"))).body.error.code).toBe("InvalidResourceName");
    const elsewhere = server.replace("/rg1/", "/rg2/");
    await arm.send("PUT", group.replace("rg1", "rg2"), { location: "eastus" });
    expect((await put({}, elsewhere)).body.error.code).toBe("ServerNameAlreadyExists");
    expect((await arm.send("GET", other)).status).toBe(404);
    const available = `/subscriptions/${arm.info.subscriptionId}/providers/Microsoft.DBforPostgreSQL/locations/eastus/checkNameAvailability`;
    expect((await arm.send("POST", available, { name: "pg1" })).body).toMatchObject({
      nameAvailable: false,
      reason: "AlreadyExists",
    });
    expect((await arm.send("POST", available, { name: "pg9" })).body).toMatchObject({ nameAvailable: true });
  });

  it("takes an Entra administrator, of the type the directory knows, once Entra authentication is on", async () => {
    const objectId = randomUUID();
    await arm.context.directory.put({
      kind: "ServicePrincipal",
      objectId,
      appId: randomUUID(),
      displayName: "dev",
      servicePrincipalType: "Application",
    });
    await arm.send("PATCH", server, {
      properties: { authConfig: { activeDirectoryAuth: "Enabled", passwordAuth: "Enabled", tenantId: "" } },
    });
    const administrator = `${server}/administrators/${objectId}`;
    const put = await arm.send("PUT", administrator, {
      properties: { principalType: "User", principalName: "dev", tenantId: arm.info.tenantId },
    });
    expect(put).toMatchObject({
      status: 202,
      body: { properties: { objectId, principalType: "ServicePrincipal", principalName: "dev" } },
    });
    const client = await login("dev", await mint({ oid: objectId }));
    await client.query("CREATE DATABASE by_sql");
    await client.end();
    expect((await arm.send("GET", `${server}/administrators`)).body.value).toHaveLength(1);
    expect((await arm.send("DELETE", administrator)).status).toBe(202);
    await expect(login("dev", await mint({ oid: objectId }))).rejects.toThrow();
  });

  it("has databases, those made by SQL too", async () => {
    const database = `${server}/databases/restaurant`;
    const put = await arm.send("PUT", database, { properties: { charset: "utf8", collation: "en_US.utf8" } });
    expect(put).toMatchObject({
      status: 202,
      body: { name: "restaurant", properties: { charset: "UTF8", collation: "en_US.utf8" } },
    });
    expect((await arm.send("PUT", database, {})).status).toBe(202);
    const names = (await arm.send("GET", `${server}/databases`)).body.value.map((each: { name: string }) => each.name);
    expect(names).toEqual(["by_sql", "postgres", "restaurant"]);
    expect((await arm.send("DELETE", `${server}/databases/by_sql`)).status).toBe(202);
    expect((await arm.send("DELETE", `${server}/databases/by_sql`)).status).toBe(204);
    expect((await arm.send("GET", `${server}/databases/by_sql`)).status).toBe(404);
    expect((await arm.send("DELETE", `${server}/databases/postgres`)).status).toBe(400);
    expect((await arm.send("GET", `${server.replace("pg1", "nope")}/databases/x`)).status).toBe(404);
  });

  it("has firewall rules and configurations", async () => {
    const rule = `${server}/firewallRules/office`;
    expect(
      (await arm.send("PUT", rule, { properties: { startIpAddress: "10.0.0.1", endIpAddress: "10.0.0.9" } })).status,
    ).toBe(202);
    expect(
      (await arm.send("PUT", rule, { properties: { startIpAddress: "10.0.0.9", endIpAddress: "10.0.0.1" } })).status,
    ).toBe(400);
    expect((await arm.send("GET", rule)).body.properties).toMatchObject({ startIpAddress: "10.0.0.1" });
    const memory = `${server}/configurations/work_mem`;
    const set = await arm.send("PUT", memory, { properties: { value: "8192", source: "user-override" } });
    expect(set).toMatchObject({
      status: 202,
      body: { name: "work_mem", properties: { dataType: "Integer", unit: "kB" } },
    });
    const client = await login("pgadmin", "Pa55-word");
    expect((await client.query("SHOW work_mem")).rows).toEqual([{ work_mem: "8MB" }]);
    await client.end();
    expect(
      (await arm.send("PUT", `${server}/configurations/archive_command`, { properties: { value: "true" } })).status,
    ).toBe(400);
    expect((await arm.send("GET", `${server}/configurations/nonsense`)).status).toBe(404);
  });

  it("changes its password, stops, starts, and survives a restart of the tenant", async () => {
    await arm.send("PATCH", server, { properties: { administratorLoginPassword: "An0ther-one" } });
    await (await login("pgadmin", "An0ther-one")).end();
    expect((await arm.send("POST", `${server}/stop`)).status).toBe(202);
    expect((await arm.send("GET", server)).body.properties.state).toBe("Stopped");
    await expect(login("pgadmin", "An0ther-one")).rejects.toThrow("stopped");
    expect((await arm.send("GET", `${server}/databases`)).status).toBe(409);
    await arm.engine.close();
    arm = await startPostgresArm(folder, store);
    await recoverServers({ arm: arm.context, engine: arm.engine }, (error) => arm.errors.push(error));
    await expect(login("pgadmin", "An0ther-one")).rejects.toThrow("stopped");
    await arm.send("POST", `${server}/start`);
    const client = await login("pgadmin", "An0ther-one", "restaurant");
    await client.end();
    expect(arm.errors).toEqual([]);
  });

  it("is created at the next start when its creation was interrupted, and marked Failed when its data is lost", async () => {
    const record = await arm.context.resources.get(server);
    if (record === undefined) throw new Error("The server has no record.");
    const [half, lost] = [server.replace("pg1", "half"), server.replace("pg1", "lost")];
    const secrets = { pending: true, administratorLoginPassword: "Half-way-1" };
    await arm.context.resources.put({ ...record, id: half, name: "half", secrets });
    await arm.context.resources.put({ ...record, id: lost, name: "lost", secrets: {} });
    await recoverServers({ arm: arm.context, engine: arm.engine }, (error) => arm.errors.push(error));
    await (await login("pgadmin", "Half-way-1", "postgres", "half")).end();
    expect((await arm.send("GET", lost)).body.properties.provisioningState).toBe("Failed");
    expect(String(arm.errors.pop())).toContain("missing");
    await arm.send("DELETE", half);
    await arm.send("DELETE", lost);
  });
});

describe("Microsoft's management client", () => {
  it("does what the sample's deployment does, and deletes with the group", async () => {
    const credential = { getToken: () => Promise.resolve({ token: "t", expiresOnTimestamp: Date.now() + 3_600_000 }) };
    type ClientOptions = NonNullable<ConstructorParameters<typeof PostgreSQLManagementFlexibleServerClient>[1]>;
    type HttpClient = NonNullable<ClientOptions["httpClient"]>;
    const httpClient: HttpClient = {
      sendRequest: async (request) => {
        const url = new URL(request.url);
        const json: unknown = typeof request.body === "string" ? JSON.parse(request.body) : undefined;
        const answer = await arm.send(request.method as Method, url.pathname + url.search, json);
        return {
          request,
          headers: request.headers,
          status: answer.status,
          bodyAsText: answer.body === undefined ? "" : JSON.stringify(answer.body),
        };
      },
    };
    const client = new PostgreSQLManagementFlexibleServerClient(credential, arm.info.subscriptionId, { httpClient });
    const created = await client.servers.beginCreateOrUpdateAndWait("rg1", "sdk1", {
      location: "eastus",
      version: "17",
      sku: { name: "Standard_B1ms", tier: "Burstable" },
      storage: { storageSizeGB: 32 },
      authConfig: { activeDirectoryAuth: "Enabled", passwordAuth: "Disabled", tenantId: arm.info.tenantId },
    });
    expect(created).toMatchObject({ fullyQualifiedDomainName: "sdk1.postgres.database.azure.com", state: "Ready" });
    await client.databases.beginCreateAndWait("rg1", "sdk1", "restaurant", {
      charset: "UTF8",
      collation: "en_US.utf8",
    });
    await client.firewallRules.beginCreateOrUpdateAndWait("rg1", "sdk1", "all", {
      startIpAddress: "0.0.0.0",
      endIpAddress: "0.0.0.0",
    });
    const objectId = randomUUID();
    const administrator = await client.administratorsMicrosoftEntra.beginCreateOrUpdateAndWait(
      "rg1",
      "sdk1",
      objectId,
      {
        principalType: "User",
        principalName: "dev@contoso.com",
        tenantId: arm.info.tenantId,
      },
    );
    expect(administrator.principalName).toBe("dev@contoso.com");
    const sql = await login("dev@contoso.com", await mint({ oid: objectId, type: "user" }), "restaurant", "sdk1");
    await sql.query("CREATE TABLE t (id int)");
    await sql.end();
    expect((await client.servers.get("rg1", "sdk1")).authConfig).toMatchObject({ passwordAuth: "Disabled" });
    await client.servers.beginDeleteAndWait("rg1", "sdk1");
    expect(arm.engine.has("sdk1")).toBe(false);
    expect((await arm.send("GET", `${server}/databases/restaurant`, undefined, randomUUID())).status).toBe(403);
    await arm.send("DELETE", group);
    for (let tries = 0; arm.engine.has("pg1") && tries < 100; tries += 1)
      await new Promise((done) => void setTimeout(done, 50));
    expect(arm.engine.has("pg1")).toBe(false);
  });
});
