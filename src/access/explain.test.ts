import { describe, expect, it } from "vitest";
import { AccessIndex } from "./access-index.ts";
import { advise, type Use } from "./advise.ts";
import { roleAssignmentId } from "./assignments.ts";
import { builtInRole } from "./built-in-roles/all.ts";
import { azureRbac } from "./decider.ts";
import { roleDefinitionIdAt } from "./definitions.ts";
import type { AccessQuery } from "./evaluate.ts";
import { type Explanation, explain } from "./explain.ts";
import { assignableScope } from "./suggest.ts";

const group = "/subscriptions/s1/resourceGroups/rg1";
const account = `${group}/providers/Microsoft.Storage/storageAccounts/acme`;
const photos = `${account}/blobServices/default/containers/photos`;
const vault = `${group}/providers/Microsoft.KeyVault/vaults/kv1`;
const app = "aaaaaaaa-0000-0000-0000-000000000001";
const blobs = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs";

const assign = (index: AccessIndex, roleName: string, scope: string): void => {
  const name = crypto.randomUUID();
  const roleDefinitionId = roleDefinitionIdAt(scope, builtInRole(roleName).name);
  index.putAssignment({
    id: roleAssignmentId(scope, name),
    name,
    scope,
    roleDefinitionId,
    principalId: app,
    principalType: "ServicePrincipal",
  });
};
const explained = (kind: "action" | "data", action: string, scope: string, index = new AccessIndex()): Explanation => {
  const query: AccessQuery = { principalId: app, groupIds: [], kind, action, scope };
  const verdict = index.check(query);
  if (verdict.allowed) throw new Error("allowed");
  return explain(index, query, verdict);
};
const first = (...args: Parameters<typeof explained>): string | undefined =>
  explained(...args).suggestions[0]?.role.roleName;

describe("explaining a refusal", () => {
  it("names the missing action, the scope and the command", () => {
    expect(explained("data", `${blobs}/read`, photos).text).toBe(
      `No role assignment grants the data action '${blobs}/read' at '${photos}'. To allow it: ` +
        `az role assignment create --assignee-object-id ${app} --role "Storage Blob Data Reader" --scope "${photos}"`,
    );
  });
  it.each([
    ["data", `${blobs}/write`, "Storage Blob Data Contributor"],
    ["data", `${blobs}/tags/write`, "Storage Blob Data Owner"],
    ["data", "Microsoft.KeyVault/vaults/secrets/getSecret/action", "Key Vault Secrets User"],
    ["data", "Microsoft.KeyVault/vaults/secrets/setSecret/action", "Key Vault Secrets Officer"],
    [
      "action",
      "Microsoft.Storage/storageAccounts/blobServices/generateUserDelegationKey/action",
      "Storage Blob Delegator",
    ],
    ["action", "Microsoft.Storage/storageAccounts/listkeys/action", "Storage Account Key Operator Service Role"],
    ["action", "Microsoft.Web/sites/write", "Website Contributor"],
    ["action", "Microsoft.Resources/subscriptions/resourceGroups/read", "Reader"],
    ["action", "Microsoft.Resources/subscriptions/resourceGroups/write", "Contributor"],
    ["action", "Microsoft.DBforPostgreSQL/flexibleServers/write", "Contributor"],
    ["action", "Microsoft.Authorization/roleAssignments/write", "Role Based Access Control Administrator"],
    ["action", "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action", "Managed Identity Operator"],
  ] as const)("for the %s %s the smallest role is %s", (kind, action, role) => {
    expect(first(kind, action, account)).toBe(role);
  });
  it("says that a fitting role is assigned elsewhere", () => {
    const index = new AccessIndex();
    assign(index, "Storage Blob Data Reader", `${photos}2`);
    const found = explained("data", `${blobs}/read`, photos, index);
    expect(found.elsewhere).toHaveLength(1);
    expect(found.text).toContain(`is assigned at '${photos}2'`);
  });
  it("suggests no role where none helps", () => {
    expect(explained("data", "Microsoft.Nobody/things/read", account).suggestions).toEqual([]);
    expect(explained("data", `${blobs}/read`, "nowhere").suggestions).toEqual([]);
  });
  it("names the narrowest scope that an assignment can have", () => {
    expect(assignableScope(photos, "data", `${blobs}/read`)).toBe(photos);
    expect(assignableScope(`${vault}/secrets/s`, "data", "Microsoft.KeyVault/vaults/secrets/getSecret/action")).toBe(
      `${vault}/secrets/s`,
    );
    expect(assignableScope(vault, "action", "Microsoft.KeyVault/vaults/write")).toBe(group);
    expect(assignableScope(`${group}/providers/Microsoft.Web/sites/a/config/b`, "action", "x/config/write")).toBe(
      `${group}/providers/Microsoft.Web/sites/a`,
    );
    expect(assignableScope(`${account}/providers/Microsoft.Authorization/roleAssignments/n`, "action", "x/write")).toBe(
      account,
    );
    expect(assignableScope(`${group}/providers/Microsoft.Resources/deployments/d`, "action", "x/write")).toBe(group);
    expect(assignableScope("/subscriptions/s1/resourceGroups", "action", "x/read")).toBe("/subscriptions/s1");
  });
});

describe("advice", () => {
  const use = (kind: "action" | "data", action: string, scope: string): Use => ({
    principalId: app,
    kind,
    action,
    scope,
  });
  const short = (uses: readonly Use[]): string[] =>
    advise(uses).assignments.map(({ role, scope }) => `${role.roleName} @ ${scope}`);

  it("gives one role per scope when one is enough", () => {
    expect(short([use("data", `${blobs}/read`, photos), use("data", `${blobs}/write`, photos)])).toEqual([
      `Storage Blob Data Contributor @ ${photos}`,
    ]);
    expect(short([use("data", `${blobs}/read`, photos)])).toEqual([`Storage Blob Data Reader @ ${photos}`]);
  });
  it("keeps different services apart instead of taking a broad role", () => {
    const secret = "Microsoft.KeyVault/vaults/secrets/getSecret/action";
    expect(short([use("data", `${blobs}/read`, photos), use("data", secret, `${vault}/secrets/db`)])).toEqual([
      `Key Vault Secrets User @ ${vault}/secrets/db`,
      `Storage Blob Data Reader @ ${photos}`,
    ]);
  });
  it("does not grant below what a broader scope already grants", () => {
    const container = "Microsoft.Storage/storageAccounts/blobServices/containers/read";
    const found = advise([
      use("data", `${blobs}/read`, photos),
      use("action", container, account),
      use("data", `${blobs}/read`, account),
    ]);
    expect(found.assignments).toHaveLength(1);
    expect(found.assignments[0]?.covers).toHaveLength(3);
  });
  it("names what no role allows", () => {
    expect(advise([use("data", "Microsoft.Nobody/things/read", account)])).toMatchObject({
      assignments: [],
      uncovered: [{ action: "Microsoft.Nobody/things/read" }],
    });
  });
  it("what is advised allows everything that was used", () => {
    const uses = [
      use("data", `${blobs}/delete`, photos),
      use(
        "action",
        "Microsoft.Web/sites/config/list/action",
        `${group}/providers/Microsoft.Web/sites/a/config/appsettings`,
      ),
      use("action", "Microsoft.Web/sites/write", `${group}/providers/Microsoft.Web/sites/a`),
      use("action", "Microsoft.Resources/subscriptions/resourceGroups/read", group),
    ];
    const index = new AccessIndex();
    for (const { role, scope } of advise(uses).assignments) assign(index, role.roleName, scope);
    for (const each of uses) expect(index.check({ ...each, groupIds: [] }).allowed).toBe(true);
  });
});

describe("the kernel's authority", () => {
  const caller = {
    kind: "principal",
    objectId: app,
    tenantId: "t",
    type: "ServicePrincipal",
    appId: app,
    name: "app",
    groups: [],
    claims: {},
  } as const;
  const need = { kind: "data", name: `${blobs}/read`, scope: photos } as const;

  it("says via which assignment, or why not and what would help", () => {
    const index = new AccessIndex();
    const decider = azureRbac(index, { now: () => 0, wall: () => 0 });
    expect(decider.applies(caller, undefined)).toBe(true);
    expect(decider.applies({ kind: "anonymous" }, undefined)).toBe(false);
    const question = { caller, need, target: undefined };
    expect(decider.somewhere?.(question)).toMatchObject({
      allowed: false,
      cause: "no-assignment",
      hint: expect.stringContaining("az role"),
    });
    assign(index, "Storage Blob Data Reader", photos);
    expect(decider.somewhere?.(question)).toMatchObject({
      allowed: true,
      via: expect.stringContaining("Storage Blob Data Reader"),
    });
  });
  it("filters lists above the caller's scopes instead of refusing them", () => {
    const index = new AccessIndex();
    const decider = azureRbac(index, { now: () => 0, wall: () => 0 });
    const list = {
      kind: "action",
      name: "Microsoft.Resources/subscriptions/resourceGroups/read",
      scope: "/subscriptions/s1",
    } as const;
    expect(decider.somewhere?.({ caller, need: list, target: undefined })).toMatchObject({ allowed: false });
    assign(index, "Storage Blob Data Reader", photos);
    expect(decider.somewhere?.({ caller, need: list, target: undefined })).toMatchObject({ allowed: true });
    expect(
      decider.somewhere?.({ caller, need: { ...list, scope: "/subscriptions/s2" }, target: undefined }),
    ).toMatchObject({
      allowed: false,
    });
  });
});
