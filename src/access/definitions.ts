/**
 * Role definitions as Azure spells them, and the rules that a custom role must keep.
 * https://learn.microsoft.com/azure/role-based-access-control/role-definitions and .../custom-roles
 */
import { parseScope } from "./scopes.ts";

/** One permission object of a role. `notActions` subtract from `actions` of the same object only. */
export interface Permission {
  readonly actions: readonly string[];
  readonly notActions: readonly string[];
  readonly dataActions: readonly string[];
  readonly notDataActions: readonly string[];
  /** ABAC condition that must hold for this object to grant anything (role assignment delegation). */
  readonly condition?: string;
  readonly conditionVersion?: string;
}

export type RoleType = "BuiltInRole" | "CustomRole";

/** A role definition. `name` is its GUID; the ARM id depends on the scope it is read at (`roleDefinitionIdAt`). */
export interface RoleDefinition {
  readonly name: string;
  readonly roleName: string;
  readonly type: RoleType;
  readonly description: string;
  readonly assignableScopes: readonly string[];
  readonly permissions: readonly Permission[];
  /** ISO times and object ids; absent for built-in roles. */
  readonly createdOn?: string;
  readonly updatedOn?: string;
  readonly createdBy?: string;
  readonly updatedBy?: string;
}

/** The two worlds of actions, in the words of the kernel's `Need`; they are never merged. */
export type ActionKind = "action" | "data";

/** A rule that a custom role breaks: the code and message of a 400. */
export interface RoleProblem {
  readonly code: string;
  readonly message: string;
}

const guidForm = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

/** True for a GUID in its dashed form. */
export const isGuid = (text: string): boolean => guidForm.test(text);

/** A GUID as 32 hex digits: the form in which Azure's authorization messages quote ids. */
export const undashed = (guid: string): string => guid.replaceAll("-", "").toLowerCase();

/**
 * The role's GUID, lower-case, from any spelling of a role definition id: the bare GUID, `/providers/…/{guid}` or an
 * id under a subscription, resource group or management group. Undefined when the text is none of these.
 */
export const roleGuid = (roleDefinitionId: string): string | undefined => {
  const text = roleDefinitionId.trim().replace(/\/+$/, "");
  if (guidForm.test(text)) return text.toLowerCase();
  const match = /\/providers\/microsoft\.authorization\/roledefinitions\/([^/]+)$/i.exec(text);
  const name = match?.[1];
  return name !== undefined && guidForm.test(name) ? name.toLowerCase() : undefined;
};

/**
 * The ARM id under which a role is shown and stored for a scope: below a subscription it carries the subscription,
 * elsewhere (root, management groups) it begins with `/providers`.
 */
export const roleDefinitionIdAt = (scope: string, guid: string): string => {
  const subscription = parseScope(scope)?.subscription;
  const prefix = subscription === undefined ? "" : `/subscriptions/${subscription}`;
  return `${prefix}/providers/Microsoft.Authorization/roleDefinitions/${guid}`;
};

// One segment: letters, digits, `.`, `-`, `_` and wildcards. `*` alone is every action.
const actionForm = /^(?:\*|[A-Za-z0-9.*_-]+(?:\/[A-Za-z0-9.*_-]+)+)$/;

/**
 * Checks a custom role against Azure's rules. An empty list means that it may be stored. Rules on other state (name
 * taken, caller's right on every assignable scope, role in use) are the service's.
 */
export const customRoleProblems = (
  role: Pick<RoleDefinition, "roleName" | "assignableScopes" | "permissions">,
): RoleProblem[] => {
  const problems: RoleProblem[] = [];
  const problem = (code: string, message: string): void => {
    problems.push({ code, message });
  };
  if (role.roleName.trim() === "") problem("InvalidRoleDefinitionName", "The role definition name must not be empty.");
  if (role.assignableScopes.length === 0) {
    problem("MissingAssignableScopes", "At least one assignable scope must be specified for a custom role.");
  }
  let managementGroups = 0;
  for (const text of role.assignableScopes) {
    const level = parseScope(text)?.level;
    if (level === "managementGroup") managementGroups += 1;
    else if (level !== "subscription" && level !== "resourceGroup") {
      problem(
        "InvalidAssignableScope",
        `The assignable scope '${text}' is not valid. It must be a management group, a subscription or a resource group.`,
      );
    }
  }
  if (managementGroups > 1) {
    problem("TooManyManagementGroupAssignableScopes", "Only one management group can be an assignable scope.");
  }
  if (managementGroups > 0 && role.permissions.some((p) => p.dataActions.length > 0 || p.notDataActions.length > 0)) {
    // https://learn.microsoft.com/azure/role-based-access-control/custom-roles#custom-role-limits
    problem(
      "InvalidDataActionsForManagementGroup",
      "You cannot add data action permissions when you have a management group as an assignable scope.",
    );
  }
  if (role.permissions.every((p) => p.actions.length === 0 && p.dataActions.length === 0)) {
    problem("InvalidRoleDefinitionPermissions", "A role definition needs at least one action or data action.");
  }
  for (const permission of role.permissions) {
    for (const text of [...permission.actions, ...permission.notActions]) {
      if (!actionForm.test(text)) {
        problem("InvalidActionOrNotAction", `'${text}' does not match any of the actions supported by the providers.`);
      }
    }
    for (const text of [...permission.dataActions, ...permission.notDataActions]) {
      if (!actionForm.test(text)) {
        problem(
          "InvalidDataActionOrNotDataAction",
          `'${text}' does not match any of the data actions supported by the providers.`,
        );
      }
    }
  }
  return problems;
};
