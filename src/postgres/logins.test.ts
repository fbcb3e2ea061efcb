import { spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestTenant, mint, tenantId, type TestTenant } from "./tenant.test-support.ts";

const adminOid = randomUUID();
const appOid = randomUUID();
const admin = "dev@contoso.com";
const login = { administratorLogin: "pgadmin", administratorLoginPassword: "P@ssw0rd-1" };
const both = { activeDirectoryAuth: "Enabled", passwordAuth: "Enabled" } as const;

/** Without one there is no `SECURITY LABEL` (label-provider.ts). */
const compiler = spawnSync("cc", ["--version"]).status === 0;

let tenant: TestTenant;

beforeAll(async () => {
  tenant = await createTestTenant();
  await tenant.engine.createServer("pg1", { version: "17", authConfig: both, ...login });
  await tenant.engine.putAdministrator("pg1", { principalName: admin, objectId: adminOid, type: "user" });
  await tenant.engine.createDatabase("pg1", "restaurant");
}, 120_000);

afterAll(async () => tenant.dispose());

const asAdmin = async (database = "postgres", server = "pg1") =>
  tenant.connect({ server, user: admin, password: await mint({ oid: adminOid, type: "user" }), database });

const lastDecision = () => tenant.decisions.at(-1);

/** Code and message of the refusal of a login. */
const refusal = async (attempt: Promise<unknown>) => {
  const error: unknown = await attempt.then(
    () => new Error("The login was accepted."),
    (reason: unknown) => reason,
  );
  if (!(error instanceof Error)) throw new Error(String(error));
  return { code: "code" in error ? error.code : undefined, message: error.message };
};

describe("an Entra administrator", () => {
  it("logs in with a token over TLS and may create databases and roles", async () => {
    const client = await asAdmin();
    const { rows } = await client.query("SELECT current_user, pg_has_role('azure_pg_admin', 'USAGE') AS admin");
    expect(rows).toEqual([{ current_user: admin, admin: true }]);
    await client.query("CREATE DATABASE made_by_sql");
    expect((await tenant.engine.listDatabases("pg1")).map(({ name }) => name)).toContain("made_by_sql");
    expect(lastDecision()).toEqual({
      server: "pg1",
      database: "postgres",
      user: admin,
      oid: adminOid,
      allowed: true,
      reason: "authenticated",
    });
  });

  it("grants on schema public of a database that the server's administrator created", async () => {
    const owner = await tenant.connect({ server: "pg1", user: "pgadmin", password: "P@ssw0rd-1" });
    await owner.query("CREATE DATABASE by_password");
    const client = await asAdmin("by_password");
    await client.query("CREATE ROLE reviews");
    await client.query("GRANT CREATE ON SCHEMA public TO reviews");
    const { rows } = await client.query(
      "SELECT nspowner::regrole::text AS owner, has_schema_privilege('reviews', oid, 'CREATE') AS may FROM pg_namespace WHERE nspname = 'public'",
    );
    expect(rows).toEqual([{ owner: "azure_pg_admin", may: true }]);
  });

  it("creates the role of a managed identity, which then logs in with its own token", async () => {
    const client = await asAdmin();
    const created = await client.query(
      "select * from pgaadauth_create_principal_with_oid('aad_app', $1, 'service', false, false)",
      [appOid],
    );
    expect(created.rows[0]).toEqual({ pgaadauth_create_principal_with_oid: 'Created role for "aad_app"' });
    await client.query('GRANT ALL PRIVILEGES ON DATABASE "restaurant" TO "aad_app"');
    const inRestaurant = await asAdmin("restaurant");
    await inRestaurant.query('GRANT CREATE ON SCHEMA public TO "aad_app"');
    const app = await tenant.connect({
      server: "pg1",
      user: "aad_app",
      password: await mint({ oid: appOid }),
      database: "restaurant",
    });
    await app.query("CREATE TABLE review (id int)");
    expect((await app.query("SELECT session_user")).rows).toEqual([{ session_user: "aad_app" }]);
    await expect(app.query("SELECT * FROM pg_authid")).rejects.toThrow("permission denied");
    const listed = await client.query("SELECT * FROM pgaadauth_list_principals(false) WHERE rolname = 'aad_app'");
    expect(listed.rows).toEqual([
      { rolname: "aad_app", principaltype: "service", objectid: appOid, tenantid: tenantId, ismfa: 0, isadmin: 0 },
    ]);
  });

  it("finds principals by name in the tenant's directory, as it is now", async () => {
    const objectId = randomUUID();
    const client = await asAdmin();
    await expect(client.query("SELECT pgaadauth_create_principal('Late Comers', false, false)")).rejects.toThrow(
      "its name is not found in the tenant",
    );
    tenant.directory = { tenantId, principals: [{ name: "Late Comers", objectId, type: "group" }] };
    const again = await asAdmin();
    await again.query("SELECT pgaadauth_create_principal('Late Comers', false, false)");
    const member = await mint({ oid: randomUUID(), type: "user", groups: [objectId] });
    const stranger = await mint({ oid: randomUUID(), type: "user" });
    await tenant.connect({ server: "pg1", user: "Late Comers", password: member });
    expect(await refusal(tenant.connect({ server: "pg1", user: "Late Comers", password: stranger }))).toEqual({
      code: "28000",
      message: `Azure AD access token not valid for role Late Comers (does not contain group ID ${objectId})`,
    });
  });

  it("drops and rebinds roles that a function created", async () => {
    const client = await asAdmin();
    const create = "SELECT pgaadauth_create_principal_with_oid($1, $2, 'service', false, false)";
    const [first, second] = [randomUUID(), randomUUID()];
    await client.query(create, ["aad_temp", first]);
    await client.query("SELECT pgaadauth_update_principal_with_oid('aad_temp', $1, 'service', false, false)", [second]);
    await tenant.connect({ server: "pg1", user: "aad_temp", password: await mint({ oid: second }) });
    await refusal(tenant.connect({ server: "pg1", user: "aad_temp", password: await mint({ oid: first }) }));
    await client.query("DROP ROLE aad_temp");
    await client.query(create, ["aad_temp", first]);
    await client.query("SELECT pgaadauth_drop_principal_if_exists('aad_temp')");
    expect((await client.query("SELECT 1 FROM pg_roles WHERE rolname = 'aad_temp'")).rowCount).toBe(0);
  });

  it("cannot turn the product's superuser into an Entra role", async () => {
    const client = await asAdmin();
    const update = "SELECT pgaadauth_update_principal_with_oid($1, $2, 'user', false, false)";
    await expect(client.query(update, ["azuresu", adminOid])).rejects.toThrow("cannot be a Microsoft Entra role");
    await expect(client.query("ALTER ROLE azuresu PASSWORD 'x'")).rejects.toThrow("permission denied");
  });

  it("loses administration when ARM takes it away", async () => {
    const objectId = randomUUID();
    await tenant.engine.putAdministrator("pg1", { principalName: "ops@contoso.com", objectId, type: "user" });
    const client = await tenant.connect({
      server: "pg1",
      user: "ops@contoso.com",
      password: await mint({ oid: objectId, type: "user" }),
    });
    await client.query("CREATE TABLE owned_by_ops (id int)");
    expect(await tenant.engine.deleteAdministrator("pg1", objectId)).toBe(true);
    expect(await tenant.engine.deleteAdministrator("pg1", objectId)).toBe(false);
    await expect(client.query("SELECT 1")).rejects.toThrow();
    const again = await refusal(
      tenant.connect({ server: "pg1", user: "ops@contoso.com", password: await mint({ oid: objectId, type: "user" }) }),
    );
    expect(again.message).toBe('role "ops@contoso.com" is not permitted to log in');
  });
});

describe("a token is refused", () => {
  const attempt = async (wanted: Parameters<typeof mint>[0], user = admin) =>
    refusal(tenant.connect({ server: "pg1", user, password: await mint(wanted) }));

  it("when it was made for another service", async () => {
    expect(await attempt({ oid: adminOid, type: "user", audience: "https://vault.azure.net" })).toEqual({
      code: "28000",
      message:
        'The access token does not have a valid audience claim. Please acquire a new token for the resource "https://ossrdbms-aad.database.windows.net".',
    });
    expect(lastDecision()).toMatchObject({ allowed: false, reason: "token: audience", user: admin });
  });

  it("when it has expired", async () => {
    const { message } = await attempt({ oid: adminOid, type: "user", lifetime: -1 });
    expect(message).toBe("The access token has expired. Please acquire a new token and retry.");
  });

  it("when another key signed it", async () => {
    const { message } = await attempt({ oid: adminOid, type: "user", forged: true });
    expect(message).toBe("An error occurred while validating the access token. Please acquire a new token and retry");
    expect(lastDecision()).toMatchObject({ allowed: false, reason: "token: signature" });
  });

  it("when its claims were edited, its signature removed, or it is no token at all", async () => {
    const [header, payload, signature] = (await mint({ oid: randomUUID(), type: "user" })).split(".");
    const claims: unknown = JSON.parse(Buffer.from(payload ?? "", "base64url").toString());
    const edited = Buffer.from(JSON.stringify({ ...Object(claims), oid: adminOid })).toString("base64url");
    const none = Buffer.from(JSON.stringify({ alg: "none", typ: "JWT" })).toString("base64url");
    for (const password of [`${header}.${edited}.${signature}`, `${none}.${edited}.`, "P@ssw0rd-1", " "]) {
      const { message } = await refusal(tenant.connect({ server: "pg1", user: admin, password }));
      expect(message).toBe("An error occurred while validating the access token. Please acquire a new token and retry");
    }
  });

  it("when it belongs to another principal, whatever that one is called", async () => {
    expect(await attempt({ oid: randomUUID() }, "aad_app")).toEqual({
      code: "28000",
      message: 'Service principals cannot generate AAD_AUTH_TOKENTYPE_APP_USER tokens for role "aad_app"',
    });
    expect(await attempt({ oid: adminOid, type: "service" })).toMatchObject({ code: "28000" });
    expect(lastDecision()).toMatchObject({ allowed: false, oid: adminOid });
  });

  it("as the password of a role that has a password", async () => {
    const { code } = await attempt({ oid: adminOid, type: "user" }, "pgadmin");
    expect(code).toBe("28P01");
  });
});

describe("the password administrator", () => {
  it("logs in by SCRAM, with the server's name after the user name too", async () => {
    for (const user of ["pgadmin", "pgadmin@pg1", "pgadmin@pg1.postgres.database.azure.com"]) {
      const client = await tenant.connect({ server: "pg1", user, password: "P@ssw0rd-1" });
      expect((await client.query("SELECT current_user")).rows).toEqual([{ current_user: "pgadmin" }]);
    }
  });

  it("is refused with a wrong password, like an unknown role and the product's superuser", async () => {
    for (const user of ["pgadmin", "nobody_here", "azuresu"]) {
      expect(await refusal(tenant.connect({ server: "pg1", user, password: "wrong" }))).toEqual({
        code: "28P01",
        message: `password authentication failed for user "${user}"`,
      });
    }
  });

  it("manages roles but no Entra roles", async () => {
    const client = await tenant.connect({ server: "pg1", user: "pgadmin", password: "P@ssw0rd-1" });
    await client.query("CREATE ROLE plain LOGIN PASSWORD 'plain-1'; GRANT azure_pg_admin TO plain");
    const create = "SELECT pgaadauth_create_principal_with_oid('x', $1, 'service', true, false)";
    await expect(client.query(create, [randomUUID()])).rejects.toThrow(
      "permission denied to manage Microsoft Entra roles",
    );
    await expect(client.query("SELECT lanyard_apply_principal('plain', 'x', 'user', true, false)")).rejects.toThrow(
      "permission denied",
    );
    await expect(client.query("DROP ROLE aad_app")).rejects.toThrow("permission denied");
    await expect(client.query("GRANT lanyard_entra_admins TO plain")).rejects.toThrow("permission denied");
    await expect(client.query("COPY (SELECT 1) TO PROGRAM 'true'")).rejects.toThrow("permission denied");
    await expect(client.query("SELECT pg_read_file('pg_hba.conf')")).rejects.toThrow("permission denied");
  });

  it("gets a new password from ARM", async () => {
    await tenant.engine.setPassword("pg1", "pgadmin", "P@ssw0rd-2");
    await refusal(tenant.connect({ server: "pg1", user: "pgadmin", password: "P@ssw0rd-1" }));
    await tenant.connect({ server: "pg1", user: "pgadmin", password: "P@ssw0rd-2" });
    await tenant.engine.setPassword("pg1", "pgadmin", "P@ssw0rd-1");
  });

  it("is refused when the server takes Entra tokens only, and the other way round", async () => {
    tenant.engine.updateAuthConfig("pg1", { activeDirectoryAuth: "Enabled", passwordAuth: "Disabled" });
    expect((await refusal(tenant.connect({ server: "pg1", user: "pgadmin", password: "P@ssw0rd-1" }))).code).toBe(
      "28P01",
    );
    await asAdmin();
    tenant.engine.updateAuthConfig("pg1", { activeDirectoryAuth: "Disabled", passwordAuth: "Enabled" });
    expect((await refusal(asAdmin())).code).toBe("28P01");
    expect(lastDecision()?.reason).toContain("activeDirectoryAuth");
    tenant.engine.updateAuthConfig("pg1", both);
  });
});

describe("a role with a label", () => {
  it("still needs its token after it changed its own password", async () => {
    const app = await tenant.connect({ server: "pg1", user: "aad_app", password: await mint({ oid: appOid }) });
    await app.query("ALTER ROLE aad_app PASSWORD 'own-password'");
    await refusal(tenant.connect({ server: "pg1", user: "aad_app", password: "own-password" }));
    await tenant.connect({ server: "pg1", user: "aad_app", password: await mint({ oid: appOid }) });
  });

  it.runIf(compiler)("is made by SECURITY LABEL too, by Entra administrators only", async () => {
    const objectId = randomUUID();
    const client = await asAdmin();
    await client.query(`DO $$ BEGIN CREATE ROLE labelled LOGIN;
      EXECUTE format('SECURITY LABEL FOR "pgaadauth" ON ROLE labelled IS %L', 'aadauth,oid=${objectId},type=service'); END $$`);
    await tenant.connect({ server: "pg1", user: "labelled", password: await mint({ oid: objectId }) });
    await expect(client.query(`SECURITY LABEL FOR "pgaadauth" ON ROLE labelled IS 'nonsense'`)).rejects.toThrow(
      "invalid security label",
    );
    const password = await tenant.connect({ server: "pg1", user: "pgadmin", password: "P@ssw0rd-1" });
    await password.query("CREATE ROLE mine LOGIN");
    await expect(
      password.query(`SECURITY LABEL FOR "pgaadauth" ON ROLE mine IS 'aadauth,oid=${objectId},type=service,admin'`),
    ).rejects.toThrow("permission denied to manage Microsoft Entra roles");
  });

  it.runIf(compiler)("administers Entra roles for as long as its label says so", async () => {
    const objectId = randomUUID();
    const client = await asAdmin();
    await client.query("CREATE ROLE deputy LOGIN CREATEROLE");
    const label = (text: string) =>
      client.query(`SECURITY LABEL FOR "pgaadauth" ON ROLE deputy IS 'aadauth,oid=${objectId},type=service${text}'`);
    const create = async () => {
      const deputy = await tenant.connect({ server: "pg1", user: "deputy", password: await mint({ oid: objectId }) });
      await deputy.query("SELECT pgaadauth_create_principal_with_oid($1, $2, 'service', false, false)", [
        `by_deputy_${randomUUID()}`,
        randomUUID(),
      ]);
    };
    await label("");
    await expect(create()).rejects.toThrow("permission denied to manage Microsoft Entra roles");
    await label(",admin");
    await create();
    await label("");
    await expect(create()).rejects.toThrow("permission denied to manage Microsoft Entra roles");
  });

  it("that asks for multi-factor authentication wants its claim", async () => {
    const objectId = randomUUID();
    const client = await asAdmin();
    await client.query("SELECT pgaadauth_create_principal_with_oid('careful', $1, 'user', false, true)", [objectId]);
    const login = async (amr: readonly string[]) =>
      tenant.connect({
        server: "pg1",
        user: "careful",
        password: await mint({ oid: objectId, type: "user", claims: { amr } }),
      });
    expect((await refusal(login(["pwd"]))).message).toContain("mfa claim");
    await login(["pwd", "mfa"]);
  });
});
