/** Which built-in role is the smallest that allows an action, and where an assignment of it would be written. */
import { boilerplate } from "./built-in-roles/role.ts";
import type { ActionKind, RoleDefinition } from "./definitions.ts";
import { matcher } from "./patterns.ts";
import { grantsAction } from "./permissions.ts";
import { parseScope } from "./scopes.ts";

/**
 * Rough number of operations that a pattern grants: one for a plain string, more the earlier its wildcard stands.
 * Patterns for reading weigh a tenth, because they change nothing.
 */
const weightOf = (pattern: string): number => {
  if (!pattern.includes("*")) return 1;
  const fixed = pattern.split("*")[0]?.split("/").filter(Boolean).length ?? 0;
  const weight = [20_000, 1_000, 100, 30][fixed] ?? 15;
  return pattern.toLowerCase().endsWith("/read") ? weight / 10 : weight;
};

const weights = new WeakMap<RoleDefinition, number>();

/** How much a role grants, for comparing roles with one another. Shared boilerplate weighs like any other grant. */
export const breadth = (role: RoleDefinition): number => {
  let weight = weights.get(role);
  if (weight === undefined) {
    weight = 0;
    for (const permission of role.permissions) {
      for (const pattern of [...permission.actions, ...permission.dataActions]) weight += weightOf(pattern);
    }
    weights.set(role, weight);
  }
  return weight;
};

/** True when the role grants the action without any condition. */
export const grants = (role: RoleDefinition, kind: ActionKind, action: string): boolean =>
  role.permissions.some((permission) => permission.condition === undefined && grantsAction(permission, kind, action));

/** True when the role grants it by more than the patterns that most roles carry along. */
const isMeantFor = (role: RoleDefinition, kind: ActionKind, action: string): boolean => {
  const lower = action.toLowerCase();
  const patterns = role.permissions.flatMap((each) => (kind === "data" ? each.dataActions : each.actions));
  return patterns.some((pattern) => !boilerplate.has(pattern) && matcher(pattern)(lower));
};

/** Roles that allow the action, smallest first. Roles that only allow it in passing stand behind those meant for it. */
export const rolesFor = (
  roles: readonly RoleDefinition[],
  kind: ActionKind,
  action: string,
): readonly RoleDefinition[] =>
  roles
    .filter((role) => grants(role, kind, action))
    .map((role) => ({ role, incidental: isMeantFor(role, kind, action) ? 0 : 1 }))
    .sort(
      (a, b) =>
        a.incidental - b.incidental ||
        breadth(a.role) - breadth(b.role) ||
        a.role.roleName.localeCompare(b.role.roleName, "en"),
    )
    .map(({ role }) => role);

const dataScopes: ReadonlySet<string> = new Set([
  "containers",
  "queues",
  "tables",
  "fileshares",
  "secrets",
  "keys",
  "certificates",
]);

/**
 * The narrowest scope at which an assignment for a refused check makes sense: the data object that Azure accepts as a
 * scope, else the top-level resource; its group when the check is to create or deploy, since nothing exists there yet.
 */
export const assignableScope = (scope: string, kind: ActionKind, action: string): string => {
  const parsed = parseScope(scope);
  if (parsed === undefined) return scope;
  const { segments, level } = parsed;
  if (level === "managementGroup" || level === "subscription" || level === "resourceGroup" || level === "root")
    return parsed.text;
  const lower = segments.map((segment) => segment.toLowerCase());
  const to = (count: number): string => (count === 0 ? "/" : `/${segments.slice(0, count).join("/")}`);
  const extension = lower.lastIndexOf("microsoft.authorization");
  if (extension > 0 && lower[extension - 1] === "providers") {
    return assignableScope(to(extension - 1), kind, "");
  }
  const provider = lower.indexOf("providers");
  if (provider === -1) return lower[0] === "subscriptions" && lower.length > 2 ? to(2) : parsed.text;
  const isNew = kind === "action" && action.toLowerCase().endsWith("/write") && lower.length === provider + 4;
  if (lower[provider + 1] === "microsoft.resources" || isNew || lower.length < provider + 4) return to(provider);
  const type = lower.at(-2) ?? "";
  return dataScopes.has(type) ? parsed.text : to(provider + 4);
};

/** The command that grants a role, for a shell: ids need no quotes but may hold spaces in names. */
export const assignCommand = (principalId: string, roleName: string, scope: string): string =>
  `az role assignment create --assignee-object-id ${principalId} --role "${roleName}" --scope "${scope}"`;
