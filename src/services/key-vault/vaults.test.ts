import { KeyVaultManagementClient } from "@azure/arm-keyvault";
import { describe, expect, it, vi } from "vitest";
import { startVaults, withRole } from "./key-vault.test-support.ts";

const day = 86_400_000;

describe("vaults by Microsoft's management client", () => {
  it("are created, read, listed, updated, deleted, recovered and purged", async () => {
    await using vaults = await startVaults();
    const { subscriptionId, tenantId } = vaults.tenant.info;
    const operator = await vaults.principal("operator");
    await vaults.assign("Owner", operator.oid, `/subscriptions/${subscriptionId}`);
    const client = new KeyVaultManagementClient(vaults.credential(operator.oid), subscriptionId, vaults.options);
    const sku = { family: "A", name: "standard" } as const;
    const made = await client.vaults.createOrUpdate("rg", "kv1", {
      location: "eastus",
      properties: { tenantId, sku, accessPolicies: [] },
    });
    expect(made.properties).toMatchObject({
      vaultUri: "https://kv1.vault.azure.net/",
      enableSoftDelete: true,
      softDeleteRetentionInDays: 90,
      provisioningState: "Succeeded",
    });
    const policy = { tenantId, objectId: operator.oid, permissions: { secrets: ["get", "list"] } };
    const parameters = await client.vaults.updateAccessPolicy("rg", "kv1", "add", {
      properties: { accessPolicies: [policy] },
    });
    expect(parameters.properties.accessPolicies).toMatchObject([policy]);
    await client.secrets.createOrUpdate("rg", "kv1", "s", { properties: { value: "from-arm" } });
    const shown = await client.secrets.get("rg", "kv1", "s");
    expect(shown.properties.secretUri).toBe("https://kv1.vault.azure.net/secrets/s");
    expect(JSON.stringify(shown)).not.toContain("from-arm");
    const token = await vaults.token(operator.oid);
    expect((await vaults.call("GET", "/secrets/s", { token })).status).toBe(
      made.properties.enableRbacAuthorization === true ? 403 : 200,
    );
    expect(await client.vaults.checkNameAvailability({ name: "kv1", type: "Microsoft.KeyVault/vaults" })).toMatchObject(
      {
        nameAvailable: false,
        reason: "AlreadyExists",
      },
    );
    await client.vaults.delete("rg", "kv1");
    await expect(client.vaults.get("rg", "kv1")).rejects.toMatchObject({ statusCode: 404 });
    expect((await vaults.call("GET", "/secrets/s", { token })).status).toBe(421);
    const deleted = [];
    for await (const each of client.vaults.listDeleted()) deleted.push(each.name);
    expect(deleted).toEqual(["kv1"]);
    await expect(
      client.vaults.createOrUpdate("rg", "kv1", { location: "eastus", properties: { tenantId, sku } }),
    ).rejects.toMatchObject({ statusCode: 409 });
    const back = await client.vaults.createOrUpdate("rg", "kv1", {
      location: "eastus",
      properties: { tenantId, sku, createMode: "recover" },
    });
    expect(back.properties.accessPolicies).toMatchObject([policy]);
    expect((await client.secrets.get("rg", "kv1", "s")).name).toBe("s");
    await client.vaults.delete("rg", "kv1");
    await client.vaults.purgeDeleted("kv1", "eastus");
    await client.vaults.createOrUpdate("rg", "kv1", { location: "eastus", properties: { tenantId, sku } });
    await expect(client.secrets.get("rg", "kv1", "s")).rejects.toMatchObject({ statusCode: 404 });
    expect(vaults.errors).toEqual([]);
  });
});

describe("vaults", () => {
  it("change their permission model only for who may assign roles", async () => {
    await using vaults = await startVaults();
    vaults.ok(await vaults.createVault("kv1"));
    const { oid } = await vaults.principal("contributor");
    await vaults.assign("Key Vault Contributor", oid, vaults.vaultId("kv1"));
    const token = await vaults.token(oid, "https://management.azure.com");
    const patch = (properties: object) => vaults.arm("PATCH", vaults.vaultId("kv1"), { properties }, token);
    expect((await patch({ enabledForDeployment: true })).status).toBe(200);
    expect(await patch({ enableRbacAuthorization: true })).toMatchObject({
      status: 403,
      body: { error: { code: "AuthorizationFailed" } },
    });
    await vaults.assign("User Access Administrator", oid, vaults.vaultId("kv1"));
    expect((await patch({ enableRbacAuthorization: true })).status).toBe(200);
  });

  it("go by Azure RBAC when they are made by an api-version whose default that is", async () => {
    await using vaults = await startVaults();
    const make = async (name: string, version: string) =>
      vaults.send({
        method: "PUT",
        host: "management.azure.com",
        path: `${vaults.vaultId(name)}?api-version=${version}`,
        token: await vaults.developerToken(),
        json: {
          location: "eastus",
          properties: { tenantId: vaults.tenant.info.tenantId, sku: { family: "A", name: "standard" } },
        },
      });
    expect((await make("older", "2025-05-01")).body.properties.enableRbacAuthorization).toBe(false);
    expect((await make("newer", "2026-02-01")).body.properties.enableRbacAuthorization).toBe(true);
  });

  it("add, replace and remove access policies without touching those of others", async () => {
    await using vaults = await startVaults();
    vaults.ok(await vaults.createVault("kv1"));
    const { tenantId } = vaults.tenant.info;
    const [a, b] = [crypto.randomUUID(), crypto.randomUUID()];
    const change = async (kind: string, objectId: string, permissions: object) => {
      const answer = await vaults.arm("PUT", `${vaults.vaultId("kv1")}/accessPolicies/${kind}`, {
        properties: { accessPolicies: [{ tenantId, objectId, permissions }] },
      });
      return Object.fromEntries(
        (answer.body.properties.accessPolicies as { objectId: string; permissions: object }[]).map((each) => [
          each.objectId,
          each.permissions,
        ]),
      );
    };
    await change("add", a, { secrets: ["get"], keys: ["sign"] });
    expect(await change("add", b, { secrets: ["all"] })).toEqual({
      [a]: { secrets: ["get"], keys: ["sign"] },
      [b]: { secrets: ["all"] },
    });
    expect((await change("add", a, { secrets: ["list"] }))[a]).toEqual({ secrets: ["get", "list"], keys: ["sign"] });
    expect((await change("replace", a, { secrets: ["set"] }))[a]).toEqual({ secrets: ["set"] });
    expect(await change("remove", a, { secrets: ["set"] })).toEqual({ [b]: { secrets: ["all"] } });
    expect((await vaults.arm("PUT", `${vaults.vaultId("kv1")}/accessPolicies/merge`, {})).status).toBe(400);
  });

  it("make keys through ARM, and leave those alone that exist", async () => {
    await using vaults = await startVaults();
    vaults.ok(await vaults.createVault("kv1"));
    const path = `${vaults.vaultId("kv1")}/keys/k`;
    const made = await vaults.arm("PUT", path, { properties: { kty: "EC", curveName: "P-384", keyOps: ["sign"] } });
    expect(made).toMatchObject({
      status: 200,
      body: {
        properties: { kty: "EC", curveName: "P-384", keyOps: ["sign"], keyUri: "https://kv1.vault.azure.net/keys/k" },
      },
    });
    const again = await vaults.arm("PUT", path, { properties: { kty: "RSA", keySize: 2048 } });
    expect(again.body).toEqual(made.body);
    expect((await vaults.arm("GET", `${vaults.vaultId("kv1")}/keys`)).body.value).toEqual([made.body]);
    expect((await vaults.arm("PUT", `${vaults.vaultId("kv1")}/keys/x`, { properties: { kty: "DES" } })).status).toBe(
      400,
    );
  });

  it("refuse what Azure refuses", async () => {
    await using vaults = await startVaults();
    const attempts: object[] = [
      { tenantId: crypto.randomUUID() },
      { sku: { family: "A", name: "gold" } },
      { enableSoftDelete: false },
      { softDeleteRetentionInDays: 6 },
      { accessPolicies: [{ objectId: "me", permissions: {} }] },
      { accessPolicies: [{ objectId: crypto.randomUUID(), permissions: { secrets: ["everything"] } }] },
      { networkAcls: { defaultAction: "Maybe" } },
    ];
    for (const properties of attempts)
      expect(await vaults.createVault("kv1", properties)).toMatchObject({
        status: 400,
        body: { error: { code: "BadRequest" } },
      });
    for (const name of ["k", "1kv", "a--b", "kv-", "x".repeat(25)])
      expect((await vaults.createVault(name)).status).toBe(400);
    vaults.ok(await vaults.createVault("kv1", { enablePurgeProtection: true }));
    const patch = (properties: object) => vaults.arm("PATCH", vaults.vaultId("kv1"), { properties });
    expect((await patch({ enablePurgeProtection: false })).status).toBe(400);
    expect((await patch({ softDeleteRetentionInDays: 8 })).status).toBe(400);
    await vaults.arm("DELETE", vaults.vaultId("kv1"));
    const deleted = `/subscriptions/${vaults.tenant.info.subscriptionId}/providers/Microsoft.KeyVault/locations/eastus/deletedVaults/kv1`;
    expect((await vaults.arm("POST", `${deleted}/purge`)).status).toBe(405);
  });

  it("are purged with all they hold when their retention is over by the tenant clock", async () => {
    const { vaults, as } = await withRole();
    await using _ = vaults;
    await as("PUT", "/secrets/s", { value: "v" });
    await vaults.arm("DELETE", vaults.group);
    await vi.waitFor(async () => expect((await vaults.arm("GET", vaults.group)).status).toBe(404));
    await vaults.arm("PUT", vaults.group, { location: "eastus" });
    expect((await vaults.createVault("kv1")).status).toBe(409);
    vaults.advance(90 * day);
    expect((await vaults.createVault("kv1", { enableRbacAuthorization: true })).status).toBe(200);
    expect((await vaults.arm("GET", `${vaults.vaultId("kv1")}/secrets`)).body.value).toEqual([]);
  });
});

it("a vault that is purged and recovered at once is one or the other: never alive without its secrets", async () => {
  const { vaults, as } = await withRole();
  await using _ = vaults;
  const id = vaults.vaultId("kv1");
  const { subscriptionId, tenantId } = vaults.tenant.info;
  const purge = `/subscriptions/${subscriptionId}/providers/Microsoft.KeyVault/locations/eastus/deletedVaults/kv1/purge`;
  const secrets = async () => (await vaults.arm("GET", `${id}/secrets`)).body.value as readonly unknown[];
  for (let round = 0; round < 20; round++) {
    const properties = { tenantId, sku: { family: "A", name: "standard" } };
    if ((await vaults.arm("GET", id)).status === 404)
      vaults.ok(await vaults.arm("PUT", id, { location: "eastus", properties }));
    vaults.ok(await vaults.arm("PUT", `${id}/secrets/s`, { properties: { value: "v" } }));
    vaults.ok(await vaults.arm("DELETE", id));
    const recover = { location: "eastus", properties: { ...properties, createMode: "recover" } };
    const [purged, recovered] = await Promise.all([vaults.arm("POST", purge), vaults.arm("PUT", id, recover)]);
    if (recovered.status < 300) expect([purged.status, await secrets()]).toEqual([404, [expect.anything()]]);
    else expect(purged.status).toBe(202);
  }
  expect((await as("GET", "/secrets")).status).toBeLessThan(500);
});
