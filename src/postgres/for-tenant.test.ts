import { randomUUID } from "node:crypto";
import { Client } from "pg";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startTestTenant, type TestTenant } from "../../test/support/tenant.ts";
import type { ServicePrincipal } from "../identity/principals.ts";

let test: TestTenant;
const principal = (displayName: string): ServicePrincipal => ({
  kind: "ServicePrincipal",
  objectId: randomUUID(),
  appId: randomUUID(),
  displayName,
  servicePrincipalType: "ManagedIdentity",
});
const [admin, app, member] = [principal("admin"), principal("app"), principal("member")];
const group = { kind: "Group", objectId: randomUUID(), displayName: "Writers", members: [member.objectId] } as const;

beforeAll(async () => {
  test = await startTestTenant();
  const { directory, postgres } = test.tenant;
  for (const each of [admin, app, member, group]) await directory.put(each);
  await postgres.createServer("pg1", {
    version: "17",
    authConfig: { activeDirectoryAuth: "Enabled", passwordAuth: "Disabled" },
  });
  await postgres.putAdministrator("pg1", { principalName: "admin", objectId: admin.objectId, type: "service" });
}, 60_000);

afterAll(() => test[Symbol.asyncDispose]());

const token = async (who: ServicePrincipal, audience = "https://ossrdbms-aad.database.windows.net"): Promise<string> =>
  (await test.tenant.issuer.issue({ principal: who, audience, proof: "managed-identity" })).token;

const login = async (user: string, password: string): Promise<Client> => {
  const { certificates, postgres } = test.tenant;
  const ssl = { ca: certificates.ca, servername: "pg1.postgres.database.azure.com" };
  const client = new Client({
    host: "127.0.0.1",
    port: postgres.frontDoorPort,
    user,
    password,
    database: "postgres",
    ssl,
  });
  client.on("error", () => {});
  await client.connect();
  return client;
};

it("a tenant's own tokens open its databases, its directory names the roles, and every login is on record", async () => {
  const sql = await login("admin", await token(admin));
  await sql.query("SELECT pgaadauth_create_principal('app', false, false)");
  await sql.query("SELECT pgaadauth_create_principal('Writers', false, false)");
  await sql.end();
  await (await login("app", await token(app, "https://ossrdbms-aad.database.windows.net/"))).end();
  await (await login("Writers", await token(member))).end();
  await expect(login("app", await token(member))).rejects.toThrow("cannot generate");
  await expect(login("app", await token(app, "https://vault.azure.net"))).rejects.toThrow("valid audience claim");
  const logins = () => test.decisions.filter(({ service }) => service === "postgres");
  await expect.poll(() => logins().length).toBe(5);
  expect(
    logins().map(({ caller, status, path }) => [caller?.kind === "principal" ? caller.name : "?", status, path]),
  ).toEqual([
    ["admin", 200, "/postgres"],
    ["app", 200, "/postgres"],
    ["member", 200, "/postgres"],
    ["member", 401, "/postgres"],
    ["?", 401, "/postgres"],
  ]);
  expect(JSON.stringify(logins())).not.toContain("eyJ");
});

it("a token expires by the tenant's clock", async () => {
  const old = await token(app);
  test.advance(25 * 3_600_000);
  await expect(login("app", old)).rejects.toThrow("The access token has expired.");
  await (await login("app", await token(app))).end();
});
