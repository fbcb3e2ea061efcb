import { beforeEach, describe, expect, it } from "vitest";
import { AccessIndex } from "./access-index.ts";
import { type DenyAssignment, everyonePrincipalId, roleAssignmentId, type RoleAssignment } from "./assignments.ts";
import { builtInRole } from "./built-in-roles/all.ts";
import { type Permission, roleDefinitionIdAt } from "./definitions.ts";
import { type AccessFacts, type AccessQuery, type AccessVerdict, evaluate } from "./evaluate.ts";

const subscription = "/subscriptions/11111111-1111-1111-1111-111111111111";
const group = `${subscription}/resourceGroups/rg1`;
const account = `${group}/providers/Microsoft.Storage/storageAccounts/acme`;
const container = (name: string): string => `${account}/blobServices/default/containers/${name}`;
const vault = `${group}/providers/Microsoft.KeyVault/vaults/kv1`;
const app = "aaaaaaaa-0000-0000-0000-000000000001";
const team = "bbbbbbbb-0000-0000-0000-000000000002";
const blobRead = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read";
const blobWrite = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write";
const permission = (over: Partial<Permission>): Permission => ({
  actions: [],
  notActions: [],
  dataActions: [],
  notDataActions: [],
  ...over,
});

let index: AccessIndex;
let count = 0;
beforeEach(() => {
  index = new AccessIndex();
});

const assign = (roleName: string, scope: string, over: Partial<RoleAssignment> = {}): RoleAssignment => {
  count += 1;
  const name = `00000000-0000-0000-0000-${String(count).padStart(12, "0")}`;
  const assignment: RoleAssignment = {
    id: roleAssignmentId(scope, name),
    name,
    scope,
    roleDefinitionId: roleDefinitionIdAt(scope, builtInRole(roleName).name),
    principalId: app,
    principalType: "ServicePrincipal",
    ...over,
  };
  index.putAssignment(assignment);
  return assignment;
};
const custom = (name: string, ...permissions: Partial<Permission>[]): string => {
  index.putDefinition({
    name,
    roleName: `Custom ${name}`,
    type: "CustomRole",
    description: "",
    assignableScopes: [subscription],
    permissions: permissions.map(permission),
  });
  return roleDefinitionIdAt(subscription, name);
};
const deny = (over: Partial<DenyAssignment>): void => {
  index.putDenyAssignment({
    id: `${group}/providers/Microsoft.Authorization/denyAssignments/d`,
    name: "dddddddd-0000-0000-0000-000000000001",
    denyAssignmentName: "managed",
    scope: group,
    doNotApplyToChildScopes: false,
    principals: [{ id: everyonePrincipalId, type: "SystemDefined" }],
    excludePrincipals: [],
    isSystemProtected: true,
    permissions: [permission({ actions: ["*"], dataActions: ["*"] })],
    ...over,
  });
};
const check = (
  kind: AccessQuery["kind"],
  action: string,
  scope: string,
  over: Partial<AccessQuery> = {},
): AccessVerdict => index.check({ principalId: app, groupIds: [], kind, action, scope, ...over });
const may = (...args: Parameters<typeof check>): boolean => check(...args).allowed;
const cause = (...args: Parameters<typeof check>): string => {
  const verdict = check(...args);
  return verdict.allowed ? "allowed" : verdict.cause;
};

describe("scopes and principals", () => {
  it("without an assignment nothing is allowed", () => {
    expect(cause("data", blobRead, account)).toBe("no-assignment");
  });
  it("a grant flows down to every level below and never up or sideways", () => {
    assign("Storage Blob Data Reader", container("photos"));
    expect(may("data", blobRead, container("photos"))).toBe(true);
    expect(may("data", blobRead, container("PHOTOS"))).toBe(true);
    expect(may("data", blobRead, container("photos2"))).toBe(false);
    expect(may("data", blobRead, account)).toBe(false);
    for (const scope of ["/", subscription, group, account]) {
      index = new AccessIndex();
      assign("Storage Blob Data Reader", scope);
      expect(may("data", blobRead, container("photos"))).toBe(true);
    }
  });
  it("a management group covers the subscriptions placed below it, through nested groups", () => {
    const managementGroup = (name: string): string => `/providers/Microsoft.Management/managementGroups/${name}`;
    assign("Reader", managementGroup("top"));
    expect(may("action", "Microsoft.Web/sites/read", group)).toBe(false);
    index.setManagementGroup(subscription, managementGroup("Team"));
    index.setManagementGroup(managementGroup("team"), managementGroup("Top"));
    expect(may("action", "Microsoft.Web/sites/read", group)).toBe(true);
    expect(may("action", "Microsoft.Management/managementGroups/read", managementGroup("team"))).toBe(true);
    index.setManagementGroup(subscription, undefined);
    expect(may("action", "Microsoft.Web/sites/read", group)).toBe(false);
  });
  it("management groups that contain each other do not hang a check", () => {
    index.setManagementGroup(
      "/providers/Microsoft.Management/managementGroups/a",
      "/providers/Microsoft.Management/managementGroups/b",
    );
    index.setManagementGroup(
      "/providers/Microsoft.Management/managementGroups/b",
      "/providers/Microsoft.Management/managementGroups/a",
    );
    index.setManagementGroup(subscription, "/providers/Microsoft.Management/managementGroups/a");
    expect(may("action", "Microsoft.Web/sites/read", group)).toBe(false);
  });
  it("an assignment to a group covers its members, ids in any letter case", () => {
    assign("Reader", group, { principalId: team.toUpperCase(), principalType: "Group" });
    expect(may("action", "Microsoft.Web/sites/read", group)).toBe(false);
    expect(may("action", "Microsoft.Web/sites/read", group, { groupIds: [team] })).toBe(true);
  });
  it("a scope that climbs or is no path is refused", () => {
    assign("Owner", "/");
    expect(cause("action", "Microsoft.Web/sites/read", `${group}/../rg2`)).toBe("invalid-scope");
    expect(cause("action", "Microsoft.Web/sites/read", "rg1")).toBe("invalid-scope");
  });
  it("removing an assignment, or its role, takes effect at once", () => {
    const held = assign("Reader", group);
    expect(index.removeAssignment(held.name)).toEqual(held);
    expect(may("action", "Microsoft.Web/sites/read", group)).toBe(false);
    const roleDefinitionId = custom("cccccccc-0000-0000-0000-000000000001", { actions: ["*/read"] });
    assign("Reader", group, { roleDefinitionId });
    expect(may("action", "Microsoft.Web/sites/read", group)).toBe(true);
    expect(index.removeDefinition("cccccccc-0000-0000-0000-000000000001")).toBe(true);
    expect(check("action", "Microsoft.Web/sites/read", group)).toMatchObject({
      cause: "no-assignment",
      nearMisses: [{ reason: "unknown-role" }],
    });
  });
});

describe("roles", () => {
  it("actions and data actions are two worlds", () => {
    assign("Owner", subscription);
    expect(may("action", "Microsoft.Storage/storageAccounts/write", account)).toBe(true);
    expect(check("data", blobRead, account)).toMatchObject({
      cause: "no-assignment",
      nearMisses: [{ reason: "other-kind" }],
      reason: expect.stringContaining("among actions only"),
    });
    index = new AccessIndex();
    assign("Key Vault Crypto User", vault);
    expect(may("data", "Microsoft.KeyVault/vaults/keys/read", vault)).toBe(true);
    expect(may("action", "Microsoft.KeyVault/vaults/keys/read", vault)).toBe(false);
  });
  it("notActions take away inside one role only; another role may still grant", () => {
    assign("Contributor", group);
    expect(check("action", "Microsoft.Authorization/roleAssignments/write", group)).toMatchObject({
      cause: "not-actions",
      nearMisses: [{ detail: "Microsoft.Authorization/*/Write" }],
    });
    assign("User Access Administrator", group);
    expect(may("action", "Microsoft.Authorization/roleAssignments/write", group)).toBe(true);
  });
  it("notActions of one permission object do not touch another object of the same role", () => {
    const roleDefinitionId = custom(
      "cccccccc-0000-0000-0000-000000000002",
      { actions: ["Microsoft.Web/*"], notActions: ["Microsoft.Web/sites/delete"] },
      { actions: ["Microsoft.Web/sites/delete"] },
    );
    assign("Reader", group, { roleDefinitionId });
    expect(may("action", "Microsoft.Web/sites/delete", group)).toBe(true);
  });
  it("notDataActions take away data actions", () => {
    const roleDefinitionId = custom("cccccccc-0000-0000-0000-000000000003", {
      dataActions: ["Microsoft.Storage/*"],
      notDataActions: [blobWrite],
    });
    assign("Reader", group, { roleDefinitionId });
    expect(may("data", blobRead, account)).toBe(true);
    expect(cause("data", blobWrite, account)).toBe("not-actions");
  });
  it("letter case of NA patterns does not matter: Cosmos DB Operator holds no read-only keys", () => {
    assign("Cosmos DB Operator", group);
    expect(cause("action", "Microsoft.DocumentDB/databaseAccounts/readonlykeys/action", group)).toBe("not-actions");
    expect(cause("action", "Microsoft.DocumentDB/databaseAccounts/listKeys/action", group)).toBe("not-actions");
    expect(may("action", "Microsoft.DocumentDB/databaseAccounts/write", group)).toBe(true);
  });
});

describe("deny assignments", () => {
  it("beat every role, Owner too, below their scope", () => {
    assign("Owner", "/");
    deny({});
    expect(check("action", "Microsoft.Web/sites/read", group)).toMatchObject({
      cause: "deny-assignment",
      deny: { denyAssignmentName: "managed" },
    });
    expect(may("action", "Microsoft.Web/sites/read", subscription)).toBe(true);
    index.removeDenyAssignment("dddddddd-0000-0000-0000-000000000001");
    expect(may("action", "Microsoft.Web/sites/read", group)).toBe(true);
  });
  it("spare excluded principals and members of excluded groups, and what notActions spare", () => {
    assign("Owner", "/");
    deny({ excludePrincipals: [{ id: team.toUpperCase(), type: "Group" }] });
    expect(may("action", "Microsoft.Web/sites/read", group)).toBe(false);
    expect(may("action", "Microsoft.Web/sites/read", group, { groupIds: [team] })).toBe(true);
    deny({ permissions: [permission({ actions: ["*"], notActions: ["*/read"] })] });
    expect(may("action", "Microsoft.Web/sites/read", group)).toBe(true);
    expect(may("action", "Microsoft.Web/sites/write", group)).toBe(false);
  });
  it("name principals or groups", () => {
    assign("Owner", "/");
    deny({ principals: [{ id: team, type: "Group" }] });
    expect(may("action", "Microsoft.Web/sites/read", group)).toBe(true);
    expect(may("action", "Microsoft.Web/sites/read", group, { groupIds: [team] })).toBe(false);
  });
  it("may be limited to their own scope", () => {
    assign("Owner", "/");
    deny({ doNotApplyToChildScopes: true });
    expect(may("action", "Microsoft.Resources/subscriptions/resourceGroups/write", group)).toBe(false);
    expect(may("action", "Microsoft.Storage/storageAccounts/write", account)).toBe(true);
  });
  it("keep denying when their condition cannot be evaluated", () => {
    assign("Owner", "/");
    deny({ permissions: [permission({ actions: ["*"], condition: "((((", conditionVersion: "2.0" })] });
    expect(cause("action", "Microsoft.Web/sites/read", group)).toBe("deny-assignment");
  });
  it("say nothing to a caller that has no role anyway", () => {
    deny({});
    expect(cause("action", "Microsoft.Web/sites/read", group)).toBe("no-assignment");
  });
});

describe("conditions", () => {
  const path = "@Resource[Microsoft.Storage/storageAccounts/blobServices/containers/blobs:path]";
  const onRead = (expression: string): string => `((!(ActionMatches{'${blobRead}'})) OR (${expression}))`;
  const attributes = {
    "Resource[Microsoft.Storage/storageAccounts/blobServices/containers/blobs:path]": "public/a.png",
  };

  it("grant only when true", () => {
    assign("Storage Blob Data Contributor", account, {
      condition: onRead(`${path} StringLike 'public/*'`),
      conditionVersion: "2.0",
    });
    expect(may("data", blobRead, account, { attributes })).toBe(true);
    expect(
      cause("data", blobRead, account, {
        attributes: { "Resource[Microsoft.Storage/storageAccounts/blobServices/containers/blobs:path]": "private/a" },
      }),
    ).toBe("condition-false");
    expect(may("data", blobWrite, account)).toBe(true);
  });
  it("that cannot be evaluated grant nothing and say why; another assignment still may", () => {
    assign("Storage Blob Data Reader", account, { condition: onRead(`${path} StringNotEquals 'x'`) });
    expect(check("data", blobRead, account)).toMatchObject({
      cause: "condition-not-evaluable",
      reason: expect.stringContaining("does not supply the attribute"),
    });
    assign("Storage Blob Data Reader", subscription);
    expect(may("data", blobRead, account)).toBe(true);
  });
  it("that cannot be read, or have another version, grant nothing", () => {
    assign("Storage Blob Data Reader", account, { condition: "1 NumericEquals 1 AND" });
    expect(cause("data", blobRead, account)).toBe("condition-not-evaluable");
    index = new AccessIndex();
    assign("Storage Blob Data Reader", account, { condition: "1 NumericEquals 1", conditionVersion: "1.0" });
    expect(cause("data", blobRead, account)).toBe("condition-not-evaluable");
  });
  it("with a Guid operator on a storage data action fail the whole request", () => {
    assign("Storage Blob Data Reader", subscription);
    assign("Storage Blob Data Reader", account, {
      condition: "aaaaaaaa-0000-0000-0000-000000000000 GuidEquals aaaaaaaa-0000-0000-0000-000000000000",
    });
    expect(cause("data", blobRead, account)).toBe("condition-not-evaluable");
  });
  it("of a permission limit delegation: Key Vault Data Access Administrator assigns Key Vault roles only", () => {
    assign("Key Vault Data Access Administrator", vault);
    const writing = (role: string): Partial<AccessQuery> => ({
      attributes: { "Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId]": builtInRole(role).name },
    });
    const write = "Microsoft.Authorization/roleAssignments/write";
    expect(may("action", write, vault, writing("Key Vault Secrets User"))).toBe(true);
    expect(cause("action", write, vault, writing("Owner"))).toBe("condition-false");
    expect(cause("action", write, vault)).toBe("condition-not-evaluable");
    expect(may("action", "Microsoft.KeyVault/vaults/read", vault)).toBe(true);
  });
});

describe("work", () => {
  it("does not grow with assignments elsewhere: ten thousand of them, and none is looked at", () => {
    const looked = (action: string): number => {
      let count = 0;
      const facts: AccessFacts = {
        ancestors: (scope) => index.ancestors(scope),
        assignmentsOf: (principalId) => index.assignmentsOf(principalId),
        denyAssignmentsOf: (principalId) => index.denyAssignmentsOf(principalId),
        roleOf: (assignment) => {
          count += 1;
          return index.roleOf(assignment);
        },
      };
      evaluate(facts, { principalId: app, groupIds: [], kind: "data", action, scope: container("photos") });
      return count;
    };
    assign("Storage Blob Data Reader", account);
    for (let i = 0; i < 5000; i += 1) {
      assign("Storage Blob Data Reader", container(`c${i}`));
      assign("Contributor", container("photos"), {
        principalId: `aaaaaaaa-0000-0000-0000-${String(i).padStart(12, "1")}`,
      });
    }
    expect(looked(blobRead)).toBe(1);
    expect(looked(blobWrite)).toBe(1);
  });
});
