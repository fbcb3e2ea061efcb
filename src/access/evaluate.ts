/**
 * Azure RBAC: may this principal do this action here? Roles add up, `notActions` subtract inside one permission object
 * only, deny assignments beat every role, and a condition that is false or cannot be evaluated grants nothing.
 * https://learn.microsoft.com/azure/role-based-access-control/overview#how-azure-rbac-determines-if-a-user-has-access-to-a-resource
 */
import { type DenyAssignment, everyonePrincipalId, type RoleAssignment } from "./assignments.ts";
import type { AttributeValues } from "./conditions/attributes.ts";
import { type ConditionContext, evaluateCondition, type Outcome, usesGuidOperator } from "./conditions/evaluate.ts";
import { parseCondition } from "./conditions/parse.ts";
import type { Expression } from "./conditions/syntax.ts";
import type { ActionKind, Permission, RoleDefinition } from "./definitions.ts";
import { standing } from "./permissions.ts";
import { parseScope, type Scope } from "./scopes.ts";

export interface AccessQuery {
  /** Object id of the caller. */
  readonly principalId: string;
  /** Object ids of the caller's groups, transitive. */
  readonly groupIds: readonly string[];
  readonly kind: ActionKind;
  readonly action: string;
  /** Decoded resource id. */
  readonly scope: string;
  /** What conditions may ask about the request, by `Source[type:name]`. */
  readonly attributes?: AttributeValues;
  readonly subOperations?: readonly string[];
  /** Tenant time in milliseconds, for conditions. */
  readonly now?: number;
}

/** Why a role assignment of the caller at a covering scope did not help. */
export type NearMissReason =
  /** The role holds no such action. */
  | "not-in-role"
  /** The role holds the string, but among its data actions (or the other way round). */
  | "other-kind"
  | "not-actions"
  | "condition-false"
  | "condition-not-evaluable"
  /** The role definition was deleted or is unknown. */
  | "unknown-role";

export interface NearMiss {
  readonly assignment: RoleAssignment;
  readonly role: RoleDefinition | undefined;
  readonly reason: NearMissReason;
  /** The excluding pattern, or why the condition is not evaluable. */
  readonly detail: string;
}

export type RefusalCause =
  | "no-assignment"
  | "not-actions"
  | "deny-assignment"
  | "condition-false"
  | "condition-not-evaluable"
  | "invalid-scope";

export interface AccessAllowed {
  readonly allowed: true;
  readonly assignment: RoleAssignment;
  readonly role: RoleDefinition;
}

export interface AccessRefused {
  readonly allowed: false;
  readonly cause: RefusalCause;
  /** One sentence for logs; names no more than ids and action strings. */
  readonly reason: string;
  /** The deny assignment that blocks, when `cause` says so. */
  readonly deny?: DenyAssignment;
  /** At most `nearMissLimit`, most telling first. */
  readonly nearMisses: readonly NearMiss[];
}

export type AccessVerdict = AccessAllowed | AccessRefused;

/** What the evaluation reads. `AccessIndex` keeps it in step with every write. */
export interface AccessFacts {
  /** Keys of the scope and of all that contain it, management groups and `/` included, narrowest first. */
  ancestors(scope: Scope): readonly string[];
  assignmentsOf(principalId: string): ReadonlyMap<string, readonly RoleAssignment[]> | undefined;
  denyAssignmentsOf(principalId: string): ReadonlyMap<string, readonly DenyAssignment[]> | undefined;
  roleOf(assignment: RoleAssignment): RoleDefinition | undefined;
}

export const nearMissLimit = 20;
type ParsedCondition = { readonly expression: Expression; readonly guids: boolean } | { readonly broken: string };
const parsedConditions = new WeakMap<object, ParsedCondition>();

const parsed = (holder: { readonly condition?: string }): ParsedCondition | undefined => {
  if (holder.condition === undefined || holder.condition.trim() === "") return undefined;
  let known = parsedConditions.get(holder);
  if (known === undefined) {
    try {
      const expression = parseCondition(holder.condition);
      known = { expression, guids: usesGuidOperator(expression) };
    } catch (error) {
      known = { broken: error instanceof Error ? error.message : "it cannot be read" };
    }
    parsedConditions.set(holder, known);
  }
  return known;
};

const conditionHolds = (
  holder: { readonly condition?: string; readonly conditionVersion?: string },
  context: ConditionContext,
): Outcome => {
  const condition = parsed(holder);
  if (condition === undefined) return true;
  if (holder.conditionVersion !== undefined && holder.conditionVersion !== "2.0") {
    return { notEvaluable: `the condition has version ${holder.conditionVersion}, and only 2.0 is known` };
  }
  return "broken" in condition
    ? { notEvaluable: `the condition cannot be read: ${condition.broken}` }
    : evaluateCondition(condition.expression, context);
};

/** Azure fails the whole request when a condition puts a Guid operator on a storage data action (access.md 1.6). */
const guidOnStorage = (assignment: RoleAssignment, kind: ActionKind, lowerAction: string): boolean => {
  if (kind !== "data" || !lowerAction.startsWith("microsoft.storage/")) return false;
  const condition = parsed(assignment);
  return condition !== undefined && "guids" in condition && condition.guids;
};

type Judged = true | Omit<NearMiss, "assignment" | "role">;

const judge = (
  assignment: RoleAssignment,
  role: RoleDefinition,
  kind: ActionKind,
  context: ConditionContext,
): Judged => {
  let best: Exclude<Judged, true> = { reason: "not-in-role", detail: "" };
  for (const permission of role.permissions) {
    const found = standing(permission, kind, context.action);
    if (found === undefined) {
      const otherKind = kind === "action" ? "data" : "action";
      if (best.reason === "not-in-role" && standing(permission, otherKind, context.action) === "") {
        best = { reason: "other-kind", detail: otherKind };
      }
      continue;
    }
    if (found !== "") {
      best = { reason: "not-actions", detail: found };
      continue;
    }
    const outcome = firstFailing(conditionHolds(permission, context), () => conditionHolds(assignment, context));
    if (outcome === true) return true;
    best =
      outcome === false
        ? { reason: "condition-false", detail: permission.condition ?? assignment.condition ?? "" }
        : { reason: "condition-not-evaluable", detail: outcome.notEvaluable };
  }
  return best;
};

const firstFailing = (first: Outcome, second: () => Outcome): Outcome => (first === true ? second() : first);

/** Most telling first; also the order of causes of a refusal. */
const rank: readonly NearMissReason[] = [
  "condition-not-evaluable",
  "condition-false",
  "not-actions",
  "other-kind",
  "unknown-role",
  "not-in-role",
];

const causeOf = (nearest: NearMiss | undefined): RefusalCause => {
  switch (nearest?.reason) {
    case "condition-not-evaluable":
    case "condition-false":
    case "not-actions":
      return nearest.reason;
    default:
      return "no-assignment";
  }
};

const wordsOf = (query: AccessQuery, nearest: NearMiss | undefined): string => {
  const kind = query.kind === "data" ? "data action" : "action";
  const role = nearest?.role?.roleName ?? nearest?.assignment.roleDefinitionId;
  const missing = `No role assignment grants the ${kind} '${query.action}' at '${query.scope}'`;
  switch (nearest?.reason) {
    case "condition-not-evaluable":
      return `The condition of the assignment of '${role}' cannot be evaluated: ${nearest.detail}.`;
    case "condition-false":
      return `The condition of the assignment of '${role}' is not met.`;
    case "not-actions":
      return `${missing}: '${role}' takes it away by '${nearest.detail}'.`;
    case "other-kind":
      return query.kind === "data"
        ? `${missing}: '${role}' matches it among actions only, and those grant no access to data.`
        : `${missing}: '${role}' matches it among data actions only.`;
    case "unknown-role":
      return `${missing}: the role definition '${role}' does not exist.`;
    default:
      return `${missing}.`;
  }
};

const refusedBecause = (query: AccessQuery, misses: NearMiss[]): AccessRefused => {
  const order = misses.sort((a, b) => rank.indexOf(a.reason) - rank.indexOf(b.reason));
  const nearest = order[0];
  return {
    allowed: false,
    cause: causeOf(nearest),
    reason: wordsOf(query, nearest),
    nearMisses: order.slice(0, nearMissLimit),
  };
};

/** Decides one check. Work grows with the depth of the scope and the caller's groups, not with the tenant's assignments. */
export const evaluate = (facts: AccessFacts, query: AccessQuery): AccessVerdict => {
  const scope = parseScope(query.scope);
  if (scope === undefined) {
    return { allowed: false, cause: "invalid-scope", reason: `'${query.scope}' is not a scope.`, nearMisses: [] };
  }
  const ancestors = facts.ancestors(scope);
  const context: ConditionContext = {
    action: query.action.toLowerCase(),
    subOperations: query.subOperations ?? [],
    attributes: query.attributes ?? {},
    now: query.now,
  };
  const misses: NearMiss[] = [];
  let granting: AccessAllowed | undefined;
  for (const principalId of [query.principalId, ...query.groupIds]) {
    const byScope = facts.assignmentsOf(principalId.toLowerCase());
    if (byScope === undefined) continue;
    for (const key of ancestors) {
      for (const assignment of byScope.get(key) ?? []) {
        const role = facts.roleOf(assignment);
        const judged: Judged =
          role === undefined
            ? { reason: "unknown-role", detail: assignment.roleDefinitionId }
            : judge(assignment, role, query.kind, context);
        const touches = judged === true || judged.reason.startsWith("condition");
        if (role !== undefined && touches && guidOnStorage(assignment, query.kind, context.action)) {
          const detail = "a Guid operator cannot be used with storage data actions";
          return refusedBecause(query, [{ assignment, role, reason: "condition-not-evaluable", detail }]);
        }
        if (judged !== true) misses.push({ assignment, role, ...judged });
        else if (role !== undefined) granting ??= { allowed: true, assignment, role };
      }
    }
  }
  if (granting === undefined) return refusedBecause(query, misses);
  const deny = denying(facts, query, scope, ancestors, context);
  return deny === undefined
    ? granting
    : {
        allowed: false,
        cause: "deny-assignment",
        reason: `The deny assignment '${deny.denyAssignmentName}' at '${deny.scope}' blocks '${query.action}'.`,
        deny,
        nearMisses: misses.slice(0, nearMissLimit),
      };
};

const denying = (
  facts: AccessFacts,
  query: AccessQuery,
  scope: Scope,
  ancestors: readonly string[],
  context: ConditionContext,
): DenyAssignment | undefined => {
  const callers = [query.principalId, ...query.groupIds].map((id) => id.toLowerCase());
  for (const id of [everyonePrincipalId, ...callers]) {
    const byScope = facts.denyAssignmentsOf(id);
    if (byScope === undefined) continue;
    for (const key of ancestors) {
      for (const deny of byScope.get(key) ?? []) {
        if (deny.doNotApplyToChildScopes && key !== scope.key) continue;
        if (deny.excludePrincipals.some((each) => callers.includes(each.id.toLowerCase()))) continue;
        if (deny.permissions.some((permission) => denies(permission, query.kind, context))) return deny;
      }
    }
  }
  return undefined;
};

/** A condition that cannot be evaluated does not lift a denial. */
const denies = (permission: Permission, kind: ActionKind, context: ConditionContext): boolean =>
  standing(permission, kind, context.action) === "" && conditionHolds(permission, context) !== false;
