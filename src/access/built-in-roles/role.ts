/** How the built-in roles are written down: readonly records, with the boilerplate that most of them share by name. */
import type { Permission, RoleDefinition } from "../definitions.ts";

export interface Grants {
  readonly actions?: readonly string[];
  readonly notActions?: readonly string[];
  readonly dataActions?: readonly string[];
  readonly condition?: string;
}

/** A built-in role with one permission object. All built-in roles are assignable everywhere. */
export const builtIn = (name: string, roleName: string, description: string, grants: Grants): RoleDefinition => {
  const permission: Permission = {
    actions: grants.actions ?? [],
    notActions: grants.notActions ?? [],
    dataActions: grants.dataActions ?? [],
    notDataActions: [],
    ...(grants.condition === undefined ? {} : { condition: grants.condition, conditionVersion: "2.0" }),
  };
  return { name, roleName, type: "BuiltInRole", description, assignableScopes: ["/"], permissions: [permission] };
};

/** `prefix` before each of `names`. */
export const each = (prefix: string, ...names: readonly string[]): readonly string[] =>
  names.map((name) => prefix + name);

export const authorizationRead = "Microsoft.Authorization/*/read";
export const alertRules = "Microsoft.Insights/alertRules/*";
export const deployments = "Microsoft.Resources/deployments/*";
export const groupRead = "Microsoft.Resources/subscriptions/resourceGroups/read";
export const support = "Microsoft.Support/*";
export const availability = "Microsoft.ResourceHealth/availabilityStatuses/read";
export const joinViaServiceEndpoint = "Microsoft.Network/virtualNetworks/subnets/joinViaServiceEndpoint/action";

/** The five actions that nearly every service role carries beside its own. */
export const base5: readonly string[] = [authorizationRead, alertRules, deployments, groupRead, support];

/** Patterns that many roles carry for convenience: a match by these alone does not make a role a fitting suggestion. */
export const boilerplate: ReadonlySet<string> = new Set([...base5, availability, joinViaServiceEndpoint]);
