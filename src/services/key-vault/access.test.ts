import { describe, expect, it } from "vitest";
import { startVaults, withRole } from "./key-vault.test-support.ts";

describe("callers without a good token", () => {
  it("get 401 with the challenge that the SDKs read", async () => {
    const { vaults, oid } = await withRole();
    await using _ = vaults;
    const { tenantId } = vaults.tenant.info;
    const challenge = `Bearer authorization="https://login.microsoftonline.com/${tenantId}", resource="https://vault.azure.net"`;
    const bare = await vaults.call("GET", "/secrets/s");
    expect(bare.body).toEqual({
      error: { code: "Unauthorized", message: "AKV10000: Request is missing a Bearer or PoP token." },
    });
    expect(bare.status).toBe(401);
    expect(bare.headers["www-authenticate"]).toBe(challenge);
    const cases: readonly (readonly [string, string | RegExp])[] = [
      [
        await vaults.token(oid, "https://vault.azure.net/"),
        "AKV10022: Invalid audience. Expected https://vault.azure.net, found: https://vault.azure.net/.",
      ],
      [
        await vaults.token(oid, "https://management.azure.com"),
        "AKV10022: Invalid audience. Expected https://vault.azure.net, found: https://management.azure.com.",
      ],
      ["a.b.c", /^AKV10046: Unable to resolve the key used for signature validation\. EncodedJwtHeader: '/],
    ];
    for (const [token, message] of cases) {
      const refused = await vaults.call("GET", "/secrets/s", { token });
      expect(refused.status).toBe(401);
      expect(refused.body.error.code).toBe("Unauthorized");
      if (typeof message === "string") expect(refused.body.error.message).toBe(message);
      else expect(refused.body.error.message).toMatch(message);
      expect(refused.headers["www-authenticate"]).toBe(challenge);
    }
    const byApp = await vaults.token(oid, "cfa8b339-82a2-471a-a3c9-0fc0be7a4093");
    expect((await vaults.call("GET", "/secrets", { token: byApp })).status).toBe(200);
    const expired = await vaults.token(oid);
    vaults.advance(7_200_000);
    const refused = await vaults.call("GET", "/secrets", { token: expired });
    expect(refused.status).toBe(401);
    expect(refused.headers["www-authenticate"]).toBe(challenge);
  });

  it("are challenged before names, versions and existence are looked at", async () => {
    const { vaults } = await withRole();
    await using _ = vaults;
    for (const path of ["/secrets/a_b", "/secrets/none", "/secrets/s/nonsense"])
      expect((await vaults.call("GET", path, { version: "" })).status).toBe(401);
  });
});

describe("a vault that goes by Azure RBAC", () => {
  it("refuses in Azure's words, naming caller, action and resource", async () => {
    await using vaults = await startVaults();
    vaults.ok(await vaults.createVault("kv1", { enableRbacAuthorization: true }));
    const { oid, appId } = await vaults.principal("app");
    const refused = await vaults.call("GET", "/secrets/Db-Password", { token: await vaults.token(oid) });
    const { tenantId } = vaults.tenant.info;
    expect(refused.status).toBe(403);
    expect(refused.body).toEqual({
      error: {
        code: "Forbidden",
        message:
          `Caller is not authorized to perform action on resource.\r\nIf role assignments, deny assignments or role definitions were changed recently, please observe propagation time.\r\n` +
          `Caller: appid=${appId};oid=${oid};iss=https://sts.windows.net/${tenantId}/\r\n` +
          `Action: 'Microsoft.KeyVault/vaults/secrets/getSecret/action'\r\n` +
          `Resource: '${vaults.vaultId("kv1").toLowerCase()}/secrets/db-password'\r\n` +
          `Assignment: (not found)\r\nDenyAssignmentId: null\r\nDecisionReason: 'DeniedWithNoValidRBAC' \r\nVault: kv1;location=eastus\r\n`,
        innererror: { code: "ForbiddenByRbac" },
      },
    });
  });

  it("lets a role on one secret read that secret, and not list", async () => {
    await using vaults = await startVaults();
    vaults.ok(await vaults.createVault("kv1", { enableRbacAuthorization: true }));
    const admin = await vaults.principal("admin");
    await vaults.assign("Key Vault Administrator", admin.oid, vaults.vaultId("kv1"));
    const adminToken = await vaults.token(admin.oid);
    for (const name of ["one", "one2", "two"])
      await vaults.call("PUT", `/secrets/${name}`, { token: adminToken, json: { value: name } });
    const app = await vaults.principal("app");
    await vaults.assign("Key Vault Secrets User", app.oid, `${vaults.vaultId("kv1")}/secrets/one`);
    const token = await vaults.token(app.oid);
    const status = async (path: string) => (await vaults.call("GET", path, { token })).status;
    expect(await status("/secrets/one")).toBe(200);
    expect(await status("/secrets/ONE/")).toBe(200);
    expect(await status("/secrets/one/versions")).toBe(200);
    expect(await status("/secrets/one2")).toBe(403);
    expect(await status("/secrets/two")).toBe(403);
    expect(await status("/secrets/none")).toBe(403);
    expect(await status("/secrets")).toBe(403);
    expect(await status("/deletedsecrets")).toBe(403);
    expect((await vaults.call("PUT", "/secrets/one", { token, json: { value: "x" } })).status).toBe(403);
  });

  it("gives Owner no data, and counts no access policies", async () => {
    await using vaults = await startVaults();
    vaults.ok(await vaults.createVault("kv1", { enableRbacAuthorization: true }));
    const { oid } = await vaults.principal("app");
    await vaults.assign("Owner", oid, vaults.vaultId("kv1"));
    await vaults.allow("kv1", oid, { secrets: ["all"] });
    expect((await vaults.call("GET", "/secrets", { token: await vaults.token(oid) })).status).toBe(403);
  });
});

describe("a vault that goes by access policies", () => {
  it("tells a caller without a policy from one whose policy lacks the permission", async () => {
    await using vaults = await startVaults();
    vaults.ok(await vaults.createVault("kv1"));
    const { oid, appId } = await vaults.principal("app");
    await vaults.assign("Key Vault Administrator", oid, vaults.vaultId("kv1"));
    const token = await vaults.token(oid);
    const text = (permission: string): string =>
      `The user, group or application 'appid=${appId};oid=${oid};iss=https://sts.windows.net/${vaults.tenant.info.tenantId}/' does not have secrets ${permission} permission on key vault 'kv1;location=eastus'. For help resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125287`;
    const refused = await vaults.call("GET", "/secrets/s", { token });
    expect(refused.status).toBe(403);
    expect(refused.body.error).toEqual({
      code: "Forbidden",
      message: text("get"),
      innererror: { code: "AccessDenied" },
    });
    await vaults.allow("kv1", oid, { secrets: ["Get", "Set"] });
    expect((await vaults.call("PUT", "/secrets/s", { token, json: { value: "v" } })).status).toBe(200);
    expect((await vaults.call("GET", "/secrets/s", { token })).body.value).toBe("v");
    const listing = await vaults.call("GET", "/secrets", { token });
    expect(listing.body.error).toEqual({
      code: "Forbidden",
      message: text("list"),
      innererror: { code: "ForbiddenByPolicy" },
    });
  });

  it("honours `all`, and policies bound to an application", async () => {
    await using vaults = await startVaults();
    const [one, two] = [await vaults.principal("one"), await vaults.principal("two")];
    const { tenantId } = vaults.tenant.info;
    vaults.ok(
      await vaults.createVault("kv1", {
        accessPolicies: [
          { tenantId, objectId: one.oid, permissions: { secrets: ["all"] } },
          { tenantId, objectId: two.oid, applicationId: one.appId, permissions: { secrets: ["list"] } },
        ],
      }),
    );
    expect((await vaults.call("GET", "/secrets", { token: await vaults.token(one.oid) })).status).toBe(200);
    expect((await vaults.call("GET", "/secrets", { token: await vaults.token(two.oid) })).status).toBe(403);
  });
});

describe("network rules", () => {
  it("come before rights: public access, default action, listed addresses", async () => {
    const { vaults, token } = await withRole();
    await using _ = vaults;
    const patch = (properties: object) => vaults.arm("PATCH", vaults.vaultId("kv1"), { properties });
    const inner = async () => {
      const { status, body } = await vaults.call("GET", "/secrets", { token });
      return status === 200 ? "allowed" : body.error.innererror.code;
    };
    expect(await inner()).toBe("allowed");
    vaults.ok(await patch({ networkAcls: { defaultAction: "Deny" } }));
    expect(await inner()).toBe("ForbiddenByFirewall");
    vaults.ok(await patch({ networkAcls: { defaultAction: "Deny", ipRules: [{ value: "127.0.0.0/8" }] } }));
    expect(await inner()).toBe("allowed");
    vaults.ok(await patch({ publicNetworkAccess: "Disabled" }));
    expect(await inner()).toBe("ForbiddenByConnection");
    expect((await vaults.call("GET", "/secrets")).status).toBe(401);
  });
});
