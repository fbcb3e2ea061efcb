/** Why a check was refused and what would allow it: facts for the portal and one line for a log. */
import type { AccessIndex } from "./access-index.ts";
import type { RoleAssignment } from "./assignments.ts";
import type { ActionKind, RoleDefinition } from "./definitions.ts";
import type { AccessQuery, AccessRefused, NearMiss } from "./evaluate.ts";
import { covers } from "./scopes.ts";
import { assignableScope, assignCommand, grants } from "./suggest.ts";

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
  const suggestions = suggestionsFor(index, query, refusal, suggestionLimit);
  const elsewhere: RoleAssignment[] = [];
  for (const assignment of elsewhereOf(index, query)) {
    elsewhere.push(assignment);
    if (elsewhere.length >= elsewhereLimit) break;
  }
  return {
    kind,
    action,
    scope,
    cause: refusal.cause,
    reason: refusal.reason,
    nearMisses: refusal.nearMisses,
    elsewhere,
    suggestions,
    text: textOf(refusal, suggestions[0], elsewhere[0], index),
  };
};

/** The text alone of what `explain` tells: what each refusal is recorded with. */
export const explainInLine = (index: AccessIndex, query: AccessQuery, refusal: AccessRefused): string =>
  textOf(refusal, suggestionsFor(index, query, refusal, 1)[0], elsewhereOf(index, query).next().value, index);

const suggestionsFor = (
  index: AccessIndex,
  { kind, action, scope, principalId }: AccessQuery,
  { cause }: AccessRefused,
  limit: number,
): readonly Suggestion[] => {
  if (cause === "deny-assignment" || cause === "invalid-scope") return [];
  const at = assignableScope(scope, kind, action);
  return index
    .rolesFor(kind, action)
    .filter((role) => role.assignableScopes.some((each) => covers(each, at)))
    .slice(0, limit)
    .map((role): Suggestion => ({ role, scope: at, command: assignCommand(principalId, role.roleName, at) }));
};

/** Assignments whose role would do, at scopes that do not reach. Roles first: a caller may hold thousands of others. */
const elsewhereOf = function* (
  index: AccessIndex,
  { principalId, groupIds, kind, action, scope }: AccessQuery,
): Generator<RoleAssignment, undefined> {
  for (const id of [principalId, ...groupIds])
    for (const held of index.assignmentsByRole(id).values()) {
      const [first] = held;
      const role = first === undefined ? undefined : index.roleOf(first);
      if (role === undefined || !grants(role, kind, action)) continue;
      for (const assignment of held) if (!covers(assignment.scope, scope)) yield assignment;
    }
};

const textOf = (
  refusal: AccessRefused,
  best: Suggestion | undefined,
  near: RoleAssignment | undefined,
  index: AccessIndex,
): string => {
  const parts = [refusal.reason];
  if (near !== undefined && refusal.cause === "no-assignment") {
    parts.push(`'${index.roleOf(near)?.roleName}' would allow it but is assigned at '${near.scope}'.`);
  }
  if (best !== undefined) parts.push(`To allow it: ${best.command}`);
  return parts.join(" ");
};
