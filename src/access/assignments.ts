/** Role assignments and deny assignments with Azure's field names, flat (`properties` merged with id and name). */
import { type Permission, roleDefinitionIdAt, roleGuid } from "./definitions.ts";
import { parseScope } from "./scopes.ts";

/** [Device and ForeignGroup are not used by Lanyard's own directory, but are accepted.] */
export type AssignmentPrincipalType = "User" | "Group" | "ServicePrincipal" | "ForeignGroup" | "Device";

export interface RoleAssignment {
  /** `{scope}/providers/Microsoft.Authorization/roleAssignments/{name}`. */
  readonly id: string;
  /** GUID, unique across the tenant. */
  readonly name: string;
  readonly scope: string;
  /** Normalised by `normaliseRoleDefinitionId`. */
  readonly roleDefinitionId: string;
  readonly principalId: string;
  readonly principalType: AssignmentPrincipalType;
  readonly condition?: string;
  readonly conditionVersion?: string;
  readonly description?: string;
  readonly delegatedManagedIdentityResourceId?: string;
  readonly createdOn?: string;
  readonly updatedOn?: string;
  readonly createdBy?: string;
  readonly updatedBy?: string;
}

export interface DenyPrincipal {
  readonly id: string;
  readonly type: "User" | "Group" | "ServicePrincipal" | "SystemDefined";
}

export interface DenyAssignment {
  readonly id: string;
  readonly name: string;
  readonly denyAssignmentName: string;
  readonly description?: string;
  readonly permissions: readonly Permission[];
  readonly scope: string;
  readonly doNotApplyToChildScopes: boolean;
  readonly principals: readonly DenyPrincipal[];
  readonly excludePrincipals: readonly DenyPrincipal[];
  readonly isSystemProtected: boolean;
}

/** The principal id that stands for everyone in a deny assignment (type SystemDefined). */
export const everyonePrincipalId = "00000000-0000-0000-0000-000000000000";

const authorizationSuffix = /\/providers\/microsoft\.authorization\/(?:roleassignments|denyassignments|locks)\/[^/]+$/i;

/** The scope of an extension resource of Microsoft.Authorization: its id without its own type and name. */
export const scopeOfId = (id: string): string => {
  const scope = id.replace(/\/+$/, "").replace(authorizationSuffix, "");
  return scope === "" ? "/" : scope;
};

/** The ARM id of a role assignment at a scope. */
export const roleAssignmentId = (scope: string, name: string): string =>
  `${(parseScope(scope)?.text ?? scope).replace(/\/$/, "")}/providers/Microsoft.Authorization/roleAssignments/${name}`;

/**
 * Every accepted spelling of a role definition id in the one form that Azure stores and shows for the scope.
 * Undefined when the id is malformed (400 `InvalidRoleDefinitionId`).
 */
export const normaliseRoleDefinitionId = (scope: string, roleDefinitionId: string): string | undefined => {
  const guid = roleGuid(roleDefinitionId);
  return guid === undefined ? undefined : roleDefinitionIdAt(scope, guid);
};
