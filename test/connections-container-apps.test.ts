/** Service Connector from container apps: environment of a container, identity and role as from web apps. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startTestTenant, type TestTenant } from "./support/tenant.ts";

let test: TestTenant;
let group: string;
let app: string;
beforeAll(async () => {
  test = await startTestTenant({ containerEngine: "off" });
  group = `/subscriptions/${test.tenant.info.subscriptionId}/resourceGroups/apps`;
  app = `${group}/providers/Microsoft.App/containerApps/linked`;
  const environment = `${group}/providers/Microsoft.App/managedEnvironments/env`;
  await test.arm("PUT", group, { location: "eastus" });
  await test.arm("PUT", environment, { location: "eastus", properties: {} });
  await test.arm("PUT", account("one"), { location: "eastus", kind: "StorageV2", sku: { name: "Standard_LRS" } });
  const resources = { cpu: 0.25, memory: "0.5Gi" };
  const made = await test.arm("PUT", app, {
    location: "eastus",
    properties: {
      environmentId: environment,
      configuration: { secrets: [{ name: "pin", value: "1234" }] },
      template: {
        containers: [
          {
            name: "web",
            image: "a:1",
            resources,
            env: [
              { name: "PIN", secretRef: "pin" },
              { name: "PLAIN", value: "1" },
            ],
          },
          { name: "side", image: "b:1", resources },
        ],
      },
    },
  });
  expect(made.status).toBe(200);
});
afterAll(async () => {
  expect(test.errors).toEqual([]);
  await test[Symbol.asyncDispose]();
});

const account = (name: string) => `${group}/providers/Microsoft.Storage/storageAccounts/linked${name}`;
const linker = (name: string) => `${app}/providers/Microsoft.ServiceLinker/linkers/${name}`;
const toBlobs = (properties: object = {}, name = "one") => ({
  properties: {
    targetService: { type: "AzureResource", id: `${account(name)}/blobServices/default` },
    clientType: "nodejs",
    authInfo: { authType: "systemAssignedIdentity" },
    ...properties,
  },
});
const shown = async () => (await test.arm("GET", app)).body;
const environment = async (container: string): Promise<Record<string, unknown>> => {
  const { containers } = (await shown()).properties.template;
  const found = containers.find((each: { name: string }) => each.name === container);
  return Object.fromEntries(
    (found.env ?? []).map((each: { name: string; value?: string; secretRef?: string }) => [
      each.name,
      each.value ?? `secretref:${each.secretRef}`,
    ]),
  );
};
const secrets = async (): Promise<Record<string, string>> =>
  Object.fromEntries(
    (await test.arm("POST", `${app}/listSecrets`)).body.value.map((each: { name: string; value: string }) => [
      each.name,
      each.value,
    ]),
  );
const grants = () => test.tenant.access.index.assignmentsBelow(account("one")).map(({ principalId }) => principalId);
const endpoint = "AZURE_STORAGEBLOB_RESOURCEENDPOINT";
const untouched = { PIN: "secretref:pin", PLAIN: "1" };

describe("a connection from a container app", () => {
  it("switches the identity on, assigns the role and writes the container's environment in a new revision", async () => {
    const before = (await shown()).properties.latestRevisionName;
    const made = await test.arm("PUT", linker("photos"), toBlobs({ scope: "web" }));
    expect([made.status, made.body.properties]).toMatchObject([201, { provisioningState: "Succeeded", scope: "web" }]);
    const { identity, properties } = await shown();
    expect(grants()).toEqual([identity.principalId]);
    expect(properties.latestRevisionName).not.toBe(before);
    expect(await environment("web")).toEqual({ ...untouched, [endpoint]: "https://linkedone.blob.core.windows.net/" });
    expect(await environment("side")).toEqual({});
    expect(await secrets()).toEqual({ pin: "1234" });
    const variables = await test.tenant.appVariables(app);
    expect(variables).toMatchObject({ PIN: "1234", [endpoint]: "https://linkedone.blob.core.windows.net/" });
  });

  it("is validated, listed, and makes no revision when it is written again", async () => {
    const before = (await shown()).properties.latestRevisionName;
    expect((await test.arm("PUT", linker("photos"), toBlobs({ scope: "web" }))).status).toBe(200);
    expect((await shown()).properties.latestRevisionName).toBe(before);
    const validated = await test.arm("POST", `${linker("photos")}/validateLinker`);
    expect(validated.body.properties.isConnectionAvailable).toBe(true);
    const listed = await test.arm("GET", `${app}/providers/Microsoft.ServiceLinker/linkers`);
    expect(listed.body.value.map((each: { name: string }) => each.name)).toEqual(["photos"]);
  });

  it("moves to another container with its settings", async () => {
    await test.arm("PUT", linker("photos"), toBlobs({ scope: "side" }));
    expect(await environment("web")).toEqual(untouched);
    expect(Object.keys(await environment("side"))).toEqual([endpoint]);
    const lost = await test.arm("PUT", linker("photos"), toBlobs({ scope: "nowhere" }));
    expect([lost.status, lost.body.error.code]).toEqual([400, "InvalidScope"]);
    expect(lost.body.error.message).toContain("web, side");
    await test.arm("PUT", linker("photos"), toBlobs({ scope: "side" }));
  });

  it("keeps what must not be shown as a secret of the app", async () => {
    await test.arm("PUT", linker("photos"), toBlobs({ scope: "web", authInfo: { authType: "accessKey" } }));
    const name = "azure-storageblob-connectionstring";
    expect(await environment("web")).toEqual({
      ...untouched,
      AZURE_STORAGEBLOB_CONNECTIONSTRING: `secretref:${name}`,
    });
    expect((await secrets())[name]).toMatch(/AccountKey=.+/);
    expect(grants()).toEqual([]);
    expect(JSON.stringify(await shown())).not.toContain("AccountKey");
  });

  it("takes everything back that it wrote", async () => {
    expect((await test.arm("DELETE", linker("photos"))).status).toBe(200);
    expect(await environment("web")).toEqual(untouched);
    expect(await environment("side")).toEqual({});
    expect(await secrets()).toEqual({ pin: "1234" });
    expect(grants()).toEqual([]);
  });

  it("that fails after the app was changed leaves it as it was, secrets included", async () => {
    const { tenantId } = test.tenant.info;
    const vault = `${group}/providers/Microsoft.KeyVault/vaults/linkedlocked`;
    const properties = { tenantId, sku: { family: "A", name: "standard" }, accessPolicies: [] };
    await test.arm("PUT", vault, { location: "eastus", properties });
    await test.arm("PUT", linker("other"), toBlobs({ authInfo: { authType: "accessKey" } }));
    const toVault = { targetService: { type: "AzureResource", id: vault } };
    expect((await test.arm("PUT", linker("moving"), toBlobs(toVault))).status).toBe(201);
    const [environmentBefore, secretsBefore] = [await environment("web"), await secrets()];
    expect(environmentBefore).toMatchObject({ AZURE_KEYVAULT_RESOURCEENDPOINT: expect.anything() });
    // The vault's policy cannot be taken back: the last step of leading the connection elsewhere.
    const lock = `${vault}/providers/Microsoft.Authorization/locks/still`;
    await test.arm("PUT", lock, { properties: { level: "ReadOnly" } });
    const failed = await test.arm("PUT", linker("moving"), toBlobs({ authInfo: { authType: "accessKey" } }));
    expect([failed.status, failed.body.error.code]).toEqual([409, "ScopeLocked"]);
    expect([await environment("web"), await secrets()]).toEqual([environmentBefore, secretsBefore]);
    await test.arm("DELETE", lock);
    for (const name of ["moving", "other"]) expect((await test.arm("DELETE", linker(name))).status).toBe(200);
    expect([await environment("web"), await secrets()]).toEqual([untouched, { pin: "1234" }]);
  });

  it("takes no secret that the app has under the name, and leaves it when it goes", async () => {
    const name = "azure-storageblob-connectionstring";
    const own = { properties: { configuration: { secrets: [{ name: "pin" }, { name, value: "of the app" }] } } };
    expect((await test.arm("PATCH", app, own)).status).toBeLessThan(300);
    const refused = await test.arm("PUT", linker("photos"), toBlobs({ authInfo: { authType: "accessKey" } }));
    expect([refused.status, refused.body.error.code]).toEqual([409, "SecretNameConflict"]);
    expect([await environment("web"), await secrets()]).toEqual([untouched, { pin: "1234", [name]: "of the app" }]);
    expect((await test.arm("DELETE", linker("photos"))).status).toBe(200);
    expect(await secrets()).toEqual({ pin: "1234", [name]: "of the app" });
    await test.arm("PATCH", app, { properties: { configuration: { secrets: [{ name: "pin" }] } } });
    expect(await secrets()).toEqual({ pin: "1234" });
  });

  it("runs on the caller's rights over the app and the target", async () => {
    const principal = {
      kind: "ServicePrincipal" as const,
      objectId: crypto.randomUUID(),
      appId: crypto.randomUUID(),
      displayName: "linker",
      servicePrincipalType: "Application" as const,
    };
    await test.tenant.directory.put(principal);
    const role = `/subscriptions/${test.tenant.info.subscriptionId}/providers/Microsoft.Authorization/roleDefinitions/db7003cd-07a9-490c-bfa5-23e40314f8d7`;
    await test.arm("PUT", `${group}/providers/Microsoft.Authorization/roleAssignments/${crypto.randomUUID()}`, {
      properties: { roleDefinitionId: role, principalId: principal.objectId },
    });
    const { token } = await test.tenant.issuer.issue({
      principal,
      audience: "https://management.azure.com",
      proof: "secret",
    });
    const refused = await test.arm("PUT", linker("denied"), toBlobs(), token);
    expect([refused.status, refused.body.error.code]).toEqual([403, "AuthorizationFailed"]);
    expect(await environment("web")).toEqual(untouched);
    await test.arm("DELETE", linker("denied"));
  });

  it("goes with its app", async () => {
    await test.arm("PUT", linker("photos"), toBlobs());
    expect(grants()).toHaveLength(1);
    expect((await test.arm("DELETE", app)).status).toBe(200);
    expect(grants()).toEqual([]);
    const kept = await test.tenant.resources.ofType(test.tenant.info.subscriptionId, "Microsoft.ServiceLinker/linkers");
    expect(kept).toEqual([]);
  });
});

it("starts from no other kind of resource", async () => {
  const refused = await test.arm("PUT", `${account("one")}/providers/Microsoft.ServiceLinker/linkers/from`, toBlobs());
  expect([refused.status, refused.body.error.code]).toEqual([400, "InvalidSourceService"]);
});
