/** Service Connector's connections: what they write, on whose rights, and that they take it back. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openMemoryStore } from "../src/store/memory.ts";
import { startTestTenant, type TestTenant } from "./support/tenant.ts";

let test: TestTenant;
let group: string;
let site: string;
const contributor = "ba92f5b4-2d11-453d-a403-e96b0029c9fe";

beforeAll(async () => {
  test = await startTestTenant();
  group = `/subscriptions/${test.tenant.info.subscriptionId}/resourceGroups/web`;
  site = `${group}/providers/Microsoft.Web/sites/connected`;
  const plan = `${group}/providers/Microsoft.Web/serverfarms/plan`;
  await test.arm("PUT", group, { location: "eastus" });
  await test.arm("PUT", plan, { location: "eastus", kind: "linux", properties: { reserved: true } });
  await test.arm("PUT", site, { location: "eastus", properties: { serverFarmId: plan } });
  for (const name of ["photosone", "photostwo"])
    await test.arm("PUT", account(name), { location: "eastus", kind: "StorageV2", sku: { name: "Standard_LRS" } });
});
afterAll(() => test[Symbol.asyncDispose]());

const account = (name: string) => `${group}/providers/Microsoft.Storage/storageAccounts/${name}`;
const linker = (name: string) => `${site}/providers/Microsoft.ServiceLinker/linkers/${name}`;
const toBlobs = (name: string, authInfo: object = { authType: "systemAssignedIdentity" }) => ({
  properties: {
    targetService: { type: "AzureResource", id: `${account(name)}/blobServices/default` },
    clientType: "nodejs",
    authInfo,
  },
});
const settings = async (): Promise<Record<string, string>> =>
  (await test.arm("POST", `${site}/config/appsettings/list`)).body.properties;
const grants = (name: string): readonly string[] =>
  test.tenant.access.index
    .assignmentsBelow(account(name))
    .filter((each) => each.roleDefinitionId.endsWith(contributor))
    .map((each) => each.principalId);
const identity = async (): Promise<string> => (await test.arm("GET", site)).body.identity.principalId;

describe("a connection to blobs", () => {
  it("switches the identity on, assigns the role and writes the setting", async () => {
    const made = await test.arm("PUT", linker("photos"), toBlobs("photosone"));
    expect([made.status, made.body.properties.provisioningState]).toEqual([201, "Succeeded"]);
    expect(grants("photosone")).toEqual([await identity()]);
    expect((await settings())["AZURE_STORAGEBLOB_RESOURCEENDPOINT"]).toBe("https://photosone.blob.core.windows.net/");
  });

  it("that is led elsewhere leaves no role behind", async () => {
    const moved = await test.arm("PUT", linker("photos"), toBlobs("photostwo"));
    expect(moved.status).toBe(200);
    expect(grants("photosone")).toEqual([]);
    expect(grants("photostwo")).toEqual([await identity()]);
    expect((await settings())["AZURE_STORAGEBLOB_RESOURCEENDPOINT"]).toBe("https://photostwo.blob.core.windows.net/");
  });

  it("keeps the role that it made when it is written again, and takes it back when it goes", async () => {
    await test.arm("PUT", linker("photos"), toBlobs("photostwo"));
    expect(grants("photostwo")).toEqual([await identity()]);
    expect((await test.arm("DELETE", linker("photos"))).status).toBe(200);
    expect(grants("photostwo")).toEqual([]);
    expect(await settings()).toEqual({});
  });

  it("leaves a role alone that it did not make", async () => {
    const principalId = await identity();
    const role = `/subscriptions/${test.tenant.info.subscriptionId}/providers/Microsoft.Authorization/roleDefinitions/${contributor}`;
    const own = `${account("photosone")}/providers/Microsoft.Authorization/roleAssignments/${crypto.randomUUID()}`;
    await test.arm("PUT", own, { properties: { roleDefinitionId: role, principalId } });
    await test.arm("PUT", linker("photos"), toBlobs("photosone"));
    await test.arm("DELETE", linker("photos"));
    expect(grants("photosone")).toEqual([principalId]);
  });

  it("that fails shows so, and leaves settings and roles as they were", async () => {
    const before = await settings();
    const failed = await test.arm("PUT", linker("nowhere"), toBlobs("absent"));
    expect(failed.status).toBe(404);
    expect((await test.arm("GET", linker("nowhere"))).body.properties.provisioningState).toBe("Failed");
    expect(await settings()).toEqual(before);
    await test.arm("DELETE", linker("nowhere"));
  });
});

describe("a connection to a key vault", () => {
  const vault = (name: string) => `${group}/providers/Microsoft.KeyVault/vaults/${name}`;
  const create = (name: string, properties: object) =>
    test.arm("PUT", vault(name), {
      location: "eastus",
      properties: { tenantId: test.tenant.info.tenantId, sku: { family: "A", name: "standard" }, ...properties },
    });
  const toVault = (name: string, authInfo: object = { authType: "systemAssignedIdentity" }) => ({
    properties: { targetService: { type: "AzureResource", id: vault(name) }, clientType: "nodejs", authInfo },
  });
  const policies = async (name: string): Promise<readonly { objectId: string; permissions: object }[]> =>
    (await test.arm("GET", vault(name))).body.properties.accessPolicies;

  it("assigns the two roles of a vault that goes by Azure RBAC, and takes them back", async () => {
    await create("linkrbac", { enableRbacAuthorization: true });
    expect((await test.arm("PUT", linker("vault"), toVault("linkrbac"))).status).toBe(201);
    expect(await settings()).toMatchObject({
      AZURE_KEYVAULT_RESOURCEENDPOINT: "https://linkrbac.vault.azure.net/",
      AZURE_KEYVAULT_SCOPE: "https://management.azure.com/.default",
    });
    const roles = () => test.tenant.access.index.assignmentsBelow(vault("linkrbac"));
    expect(roles().map(({ principalId }) => principalId)).toEqual([await identity(), await identity()]);
    await test.arm("DELETE", linker("vault"));
    expect(roles()).toEqual([]);
    expect(await settings()).toEqual({});
  });

  it("adds to the policies of a vault that goes by them what is missing there, and takes that back", async () => {
    const objectId = await identity();
    const { tenantId } = test.tenant.info;
    await create("linkpolicy", { accessPolicies: [{ tenantId, objectId, permissions: { secrets: ["get"] } }] });
    await test.arm("PUT", linker("vault"), toVault("linkpolicy"));
    await test.arm("PUT", linker("vault"), toVault("linkpolicy"));
    expect(await policies("linkpolicy")).toMatchObject([{ objectId, permissions: { secrets: ["get", "list"] } }]);
    await test.arm("DELETE", linker("vault"));
    expect(await policies("linkpolicy")).toMatchObject([{ objectId, permissions: { secrets: ["get"] } }]);
  });

  it("takes no secret", async () => {
    const secret = { authType: "secret", secretInfo: { secretType: "rawValue", value: "x" } };
    const refused = await test.arm("PUT", linker("vault"), toVault("linkpolicy", secret));
    expect([refused.status, refused.body.error.code]).toEqual([400, "InvalidAuthInfo"]);
    await test.arm("DELETE", linker("vault"));
  });
});

it("connections that are made at the same time all have their settings", async () => {
  const names = ["a", "b", "c", "d"];
  const made = await Promise.all(
    names.map((name) =>
      test.arm("PUT", linker(name), {
        properties: {
          ...toBlobs("photosone").properties,
          configurationInfo: { customizedKeys: { AZURE_STORAGEBLOB_RESOURCEENDPOINT: `ENDPOINT_${name}` } },
        },
      }),
    ),
  );
  expect(made.map(({ status }) => status)).toEqual([201, 201, 201, 201]);
  expect(Object.keys(await settings()).filter((name) => name.includes("ENDPOINT_"))).toHaveLength(4);
  await Promise.all(names.map((name) => test.arm("DELETE", linker(name))));
  expect(await settings()).toEqual({});
});

it("a connection that a crash interrupted shows as failed after the next start", async () => {
  const store = openMemoryStore();
  const path = linker("interrupted");
  {
    await using before = await startTestTenant({ store: { ...store, close: () => Promise.resolve() } });
    const { resources, info } = before.tenant;
    const id = path.replace(/^\/subscriptions\/[^/]+/, `/subscriptions/${info.subscriptionId}`);
    const at = { at: new Date().toISOString(), by: "somebody" };
    const type = "Microsoft.ServiceLinker/linkers";
    const properties = { provisioningState: "Updating" };
    await resources.put({ id, type, name: "interrupted", properties, created: at, changed: at });
  }
  await using after = await startTestTenant({ store });
  const [found] = await after.tenant.resources.ofType(
    after.tenant.info.subscriptionId,
    "Microsoft.ServiceLinker/linkers",
  );
  expect(found?.properties["provisioningState"]).toBe("Failed");
});

it("none of this is a failure of ours", () => {
  expect(test.errors).toEqual([]);
});
