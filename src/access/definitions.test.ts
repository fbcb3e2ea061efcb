import { describe, expect, it } from "vitest";
import { normaliseRoleDefinitionId, roleAssignmentId, scopeOfId } from "./assignments.ts";
import { customRoleProblems, type Permission, roleGuid } from "./definitions.ts";

const guid = "ba92f5b4-2d11-453d-a403-e96b0029c9fe";
const permission: Permission = { actions: ["*/read"], notActions: [], dataActions: [], notDataActions: [] };
const codes = (over: Partial<Parameters<typeof customRoleProblems>[0]>): string[] =>
  customRoleProblems({
    roleName: "Mine",
    assignableScopes: ["/subscriptions/s"],
    permissions: [permission],
    ...over,
  }).map((problem) => problem.code);

describe("role definition ids", () => {
  it("every spelling is normalised to the one of the scope", () => {
    const wanted = `/subscriptions/s/providers/Microsoft.Authorization/roleDefinitions/${guid}`;
    for (const spelling of [
      guid,
      guid.toUpperCase(),
      `/providers/Microsoft.Authorization/roleDefinitions/${guid}`,
      `/subscriptions/other/providers/microsoft.authorization/ROLEDEFINITIONS/${guid}/`,
      `/subscriptions/s/resourceGroups/g/providers/Microsoft.Authorization/roleDefinitions/${guid}`,
    ]) {
      expect(normaliseRoleDefinitionId("/subscriptions/s/resourceGroups/g", spelling)).toBe(wanted);
    }
    expect(normaliseRoleDefinitionId("/providers/Microsoft.Management/managementGroups/m", guid)).toBe(
      `/providers/Microsoft.Authorization/roleDefinitions/${guid}`,
    );
  });
  it("malformed ids are none", () => {
    expect(roleGuid("Contributor")).toBeUndefined();
    expect(roleGuid(`/providers/Microsoft.Authorization/roleAssignments/${guid}`)).toBeUndefined();
    expect(roleGuid(`/providers/Microsoft.Authorization/roleDefinitions/${guid}/x`)).toBeUndefined();
  });
  it("the scope of an assignment is its id without its own type and name", () => {
    expect(scopeOfId(roleAssignmentId("/subscriptions/s/", "n"))).toBe("/subscriptions/s");
    expect(scopeOfId(roleAssignmentId("/", "n"))).toBe("/");
    expect(roleAssignmentId("/", "n")).toBe("/providers/Microsoft.Authorization/roleAssignments/n");
  });
});

describe("custom roles", () => {
  it("need a name, an assignable scope and something to grant", () => {
    expect(codes({})).toEqual([]);
    expect(codes({ roleName: " " })).toHaveLength(1);
    expect(codes({ assignableScopes: [] })).toHaveLength(1);
    expect(codes({ permissions: [] })).toHaveLength(1);
  });
  it("are assignable at management groups, subscriptions and groups, never at the root or a resource", () => {
    expect(codes({ assignableScopes: ["/"] })).toEqual(["InvalidAssignableScope"]);
    expect(codes({ assignableScopes: ["/subscriptions/s/resourceGroups/g/providers/a/b/c"] })).toHaveLength(1);
    expect(codes({ assignableScopes: ["/subscriptions/s/resourceGroups/g"] })).toEqual([]);
    expect(codes({ assignableScopes: ["nonsense"] })).toHaveLength(1);
  });
  it("have one management group at most, and then no data actions", () => {
    const group = (name: string): string => `/providers/Microsoft.Management/managementGroups/${name}`;
    expect(codes({ assignableScopes: [group("a")] })).toEqual([]);
    expect(codes({ assignableScopes: [group("a"), group("b")] })).toHaveLength(1);
    expect(
      codes({ assignableScopes: [group("a")], permissions: [{ ...permission, dataActions: ["*"] }] }),
    ).toHaveLength(1);
  });
  it("name actions in the form of actions", () => {
    for (const action of ["", "read", "Microsoft.Web/", "/x", "a b/c", "Microsoft.Web/sites/read\n"]) {
      expect(codes({ permissions: [{ ...permission, notActions: [action] }] })).toEqual(["InvalidActionOrNotAction"]);
    }
    expect(codes({ permissions: [{ ...permission, actions: ["*", "Microsoft.Web/sites/re*"] }] })).toEqual([]);
  });
});
