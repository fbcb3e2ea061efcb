/**
 * The gate: nothing of this project is worth anything before this holds. Unmodified SDKs, each in a process of its own, over
 * real sockets and under production host names; rights that come and go; and no token that is not ours gets anywhere.
 */
import { Client } from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startTenant, type TestTenant } from "../src/testing/start-tenant.ts";
import { type SdkProcess, startSdkProcess } from "./gate/sdk-process.ts";
import { forgeries } from "./support/forgeries.ts";
import { type Wire, wireOf } from "./support/wire.ts";

const account = "gatephotos";
const server = "gate-pg";
const reader = "Storage Blob Data Reader";
const contributor = "Storage Blob Data Contributor";

let tenant: TestTenant;
let operator: SdkProcess;
let app: SdkProcess;
let appEnvironment: Record<string, string>;
let wire: Wire;
let group: string;
let accountId: string;
let serverHost: string;
let identity: { id: string; principalId: string; clientId: string };

beforeAll(async () => {
  tenant = await startTenant();
  operator = startSdkProcess(await tenant.environment({ command: "node" }));
  group = await operator.step("createGroup", "gate");
  accountId = await operator.step("createAccount", "gate", account);
  identity = await operator.step("createIdentity", "gate", "photo-app");
  await operator.step("createContainer", "gate", account, "photos");
  serverHost = await operator.step("createServer", "gate", server, tenant.tenantId);
  // Creates a web app, for its deployment host.
  await tenant.environment({ as: "gate-site" });
  appEnvironment = {
    ...(await tenant.environment({ as: "photo-app", command: "node" })),
    AZURE_SUBSCRIPTION_ID: tenant.subscriptionId,
  };
  app = startSdkProcess(appEnvironment);
  wire = wireOf(appEnvironment);
});
afterAll(async () => {
  await app[Symbol.asyncDispose]();
  await operator[Symbol.asyncDispose]();
  await tenant.close();
});

const assign = async (role: string, scope = accountId): Promise<string> =>
  operator.step("assign", scope, await operator.step("roleId", scope, role), identity.principalId);

const mismatch = { status: 403, code: "AuthorizationPermissionMismatch" };

describe("an app without a role", () => {
  it("is refused as Azure refuses it, and the record names the missing action and scope", async () => {
    tenant.decisions.length = 0;
    await expect(app.step("put", account, "photos", "a.txt", "hello")).rejects.toMatchObject(mismatch);
    const decision = tenant.decisions.find((each) => each.service === "blob" && each.status === 403);
    expect(decision).toMatchObject({
      host: `${account}.blob.core.windows.net`,
      path: "/photos/a.txt",
      caller: { kind: "principal", objectId: identity.principalId },
      error: "AuthorizationPermissionMismatch",
    });
    const missing = decision?.checks.find((check) => !check.verdict.allowed);
    expect(missing?.need).toMatchObject({
      kind: "data",
      name: "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write",
      scope: `${accountId}/blobServices/default/containers/photos`,
    });
    expect(missing?.verdict).toMatchObject({ allowed: false, cause: "no-assignment", hint: expect.any(String) });
  });

  it("is refused by Resource Manager, which names action and scope itself", async () => {
    await expect(app.step("createGroup", "other")).rejects.toMatchObject({
      status: 403,
      code: "AuthorizationFailed",
      message: expect.stringMatching(
        /'Microsoft\.Resources\/subscriptions\/resourcegroups\/write' over scope '.*other'/i,
      ),
    });
  });

  it("is not the developer, who may manage the account and yet reads no data without a data role", async () => {
    await expect(operator.step("get", account, "photos", "a.txt")).rejects.toMatchObject(mismatch);
  });
});

describe("an app with a role", () => {
  it("may do what the role says from the next request on, and no more once it is taken away", async () => {
    const writing = await assign(contributor);
    await app.step("put", account, "photos", "b.txt", "kept");
    expect(await app.step("get", account, "photos", "b.txt")).toBe("kept");
    expect(await app.step("names", account, "photos")).toEqual(["b.txt"]);
    const allowed = tenant.decisions.find((each) => each.path === "/photos/b.txt" && each.status === 201);
    expect(allowed?.checks[0]?.verdict).toMatchObject({ allowed: true, via: expect.stringContaining(writing) });

    await operator.step("unassign", writing);
    await expect(app.step("get", account, "photos", "b.txt")).rejects.toMatchObject(mismatch);
    await expect(app.step("put", account, "photos", "b.txt", "changed")).rejects.toMatchObject(mismatch);

    const reading = await assign(reader, `${accountId}/blobServices/default/containers/photos`);
    expect(await app.step("get", account, "photos", "b.txt")).toBe("kept");
    await expect(app.step("put", account, "photos", "b.txt", "changed")).rejects.toMatchObject(mismatch);
    await operator.step("unassign", reading);
    await expect(app.step("get", account, "photos", "b.txt")).rejects.toMatchObject(mismatch);
  });

  it("has it in that scope alone", async () => {
    const elsewhere = await assign(contributor, `${accountId}/blobServices/default/containers/photos-2`);
    const sibling = await assign(contributor, await operator.step("createGroup", "gate-2"));
    await expect(app.step("get", account, "photos", "b.txt")).rejects.toMatchObject(mismatch);
    for (const id of [elsewhere, sibling]) await operator.step("unassign", id);
  });
});

describe("an app and a database", () => {
  it("meet once an administrator is set, and no more when it is gone", async () => {
    tenant.decisions.length = 0;
    await expect(app.step("whoAmI", serverHost, "photo-app")).rejects.toMatchObject({ code: "28P01" });
    expect(tenant.decisions.findLast((each) => each.host === serverHost)).toMatchObject({ status: 401 });
    await operator.step("addAdministrator", "gate", server, identity.principalId, "photo-app");
    expect(await app.step("whoAmI", serverHost, "photo-app")).toBe("photo-app");
    await expect(app.step("whoAmI", serverHost, "postgres")).rejects.toMatchObject({ code: "28P01" });
    await operator.step("removeAdministrator", "gate", server, identity.principalId);
    await expect(app.step("whoAmI", serverHost, "photo-app")).rejects.toMatchObject({ code: "28P01" });
  });
});

describe("tokens", () => {
  const identityToken = async (resource: string): Promise<string> => {
    const answer = await wire.send({
      host: "127.0.0.1",
      path: `/msi/token?api-version=2019-08-01&resource=${encodeURIComponent(resource)}`,
      headers: { "x-identity-header": appEnvironment["IDENTITY_HEADER"] ?? "" },
    });
    return (JSON.parse(answer.text) as { access_token: string }).access_token;
  };
  const publishedKey = async () => {
    const keys = await wire.send({
      host: "login.microsoftonline.com",
      path: `/${tenant.tenantId}/discovery/v2.0/keys`,
    });
    const [key] = (JSON.parse(keys.text) as { keys: Record<string, string>[] }).keys;
    if (key === undefined) throw new Error("No key is published.");
    return key;
  };
  interface Plane {
    readonly name: string;
    readonly audience: string;
    readonly foreignAudience: string;
    /** Answer to a good token: the identity is known, and may be without the right. */
    readonly known: number;
    send(token: string): Promise<number>;
  }
  const http =
    (host: string, path: string, headers = {}) =>
    async (token: string) =>
      (await wire.send({ host, path, headers, token })).status;
  const login = async (token: string): Promise<number> => {
    const { postgres } = JSON.parse(appEnvironment["LANYARD_HOOK"] ?? "{}") as { postgres: { port: number } };
    const ssl = { ca: wire.ca, servername: serverHost };
    const client = new Client({
      ...postgres,
      host: "127.0.0.1",
      user: "photo-app",
      password: token,
      database: "postgres",
      ssl,
    });
    client.on("error", () => undefined);
    try {
      await client.connect();
      return 200;
    } catch (error) {
      return String((error as { code?: string }).code).startsWith("28") ? 401 : 500;
    } finally {
      await client.end().catch(() => undefined);
    }
  };
  const planes = (): readonly Plane[] => [
    {
      name: "Resource Manager",
      audience: "https://management.azure.com",
      foreignAudience: "https://storage.azure.com",
      known: 200,
      send: http("management.azure.com", `${group}?api-version=2021-04-01`),
    },
    {
      name: "Blob",
      audience: "https://storage.azure.com",
      foreignAudience: "https://management.azure.com",
      known: 200,
      send: http(`${account}.blob.core.windows.net`, "/photos/b.txt", { "x-ms-version": "2025-01-05" }),
    },
    {
      name: "Key Vault",
      audience: "https://vault.azure.net",
      foreignAudience: "https://management.azure.com",
      known: 200,
      send: http("gate-vault.vault.azure.net", "/secrets/kept?api-version=7.5"),
    },
    {
      name: "Graph",
      audience: "https://graph.microsoft.com",
      foreignAudience: "https://management.azure.com",
      known: 403,
      send: http("graph.microsoft.com", "/v1.0/users"),
    },
    {
      name: "Kudu",
      audience: "https://management.azure.com",
      foreignAudience: "https://storage.azure.com",
      known: 403,
      send: http("gate-site.scm.azurewebsites.net", "/api/deployments"),
    },
    {
      name: "PostgreSQL",
      audience: "https://ossrdbms-aad.database.windows.net",
      foreignAudience: "https://management.azure.com",
      known: 200,
      send: login,
    },
  ];
  let roles: string[];
  beforeAll(async () => {
    const vault = `${group}/providers/Microsoft.KeyVault/vaults/gate-vault`;
    await tenant.arm("PUT", `${vault}?api-version=2023-07-01`, {
      location: "eastus",
      properties: { tenantId: tenant.tenantId, sku: { family: "A", name: "standard" }, enableRbacAuthorization: true },
    });
    await tenant.arm("PUT", `${vault}/secrets/kept?api-version=2023-07-01`, { properties: { value: "kept" } });
    roles = [await assign(reader), await assign("Reader", group), await assign("Key Vault Secrets User", vault)];
    await operator.step("addAdministrator", "gate", server, identity.principalId, "photo-app");
  });
  afterAll(async () => {
    for (const id of roles) await operator.step("unassign", id);
  });

  it("are refused everywhere when forged, foreign, edited or unsigned", async () => {
    const key = await publishedKey();
    for (const plane of planes()) {
      const good = await identityToken(plane.audience);
      expect([plane.name, await plane.send(good)]).toEqual([plane.name, plane.known]);
      for (const [name, token] of forgeries(good, key))
        expect([plane.name, name, await plane.send(token)]).toEqual([plane.name, name, 401]);
      expect([plane.name, await plane.send(good)]).toEqual([plane.name, plane.known]);
    }
  });

  it("are refused everywhere when made for another audience", async () => {
    for (const plane of planes()) {
      const audiences = [plane.foreignAudience, "https://vault.azure.net", "https://cosmos.azure.com"];
      for (const audience of audiences.filter((each) => each !== plane.audience))
        expect([plane.name, audience, await plane.send(await identityToken(audience))]).toEqual([
          plane.name,
          audience,
          401,
        ]);
    }
  });

  it("are refused everywhere once they have expired", async () => {
    const tokens = await Promise.all(
      planes().map(async (plane) => [plane, await identityToken(plane.audience)] as const),
    );
    tenant.advance(25 * 3600_000);
    for (const [plane, token] of tokens) {
      expect([plane.name, await plane.send(token)]).toEqual([plane.name, 401]);
      expect([plane.name, await plane.send(await identityToken(plane.audience))]).toEqual([plane.name, plane.known]);
    }
    tenant.advance(-25 * 3600_000);
  });
});

it("no failure was Lanyard's own", () => expect(tenant.failures).toEqual([]));
