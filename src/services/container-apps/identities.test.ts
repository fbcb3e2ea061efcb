import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { TestTenant } from "../../../test/support/tenant.ts";
import { container, openWorld, type World } from "./container-apps.test-support.ts";

let world: World;
let test: TestTenant;
let group: string;
let apps: string;

beforeAll(async () => {
  world = await openWorld();
  ({ test, apps, group } = world);
});
afterAll(async () => {
  await world[Symbol.asyncDispose]();
});
beforeEach(() => expect(test.errors).toEqual([]));

const body: World["body"] = (...given) => world.body(...given);
const put: World["put"] = (...given) => world.put(...given);
const get: World["get"] = (name) => world.get(name);
const revisions: World["revisions"] = (name) => world.revisions(name);

/** A user-assigned identity and a token of it. */
const identity = async (name: string) => {
  const id = `${group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/${name}`;
  const { body: made } = await test.arm("PUT", id, { location: "eastus" });
  const token = async () => {
    const principal = await test.tenant.directory.servicePrincipal(made.properties.clientId);
    if (principal === undefined) throw new Error("no principal");
    return (
      await test.tenant.issuer.issue({ principal, audience: "https://management.azure.com", proof: "managed-identity" })
    ).token;
  };
  return {
    id,
    principalId: made.properties.principalId as string,
    clientId: made.properties.clientId as string,
    token,
  };
};

const tokenAs = async (app: string, query = "") => {
  const secret = await test.tenant.secrets.of(`${apps}/${app}`);
  const answer = await test.send({
    method: "GET",
    host: "127.0.0.1",
    path: `/MSI/token?resource=https://vault.azure.net&api-version=2019-08-01${query}`,
    headers: { "x-identity-header": secret },
  });
  return { ...answer, body: typeof answer.body === "string" ? JSON.parse(answer.body) : answer.body };
};

describe("the tutorial's identity blocks", () => {
  it("give an app a system-assigned identity that goes with the app", async () => {
    const made = await put("system", body({}, { identity: { type: "SystemAssigned" } }));
    const principalId = made.body.identity.principalId as string;
    expect(await test.tenant.directory.principal(principalId)).toBeDefined();
    expect((await tokenAs("system")).body).toMatchObject({ token_type: "Bearer", resource: "https://vault.azure.net" });
    expect((await test.arm("DELETE", `${apps}/system`)).status).toBe(200);
    expect(await test.tenant.directory.principal(principalId)).toBeUndefined();
  });

  it("give it user-assigned ones, which outlive it, and both kinds at once", async () => {
    const one = await identity("one");
    const made = await put(
      "both",
      body({}, { identity: { type: "SystemAssigned,UserAssigned", userAssignedIdentities: { [one.id]: {} } } }),
    );
    expect(made.body.identity.userAssignedIdentities[one.id]).toMatchObject({ principalId: one.principalId });
    expect((await tokenAs("both", `&client_id=${one.clientId}`)).body.client_id).toBe(one.clientId);
    expect((await tokenAs("both")).body.client_id).not.toBe(one.clientId);
    await test.arm("DELETE", `${apps}/both`);
    expect(await test.tenant.directory.principal(one.principalId)).toBeDefined();
  });

  it("take one away by null, and all by None", async () => {
    const [one, two] = [await identity("one"), await identity("two")];
    const users = { [one.id]: {}, [two.id]: {} };
    await put("less", body({}, { identity: { type: "SystemAssigned,UserAssigned", userAssignedIdentities: users } }));
    const fewer = await test.arm("PATCH", `${apps}/less`, {
      identity: { type: "SystemAssigned,UserAssigned", userAssignedIdentities: { [one.id]: null } },
    });
    expect(Object.keys(fewer.body.identity.userAssignedIdentities)).toEqual([two.id]);
    await test.arm("PATCH", `${apps}/less`, { identity: { type: "None" } });
    expect((await get("less")).identity).toEqual({ type: "None" });
    expect(await tokenAs("less")).toMatchObject({ status: 400 });
  });

  it("make no new revision and change nothing of the one that runs", async () => {
    await put("same", body());
    const before = await revisions("same");
    await test.arm("PATCH", `${apps}/same`, { identity: { type: "SystemAssigned" } });
    await put("same", body({}, { identity: { type: "SystemAssigned" } }));
    expect(await revisions("same")).toEqual(before);
    expect((await tokenAs("same")).status).toBe(200);
  });

  it("need the right to assign a user-assigned identity, and the right to join the environment", async () => {
    const [worker, other] = [await identity("worker"), await identity("other")];
    const grant = async (scope: string, role: string) => {
      const id = `${scope}/providers/Microsoft.Authorization/roleAssignments/${crypto.randomUUID()}`;
      const roleDefinitionId = `/providers/Microsoft.Authorization/roleDefinitions/${role}`;
      const { status } = await test.arm("PUT", id, {
        properties: { roleDefinitionId, principalId: worker.principalId, principalType: "ServicePrincipal" },
      });
      expect(status).toBe(201);
    };
    // A role on the app alone: Contributor there may write it, and nothing else.
    await grant(
      `${apps}/mine`.replace("/providers/Microsoft.App/containerApps/mine", ""),
      "358470bc-b998-42bd-ab17-a7e34c199c0f",
    );
    const refused = await put(
      "mine",
      body({}, { identity: { type: "UserAssigned", userAssignedIdentities: { [other.id]: {} } } }),
      await worker.token(),
    );
    expect(refused.status).toBe(403);
    expect(refused.body.error).toMatchObject({ code: "LinkedAuthorizationFailed" });
    expect(refused.body.error.message).toContain("userAssignedIdentities/assign/action");
    expect((await put("mine", body(), await worker.token())).status).toBe(200);
  });

  it("give a leaked IDENTITY_HEADER no power over another app", async () => {
    await put("app-a", body({}, { identity: { type: "SystemAssigned" } }));
    await put("app-b", body({}, { identity: { type: "SystemAssigned" } }));
    const [a, b] = [await tokenAs("app-a"), await tokenAs("app-b")];
    expect(a.body.client_id).not.toBe(b.body.client_id);
    expect((await tokenAs("app-a", `&client_id=${b.body.client_id}`)).status).toBe(400);
  });

  it("go with a rotated IDENTITY_HEADER: the old one is worthless at once", async () => {
    await put("turns", body({}, { identity: { type: "SystemAssigned" } }));
    const old = await test.tenant.secrets.of(`${apps}/turns`);
    const [{ name }] = await revisions("turns");
    expect((await test.arm("POST", `${apps}/turns/revisions/${name}/restart`)).status).toBe(200);
    expect(test.tenant.secrets.resourceOf(old)).toBeUndefined();
    expect((await tokenAs("turns")).status).toBe(200);
  });
});

describe("secrets", () => {
  const withSecret = (value?: string) =>
    body({
      configuration: { secrets: [{ name: "pin", ...(value === undefined ? {} : { value }) }] },
      template: { containers: [container({ env: [{ name: "PIN", secretRef: "pin" }] })] },
    });

  it("are shown by listSecrets alone, and kept by a PATCH that does not resend them", async () => {
    const made = await put("secret", withSecret("the-pin-is-4711"));
    expect(made.body.properties.configuration.secrets).toEqual([{ name: "pin" }]);
    expect(JSON.stringify([made.body, await get("secret"), await revisions("secret")])).not.toContain(
      "the-pin-is-4711",
    );
    await test.arm("PATCH", `${apps}/secret`, { properties: { configuration: { ingress: { targetPort: 80 } } } });
    const listed = await test.arm("POST", `${apps}/secret/listSecrets`);
    expect(listed.body).toEqual({ value: [{ name: "pin", value: "the-pin-is-4711" }] });
    expect(JSON.stringify(test.decisions)).not.toContain("the-pin-is-4711");
  });

  it("must come with a value in a PUT, and exist where a container refers to them", async () => {
    expect((await put("secret", withSecret())).body.error.code).toBe("ContainerAppSecretInvalid");
    const dangling = body({ template: { containers: [container({ env: [{ name: "PIN", secretRef: "nope" }] })] } });
    expect((await put("secret", dangling)).body.error).toMatchObject({
      code: "ContainerAppSecretRefNotFound",
      message: "SecretRef 'nope' defined for container 'main' not found.",
    });
  });

  it("change without a new revision", async () => {
    const [before] = await revisions("secret");
    await put("secret", withSecret("0815"));
    expect(await revisions("secret")).toMatchObject([{ name: before.name }]);
  });

  it("are read from a vault as the app's identity, once that has the right, and again at a restart", async () => {
    const vault = `${group}/providers/Microsoft.KeyVault/vaults/app-secrets-kv`;
    const made = await test.arm("PUT", vault, {
      location: "eastus",
      properties: {
        tenantId: test.tenant.info.tenantId,
        sku: { family: "A", name: "standard" },
        enableRbacAuthorization: true,
      },
    });
    expect(made.status).toBeLessThan(300);
    // Through Resource Manager, with the right to manage the vault.
    const write = (value: string) => test.arm("PUT", `${vault}/secrets/pin`, { properties: { value } });
    expect((await write("from the vault")).status).toBeLessThan(300);
    const shared = await identity("reader");
    const keyVaultUrl = "https://app-secrets-kv.vault.azure.net/secrets/pin";
    const wanted = body(
      {
        configuration: { secrets: [{ name: "pin", keyVaultUrl, identity: shared.id }] },
        template: { containers: [container({ env: [{ name: "PIN", secretRef: "pin" }] })] },
      },
      { identity: { type: "UserAssigned", userAssignedIdentities: { [shared.id]: {} } } },
    );
    const refused = await put("reads-vault", wanted);
    expect(refused.status).toBe(400);
    expect(refused.body.error.message).toMatch(/Forbidden/);
    const role = "4633458b-17de-408a-b874-0445c86b69e6";
    await test.arm("PUT", `${vault}/providers/Microsoft.Authorization/roleAssignments/${crypto.randomUUID()}`, {
      properties: {
        roleDefinitionId: `/providers/Microsoft.Authorization/roleDefinitions/${role}`,
        principalId: shared.principalId,
        principalType: "ServicePrincipal",
      },
    });
    expect((await put("reads-vault", wanted)).status).toBe(200);
    const listed = async () => (await test.arm("POST", `${apps}/reads-vault/listSecrets`)).body.value;
    expect(await listed()).toEqual([{ name: "pin", value: "from the vault", keyVaultUrl, identity: shared.id }]);
    expect((await get("reads-vault")).properties.configuration.secrets).toEqual([
      { name: "pin", keyVaultUrl, identity: shared.id },
    ]);
    const reading = test.decisions.findLast((each) => each.host === "app-secrets-kv.vault.azure.net");
    expect(reading?.caller).toMatchObject({ kind: "principal", objectId: shared.principalId });
    await write("changed");
    const [{ name }] = await revisions("reads-vault");
    await test.arm("POST", `${apps}/reads-vault/revisions/${name}/restart`);
    expect(await listed()).toMatchObject([{ value: "changed" }]);
  });

  it("are refused as references into a vault that does not let the app's identity in", async () => {
    const reference = (identityName: string) =>
      body(
        {
          configuration: {
            secrets: [
              { name: "key", keyVaultUrl: "https://nowhere.vault.azure.net/secrets/k", identity: identityName },
            ],
          },
        },
        { identity: { type: "SystemAssigned" } },
      );
    const refused = await put("vault-app", reference("system"));
    expect(refused).toMatchObject({ status: 400, body: { error: { code: "ContainerAppSecretKeyVaultUrlInvalid" } } });
    expect((await get("vault-app")).properties.provisioningState).toBe("Failed");
    const stranger = await put(
      "vault-app",
      reference(`${group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/x`),
    );
    expect(stranger.body.error.message).toContain("not assigned");
  });
});
