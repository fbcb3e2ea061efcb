import type { Directory } from "../../identity/directory.ts";
import { type DirectoryRole, directoryRoleName } from "../../identity/directory-roles.ts";
import type { Caller, TokenCaller } from "../../kernel/caller.ts";
import type { Verdict } from "../../kernel/decision.ts";
import type { Decider } from "../../kernel/service.ts";
import { ownersAt } from "./lookups.ts";

/**
 * The least privileged permission of each operation, and the higher ones that include it.
 * Source: the permission tables of each page below learn.microsoft.com/graph/api.
 */
const includedIn = {
  "User.Read.All": ["User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"],
  "GroupMember.Read.All": [
    "GroupMember.ReadWrite.All",
    "Group.Read.All",
    "Group.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
  ],
  "Application.Read.All": [
    "Application.ReadWrite.OwnedBy",
    "Application.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
  ],
  "Directory.Read.All": ["Directory.ReadWrite.All"],
  "Organization.Read.All": ["Organization.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"],
  "Domain.Read.All": ["Domain.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"],
  "RoleManagement.Read.Directory": [
    "RoleManagement.ReadWrite.Directory",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
  ],
  "Application.ReadWrite.OwnedBy": ["Application.ReadWrite.All", "Directory.ReadWrite.All"],
  "Application.ReadWrite.All": ["Directory.ReadWrite.All"],
  "Group.Create": ["Group.ReadWrite.All", "Directory.ReadWrite.All"],
  "Group.ReadWrite.All": ["Directory.ReadWrite.All"],
  "GroupMember.ReadWrite.All": ["Group.ReadWrite.All", "Directory.ReadWrite.All"],
  "RoleManagement.ReadWrite.Directory": [],
  "AppRoleAssignment.ReadWrite.All": [],
} as const satisfies Record<string, readonly string[]>;

export type GraphPermission = keyof typeof includedIn;

/**
 * Which permissions a directory role comes to, among those that operations here ask for.
 * Source: learn.microsoft.com/entra/identity/role-based-access-control/permissions-reference
 */
const permissionsOf: Readonly<Record<DirectoryRole, readonly string[]>> = {
  "Global Administrator": [
    "Directory.ReadWrite.All",
    "RoleManagement.ReadWrite.Directory",
    "AppRoleAssignment.ReadWrite.All",
  ],
  "Privileged Role Administrator": [
    "RoleManagement.ReadWrite.Directory",
    "AppRoleAssignment.ReadWrite.All",
    "Directory.Read.All",
  ],
  "Application Administrator": ["Application.ReadWrite.All", "Directory.Read.All"],
  "Cloud Application Administrator": ["Application.ReadWrite.All", "Directory.Read.All"],
  "Application Developer": ["Application.ReadWrite.OwnedBy"],
  "Groups Administrator": ["Group.ReadWrite.All", "Directory.Read.All"],
  "Directory Writers": ["Group.ReadWrite.All", "Directory.Read.All"],
  "Directory Readers": ["Directory.Read.All"],
};

/** Delegated: the app acts with all the rights of the user. */
const actingAsUser = "Directory.AccessAsUser.All";

/**
 * What every member may: read the directory, register applications, create security groups.
 * Source: learn.microsoft.com/entra/fundamentals/users-default-permissions
 */
const ofMembers = ["Directory.Read.All", "Application.ReadWrite.OwnedBy", "Group.Create"];

/** Writes that an owner of the object may do without a right over all objects of its kind. */
const byOwner: ReadonlySet<string> = new Set<GraphPermission>([
  "Application.ReadWrite.All",
  "Group.ReadWrite.All",
  "GroupMember.ReadWrite.All",
]);

/**
 * Graph's own authority; Azure roles mean nothing here. An app has the permissions frozen in its token and its directory
 * roles, a user what the app may do of what the user may. Owners may change what they own; an app that owns applications
 * needs `Application.ReadWrite.OwnedBy` besides, as in Entra.
 */
export const graphPermissions = (directory: Directory): Decider<unknown> => ({
  name: "Microsoft Graph permissions",
  applies: (caller) => caller.kind === "principal",
  decide: async ({ caller, need }): Promise<Verdict> => {
    if (caller.kind !== "principal") return refused(need.name as GraphPermission, []);
    const wanted = need.name as GraphPermission;
    const sufficient: readonly string[] = [wanted, ...includedIn[wanted]];
    const granted = grantedBy(caller);
    const delegated = caller.type === "User";
    const scope = granted.find((name) => name === actingAsUser || sufficient.includes(name));
    if (delegated && scope === undefined) return refused(wanted, sufficient);
    const held = delegated
      ? ofMembers.map((name) => ({ name, via: `Microsoft Graph permission ${scope}, with what members may` }))
      : granted.map((name) => ({ name, via: `Microsoft Graph permission ${name}` }));
    const rights = [...held, ...(await rightsOfRoles(caller, directory))];
    const found = rights.find(({ name }) => sufficient.includes(name));
    if (found !== undefined) return { allowed: true, via: found.via };
    if (
      byOwner.has(wanted) &&
      (!wanted.startsWith("Application.") || rights.some(({ name }) => name === "Application.ReadWrite.OwnedBy")) &&
      (await ownersAt(need.scope, directory)).includes(caller.objectId)
    )
      return { allowed: true, via: `ownership of ${need.scope}` };
    return refused(wanted, sufficient);
  },
});

const refused = (wanted: GraphPermission, sufficient: readonly string[]): Verdict => ({
  allowed: false,
  cause: "no-permission",
  reason: `The caller has none of the Microsoft Graph permissions ${sufficient.join(", ")}, no directory role that comes to one${byOwner.has(wanted) ? ", and does not own the object" : ""}.`,
  hint: `grant the application permission ${wanted} (Microsoft Graph) to the service principal and get a new token, or assign a directory role: POST https://graph.microsoft.com/v1.0/roleManagement/directory/roleAssignments`,
});

const rightsOfRoles = async (caller: TokenCaller, directory: Directory): Promise<{ name: string; via: string }[]> => {
  const principal = await directory.principal(caller.objectId);
  const ids = principal?.kind === "Group" ? [] : (principal?.directoryRoles ?? []);
  return ids.flatMap((id) => {
    const role = directoryRoleName(id);
    return role === undefined ? [] : permissionsOf[role].map((name) => ({ name, via: `directory role ${role}` }));
  });
};

/** Application permissions stand in `roles`, delegated ones in `scp`. */
const grantedBy = (caller: Caller): readonly string[] => {
  if (caller.kind !== "principal") return [];
  const { roles, scp } = caller.claims;
  if (caller.type === "User") return typeof scp === "string" ? scp.split(" ") : [];
  return Array.isArray(roles) ? roles.filter((role) => typeof role === "string") : [];
};
