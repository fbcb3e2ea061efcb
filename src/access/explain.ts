/** Why a check was refused and what would allow it: facts for the portal and one line for a log. */
import type { AccessIndex } from "./access-index.ts";
import type { RoleAssignment } from "./assignments.ts";
import type { ActionKind, RoleDefinition } from "./definitions.ts";
import type { AccessQuery, AccessRefused, NearMiss } from "./evaluate.ts";
import { covers } from "./scopes.ts";
import { assignableScope, assignCommand, grants, rolesFor } from "./suggest.ts";

export interface Suggestion {
  readonly role: RoleDefinition;
  readonly scope: string;
  /** A complete `az role assignment create` command. */
  readonly command: string;
}

export interface Explanation {
  readonly kind: ActionKind;
  readonly action: string;
  readonly scope: string;
  readonly cause: AccessRefused["cause"];
  readonly reason: string;
  readonly nearMisses: readonly NearMiss[];
  /** Assignments of the caller whose role would allow it, but at a scope that does not reach. */
  readonly elsewhere: readonly RoleAssignment[];
  /** Smallest first; empty when another role cannot help (deny assignment, invalid scope). */
  readonly suggestions: readonly Suggestion[];
  /** One line: the reason and, if there is one, the first command. */
  readonly text: string;
}

const suggestionLimit = 3;
const elsewhereLimit = 10;

/** Explains a refusal that `AccessIndex.check` returned for the query. */
export const explain = (index: AccessIndex, query: AccessQuery, refusal: AccessRefused): Explanation => {
  const { kind, action, scope } = query;
  const helpless = refusal.cause === "deny-assignment" || refusal.cause === "invalid-scope";
  const at = assignableScope(scope, kind, action);
  const suggestions = helpless
    ? []
    : rolesFor(index.definitions(), kind, action)
        .filter((role) => role.assignableScopes.some((each) => covers(each, at)))
        .slice(0, suggestionLimit)
        .map((role): Suggestion => ({ role, scope: at, command: assignCommand(query.principalId, role.roleName, at) }));
  const elsewhere = elsewhereOf(index, query);
  return {
    kind,
    action,
    scope,
    cause: refusal.cause,
    reason: refusal.reason,
    nearMisses: refusal.nearMisses,
    elsewhere,
    suggestions,
    text: textOf(refusal, suggestions, elsewhere, index),
  };
};

const held = function* (index: AccessIndex, principalId: string): Generator<RoleAssignment> {
  for (const atScope of index.assignmentsOf(principalId.toLowerCase())?.values() ?? []) yield* atScope;
};

const elsewhereOf = (index: AccessIndex, query: AccessQuery): readonly RoleAssignment[] => {
  const found: RoleAssignment[] = [];
  for (const id of [query.principalId, ...query.groupIds]) {
    // One by one: a caller may hold thousands, and the first few are enough.
    for (const assignment of held(index, id)) {
      if (found.length >= elsewhereLimit) return found;
      const role = index.roleOf(assignment);
      if (role !== undefined && !covers(assignment.scope, query.scope) && grants(role, query.kind, query.action)) {
        found.push(assignment);
      }
    }
  }
  return found;
};

const textOf = (
  refusal: AccessRefused,
  suggestions: readonly Suggestion[],
  elsewhere: readonly RoleAssignment[],
  index: AccessIndex,
): string => {
  const parts = [refusal.reason];
  const near = elsewhere[0];
  if (near !== undefined && refusal.cause === "no-assignment") {
    parts.push(`'${index.roleOf(near)?.roleName}' would allow it but is assigned at '${near.scope}'.`);
  }
  const best = suggestions[0];
  if (best !== undefined) parts.push(`To allow it: ${best.command}`);
  return parts.join(" ");
};
