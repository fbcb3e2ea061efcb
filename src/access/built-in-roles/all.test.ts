import { describe, expect, it } from "vitest";
import { parseCondition } from "../conditions/parse.ts";
import { isGuid } from "../definitions.ts";
import { grantsAction } from "../permissions.ts";
import { builtInRole, builtInRoles } from "./all.ts";

const allows = (role: string, kind: "action" | "data", action: string): boolean =>
  builtInRole(role).permissions.some((permission) => grantsAction(permission, kind, action));
const storage = "Microsoft.Storage/storageAccounts/";
const vault = "Microsoft.KeyVault/vaults/";

describe("built-in roles", () => {
  it("have unique GUIDs and names and well-formed actions", () => {
    expect(new Set(builtInRoles.map((role) => role.name)).size).toBe(builtInRoles.length);
    expect(new Set(builtInRoles.map((role) => role.roleName)).size).toBe(builtInRoles.length);
    for (const role of builtInRoles) {
      expect(isGuid(role.name) && role.name === role.name.toLowerCase()).toBe(true);
      expect(role.assignableScopes).toEqual(["/"]);
      for (const permission of role.permissions) {
        const patterns = [...permission.actions, ...permission.notActions, ...permission.dataActions];
        for (const list of [permission.actions, permission.notActions, permission.dataActions]) {
          expect(new Set(list).size).toBe(list.length);
        }
        for (const pattern of patterns) expect(pattern).toMatch(/^(\*|(\*|Microsoft\.[A-Za-z]+)(\/(\*|[A-Za-z]+))+)$/);
        if (permission.condition !== undefined) parseCondition(permission.condition);
      }
    }
  });
  it.each([
    ["Managed Identity Operator", "action", "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action", true],
    ["Managed Identity Contributor", "action", "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action", false],
    ["Contributor", "action", "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action", true],
    ["Contributor", "action", "Microsoft.Authorization/locks/write", false],
    ["Reader", "action", `${storage}listkeys/action`, false],
    ["Reader", "action", "Microsoft.Web/sites/config/list/action", false],
    ["Key Vault Reader", "action", "Microsoft.KeyVault/vaults/read", true],
    ["Key Vault Reader", "data", `${vault}secrets/readMetadata/action`, true],
    ["Key Vault Reader", "data", `${vault}secrets/getSecret/action`, false],
    ["Key Vault Secrets User", "data", `${vault}secrets/getSecret/action`, true],
    ["Key Vault Secrets User", "action", "Microsoft.KeyVault/vaults/read", false],
    ["Key Vault Contributor", "data", `${vault}secrets/getSecret/action`, false],
    ["Key Vault Contributor", "action", "Microsoft.KeyVault/locations/deletedVaults/purge/action", false],
    ["Key Vault Administrator", "data", `${vault}keyrotationpolicies/write`, true],
    ["Storage Blob Data Contributor", "data", `${storage}blobServices/containers/blobs/write`, true],
    ["Storage Blob Data Contributor", "data", `${storage}blobServices/containers/blobs/tags/write`, false],
    ["Storage Blob Data Contributor", "action", `${storage}blobServices/containers/getAcl/action`, false],
    ["Storage Blob Data Owner", "data", `${storage}blobServices/containers/blobs/tags/write`, true],
    ["Storage Blob Data Owner", "action", `${storage}blobServices/containers/setAcl/action`, true],
    ["Storage Queue Data Message Sender", "action", `${storage}queueServices/queues/read`, false],
    ["Storage Account Contributor", "action", `${storage}regenerateKey/action`, true],
    ["Container Apps Contributor", "action", "Microsoft.App/containerApps/write", true],
    ["Container Apps Contributor", "action", "Microsoft.Resources/deployments/write", false],
    ["Website Contributor", "action", "Microsoft.Web/serverfarms/join/action", true],
    ["Website Contributor", "action", "Microsoft.Web/serverfarms/write", false],
  ] as const)("%s: %s %s is %s", (role, kind, action, expected) => {
    expect(allows(role, kind, action)).toBe(expected);
  });
});
