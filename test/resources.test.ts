/** What holds for every management resource: where it may stand, who sees it, and that changes neither mix nor linger. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Answer, startTestTenant, type TestTenant } from "./support/tenant.ts";

let test: TestTenant;
let subscription: string;
beforeAll(async () => {
  test = await startTestTenant();
  subscription = `/subscriptions/${test.tenant.info.subscriptionId}`;
  for (const name of ["one", "two", "three"]) await test.arm("PUT", group(name), { location: "eastus" });
});
afterAll(() => test[Symbol.asyncDispose]());

const group = (name: string) => `${subscription}/resourceGroups/${name}`;
const identity = (rg: string, name: string) =>
  `${group(rg)}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/${name}`;
const account = (rg: string, name: string) => `${group(rg)}/providers/Microsoft.Storage/storageAccounts/${name}`;
const plan = (rg: string, name: string) => `${group(rg)}/providers/Microsoft.Web/serverfarms/${name}`;
const site = (rg: string, name: string) => `${group(rg)}/providers/Microsoft.Web/sites/${name}`;
const encoded = (id: string) => id.slice(1).replaceAll("/", "%2F");

const linux = { location: "eastus", kind: "linux", properties: { reserved: true }, sku: { name: "B1" } };
const standard = { location: "eastus", kind: "StorageV2", sku: { name: "Standard_LRS" }, properties: {} };

/** Polls the operation that a 202 announced to its end. */
const ended = async (answer: Answer): Promise<Answer> => {
  expect(answer.status).toBe(202);
  return test.arm("GET", new URL(String(answer.headers["location"])).pathname);
};

const reader = async (rg: string, name: string): Promise<string> => {
  const made = await test.arm("PUT", identity(rg, name), { location: "eastus" });
  const { principalId } = made.body.properties;
  const role = `${subscription}/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7`;
  await test.arm(
    "PUT",
    `${identity(rg, name)}/providers/Microsoft.Authorization/roleAssignments/${crypto.randomUUID()}`,
    { properties: { roleDefinitionId: role, principalId, principalType: "ServicePrincipal" } },
  );
  const principal = await test.tenant.directory.principal(principalId);
  if (principal?.kind !== "ServicePrincipal") throw new Error("The identity has no principal.");
  const audience = "https://management.azure.com";
  return (await test.tenant.issuer.issue({ principal, audience, proof: "managed-identity" })).token;
};

describe("an address", () => {
  it("with an encoded slash in a name reaches no resource by another resource's rights", async () => {
    await test.arm("PUT", identity("one", "addressed"), { location: "eastus" });
    const id = identity("one", "addressed");
    for (const [method, path] of [
      ["GET", `${subscription}/resourceGroups/${encoded(id.slice(group("").length - 1))}`],
      ["GET", `/subscriptions/${encoded(id.slice("/subscriptions".length))}`],
      ["GET", `${group("one")}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/x%2f..%2faddressed`],
      ["PUT", `${account("one", "x")}%2FblobServices%2Fdefault`],
      ["GET", `${group("one")}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/%2e%2e`],
      ["GET", `${group("one")}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/a%00b`],
    ] as const) {
      const answer = await test.arm(method, path, method === "PUT" ? standard : undefined);
      expect([path, answer.status]).toEqual([path, 400]);
    }
  });

  it("outside a resource group, or below another resource, takes no resource of a group", async () => {
    const odd = [
      `${subscription}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/astray`,
      `${identity("one", "addressed")}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/astray`,
      `/providers/Microsoft.ManagedIdentity/userAssignedIdentities/astray`,
    ];
    for (const path of odd) {
      const answer = await test.arm("PUT", path, { location: "eastus" });
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(await test.tenant.resources.get(path)).toBeUndefined();
    }
  });
});

describe("a list of a resource group", () => {
  it("shows only what the caller may read", async () => {
    const token = await reader("two", "mine");
    await test.arm("PUT", identity("two", "theirs"), { location: "eastus" });
    const path = `${group("two")}/providers/Microsoft.ManagedIdentity/userAssignedIdentities`;
    const listed = await test.arm("GET", path, undefined, token);
    expect(listed.body.value.map(({ name }: { name: string }) => name)).toEqual(["mine"]);
    expect((await test.arm("GET", path)).body.value).toHaveLength(2);
  });
});

describe("changes of one resource at the same time", () => {
  it("do not bring a regenerated key back", async () => {
    await test.arm("PUT", account("one", "racing"), standard);
    for (let round = 0; round < 20; round += 1) {
      const [, regenerated] = await Promise.all([
        test.arm("PATCH", account("one", "racing"), { tags: { round: String(round) } }),
        test.arm("POST", `${account("one", "racing")}/regenerateKey`, { keyName: "key1" }),
        test.arm("PATCH", account("one", "racing"), { properties: { minimumTlsVersion: "TLS1_2" } }),
      ]);
      const keys = await test.arm("POST", `${account("one", "racing")}/listKeys`);
      expect(keys.body.keys[0].value).toBe(regenerated.body.keys[0].value);
      expect((await test.arm("GET", account("one", "racing"))).body.tags).toEqual({ round: String(round) });
    }
  });

  it("leave nothing of a resource that is deleted meanwhile", async () => {
    for (let round = 0; round < 10; round += 1) {
      const id = identity("one", `fleeting${round}`);
      const made = await test.arm("PUT", id, { location: "eastus" });
      const [deleted] = await Promise.all([
        test.arm("DELETE", id),
        test.arm("PATCH", id, { tags: { a: "b" } }),
        test.arm("PATCH", id, { tags: { a: "c" } }),
      ]);
      expect(deleted.status).toBe(200);
      expect((await test.arm("GET", id)).status).toBe(404);
      expect(await test.tenant.directory.principal(made.body.properties.principalId)).toBeUndefined();
    }
  });
});

describe("a resource made again under an old name", () => {
  it("has its own identity only, whatever an interrupted request left", async () => {
    const id = identity("one", "reborn");
    const left = {
      kind: "ServicePrincipal",
      objectId: "00000000-0000-4000-8000-000000000001",
      appId: "00000000-0000-4000-8000-000000000002",
      displayName: "reborn",
      servicePrincipalType: "ManagedIdentity",
      resourceId: id,
    } as const;
    await test.tenant.directory.put(left);
    const made = await test.arm("PUT", id, { location: "eastus" });
    expect((await test.tenant.directory.identityOf(id))?.objectId).toBe(made.body.properties.principalId);
    expect(await test.tenant.directory.principal(left.objectId)).toBeUndefined();
  });

  it("does not answer to the old one's secret", async () => {
    const id = identity("one", "secretive");
    await test.arm("PUT", id, { location: "eastus" });
    const secret = await test.tenant.secrets.of(id);
    await test.arm("DELETE", id);
    await test.arm("PUT", id, { location: "eastus" });
    expect(test.tenant.secrets.resourceOf(secret)).toBeUndefined();
    expect(await test.tenant.secrets.of(id)).not.toBe(secret);
  });
});

describe("deleting a resource group", () => {
  it("takes no plan of another group along with its sites", async () => {
    await test.arm("PUT", plan("two", "shared"), linux);
    await test.arm("PUT", group("sites"), { location: "eastus" });
    const made = await test.arm("PUT", site("sites", "lodger"), {
      location: "eastus",
      properties: { serverFarmId: plan("two", "shared") },
    });
    expect(made.status).toBe(200);
    expect((await ended(await test.arm("DELETE", group("sites")))).status).toBe(200);
    expect((await test.arm("GET", site("sites", "lodger"))).status).toBe(404);
    expect((await test.arm("GET", plan("two", "shared"))).status).toBe(200);
  });

  it("is followed by whoever began it, and by nobody else", async () => {
    const token = await reader("two", "curious");
    await test.arm("PUT", group("brief"), { location: "eastus" });
    const deleted = await test.arm("DELETE", group("brief"));
    const { pathname } = new URL(String(deleted.headers["location"]));
    expect((await test.arm("GET", pathname, undefined, token)).status).toBe(404);
    expect((await test.arm("GET", pathname)).status).toBe(200);
  });

  it("that cannot be deleted says what is in the way, and rolls the group's state back", async () => {
    await test.arm("PUT", plan("three", "held"), linux);
    await test.arm("PUT", site("two", "holder"), {
      location: "eastus",
      properties: { serverFarmId: plan("three", "held") },
    });
    const answer = await ended(await test.arm("DELETE", group("three")));
    expect(answer.status).toBe(409);
    expect(answer.body.error.message).toContain(plan("three", "held"));
    expect((await test.arm("GET", group("three"))).body.properties.provisioningState).toBe("Succeeded");
    expect((await test.arm("PUT", identity("three", "later"), { location: "eastus" })).status).toBe(201);
  });
});

it("none of this is a failure of ours", () => {
  expect(test.errors).toEqual([]);
});
