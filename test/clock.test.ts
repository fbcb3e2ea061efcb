/** The tenant clock moves what depends on time together: tokens as they are issued, checked and cached. */
import { decodeJwt } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startTestTenant, type TestTenant } from "./support/tenant.ts";

let test: TestTenant;
let scope: string;
beforeAll(async () => {
  test = await startTestTenant();
  scope = `/subscriptions/${test.tenant.info.subscriptionId}`;
});
afterAll(() => test[Symbol.asyncDispose]());

const day = 86_400_000;

describe("the tenant's clock", () => {
  it("ends tokens that were issued before it was advanced, and dates new ones", async () => {
    const before = await test.developerToken();
    expect((await test.arm("GET", scope, undefined, before)).status).toBe(200);
    await test.tenant.clock.change({ kind: "advance", by: 2 * day });
    const refused = await test.arm("GET", scope, undefined, before);
    expect([refused.status, refused.body.error.code]).toEqual([401, "ExpiredAuthenticationToken"]);
    const after = await test.developerToken();
    expect((await test.arm("GET", scope, undefined, after)).status).toBe(200);
    expect(Number(decodeJwt(after).exp) * 1000).toBeGreaterThan(Date.now() + 2 * day);
  });

  it("makes a token of the future wait when it is set back", async () => {
    const future = await test.developerToken();
    await test.tenant.clock.change({ kind: "reset" });
    expect((await test.arm("GET", scope, undefined, future)).status).toBe(401);
  });

  it("lets nothing expire while it is frozen, and dates resources by itself", async () => {
    await test.tenant.clock.change({ kind: "freeze" });
    await test.tenant.clock.change({ kind: "set", to: Date.UTC(2031, 4, 5, 6, 7, 8) });
    const group = `${scope}/resourceGroups/dated`;
    await test.arm("PUT", group, { location: "eastus" });
    const id = `${group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/dated`;
    const made = await test.arm("PUT", id, { location: "eastus" });
    expect(made.body.systemData.createdAt).toMatch(/^2031-05-05T06:07:08/);
    await test.tenant.clock.change({ kind: "reset" });
  });

  it("rotates a key whose policy says so", async () => {
    const group = `${scope}/resourceGroups/rotated`;
    await test.arm("PUT", group, { location: "eastus" });
    const oid = test.tenant.info.developerServicePrincipalId;
    const { tenantId } = test.tenant.info;
    const vault = await test.arm("PUT", `${group}/providers/Microsoft.KeyVault/vaults/rotates`, {
      location: "eastus",
      properties: {
        tenantId,
        sku: { family: "A", name: "standard" },
        accessPolicies: [{ tenantId, objectId: oid, permissions: { keys: ["all"] } }],
      },
    });
    expect(vault.status).toBe(200);
    const keys = async (method: "GET" | "PUT" | "POST", path: string, json?: unknown) =>
      (
        await test.send({
          method,
          host: "rotates.vault.azure.net",
          path: `/keys/k${path}?api-version=7.4`,
          token: await test.developerToken("https://vault.azure.net"),
          ...(json === undefined ? {} : { json }),
        })
      ).body;
    const { kid } = (await keys("POST", "/create", { kty: "EC" })).key;
    await keys("PUT", "/rotationpolicy", {
      lifetimeActions: [{ trigger: { timeAfterCreate: "P30D" }, action: { type: "Rotate" } }],
    });
    expect((await keys("GET", "")).key.kid).toBe(kid);
    await test.tenant.clock.change({ kind: "advance", by: 31 * day });
    expect((await keys("GET", "")).key.kid).not.toBe(kid);
    await test.tenant.clock.change({ kind: "reset" });
  });

  it("ends leases of blobs and the retention of deleted secrets", async () => {
    const group = `${scope}/resourceGroups/timed`;
    await test.arm("PUT", group, { location: "eastus" });
    const developer = test.tenant.info.developerServicePrincipalId;
    const grant = async (role: string) => {
      const assignment = `${group}/providers/Microsoft.Authorization/roleAssignments/${crypto.randomUUID()}`;
      const roleDefinitionId = `${scope}/providers/Microsoft.Authorization/roleDefinitions/${role}`;
      const properties = { roleDefinitionId, principalId: developer, principalType: "ServicePrincipal" };
      expect((await test.arm("PUT", assignment, { properties })).status).toBe(201);
    };
    // Storage Blob Data Owner and Key Vault Secrets Officer.
    await grant("b7e6dc6d-f1e8-4753-8033-0f276bb0955b");
    await grant("b86a8fe4-44ce-4948-aee5-eccb2c155cd7");
    const account = `${group}/providers/Microsoft.Storage/storageAccounts/timedblobs`;
    await test.arm("PUT", account, { location: "eastus", kind: "StorageV2", sku: { name: "Standard_LRS" } });
    await test.arm("PUT", `${account}/blobServices/default/containers/photos`, {});
    const vault = `${group}/providers/Microsoft.KeyVault/vaults/timed-vault`;
    const properties = {
      tenantId: test.tenant.info.tenantId,
      sku: { family: "A", name: "standard" },
      enableRbacAuthorization: true,
      softDeleteRetentionInDays: 7,
    };
    await test.arm("PUT", vault, { location: "eastus", properties });

    const blob = async (path: string, headers: Record<string, string>) =>
      test.send({
        method: "PUT",
        host: "timedblobs.blob.core.windows.net",
        path,
        token: await test.developerToken("https://storage.azure.com"),
        headers: { "x-ms-version": "2023-11-03", "x-ms-date": new Date().toUTCString(), ...headers },
      });
    const put = () => blob("/photos/b", { "x-ms-blob-type": "BlockBlob", "content-length": "0" });
    expect((await put()).status).toBe(201);
    const lease = { "x-ms-lease-action": "acquire", "x-ms-lease-duration": "60" };
    expect((await blob("/photos/b?comp=lease", lease)).status).toBe(201);
    expect((await put()).status).toBe(412);

    const secret = async (method: "PUT" | "GET" | "DELETE", path: string, json?: unknown) =>
      test.send({
        method,
        host: "timed-vault.vault.azure.net",
        path: `${path}?api-version=7.5`,
        token: await test.developerToken("https://vault.azure.net"),
        ...(json === undefined ? {} : { json }),
      });
    expect((await secret("PUT", "/secrets/s", { value: "v" })).status).toBe(200);
    expect((await secret("DELETE", "/secrets/s")).status).toBe(200);
    expect((await secret("GET", "/deletedsecrets/s")).status).toBe(200);

    await test.tenant.clock.change({ kind: "advance", by: 2 * 60_000 });
    expect((await put()).status).toBe(201);
    expect((await secret("GET", "/deletedsecrets/s")).status).toBe(200);
    await test.tenant.clock.change({ kind: "advance", by: 8 * day });
    expect((await secret("GET", "/deletedsecrets/s")).status).toBe(404);
    await test.tenant.clock.change({ kind: "reset" });
  });
});
