/** From what was used to the smallest role assignments that allow it. */
import { builtInRoles } from "./built-in-roles/all.ts";
import type { ActionKind, RoleDefinition } from "./definitions.ts";
import { covers, parseScope, selfAndParents } from "./scopes.ts";
import { assignableScope, assignCommand, breadth, grants } from "./suggest.ts";

/** One action that a principal used (or was refused and needs). */
export interface Use {
  readonly principalId: string;
  readonly kind: ActionKind;
  readonly action: string;
  readonly scope: string;
}

export interface AdvisedAssignment {
  readonly principalId: string;
  readonly role: RoleDefinition;
  readonly scope: string;
  readonly covers: readonly Use[];
  readonly command: string;
}

export interface Advice {
  readonly assignments: readonly AdvisedAssignment[];
  /** Uses that no role allows without a condition. */
  readonly uncovered: readonly Use[];
}

/** Every further assignment weighs a little, so that one fitting role is preferred to two slightly smaller ones. */
const perAssignment = 2;

const cost = (roles: readonly RoleDefinition[]): number =>
  roles.reduce((sum, role) => sum + breadth(role) + perAssignment, 0);

const allows = (role: RoleDefinition, use: Use): boolean => grants(role, use.kind, use.action);

/** Roles that together allow all the uses, at little breadth: greedy cover, then whatever became superfluous is dropped. */
const coverOf = (uses: readonly Use[], roles: readonly RoleDefinition[]): readonly RoleDefinition[] => {
  const chosen: RoleDefinition[] = [];
  let open = [...uses];
  while (open.length > 0) {
    let best: RoleDefinition | undefined;
    let bestPrice = Number.POSITIVE_INFINITY;
    for (const role of roles) {
      const count = open.filter((use) => allows(role, use)).length;
      const price = (breadth(role) + perAssignment) / count;
      if (count > 0 && price < bestPrice) [best, bestPrice] = [role, price];
    }
    if (best === undefined) break;
    const taken = best;
    chosen.push(taken);
    open = open.filter((use) => !allows(taken, use));
  }
  const needed = withoutSuperfluous(chosen, uses);
  const coverable = uses.filter((use) => roles.some((role) => allows(role, use)));
  const single = roles
    .filter((role) => coverable.every((use) => allows(role, use)))
    .reduce<RoleDefinition | undefined>((a, b) => (a === undefined || breadth(b) < breadth(a) ? b : a), undefined);
  return single !== undefined && cost([single]) <= cost(needed) ? [single] : needed;
};

const withoutSuperfluous = (chosen: readonly RoleDefinition[], uses: readonly Use[]): readonly RoleDefinition[] => {
  let kept = [...chosen];
  for (const role of [...chosen].sort((a, b) => breadth(b) - breadth(a))) {
    const others = kept.filter((each) => each !== role);
    const stillNeeded = uses.some((use) => allows(role, use) && !others.some((each) => allows(each, use)));
    if (!stillNeeded) kept = others;
  }
  return kept;
};

const groupBy = <T>(items: readonly T[], key: (item: T) => string): ReadonlyMap<string, readonly T[]> => {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(key(item));
    if (group === undefined) groups.set(key(item), [item]);
    else group.push(item);
  }
  return groups;
};

const depth = (scope: string): number => {
  const parsed = parseScope(scope);
  return parsed === undefined ? 0 : selfAndParents(parsed).length;
};

/**
 * The smallest set of role assignments, per principal and scope, that allows all uses. Broad scopes are settled first,
 * so that what they already allow is not granted again below.
 */
export const advise = (uses: readonly Use[], roles: readonly RoleDefinition[] = builtInRoles): Advice => {
  const assignments: AdvisedAssignment[] = [];
  const uncovered: Use[] = [];
  for (const ofPrincipal of groupBy(uses, (use) => use.principalId.toLowerCase()).values()) {
    const chosen: { readonly role: RoleDefinition; readonly scope: string; readonly covered: Use[] }[] = [];
    const scoped = ofPrincipal.map((use) => ({ use, at: assignableScope(use.scope, use.kind, use.action) }));
    const groups = [...groupBy(scoped, ({ at }) => at.toLowerCase()).values()].sort(
      ([a], [b]) => depth(a?.at ?? "/") - depth(b?.at ?? "/"),
    );
    for (const group of groups) {
      const at = group[0]?.at ?? "/";
      const open: Use[] = [];
      for (const { use } of group) {
        const already = chosen.find(({ role, scope }) => covers(scope, at) && allows(role, use));
        if (already === undefined) open.push(use);
        else already.covered.push(use);
      }
      const found = coverOf(open, roles);
      for (const role of found) chosen.push({ role, scope: at, covered: open.filter((use) => allows(role, use)) });
      uncovered.push(...open.filter((use) => !found.some((role) => allows(role, use))));
    }
    const principalId = ofPrincipal[0]?.principalId ?? "";
    for (const { role, scope, covered } of chosen) {
      assignments.push({
        principalId,
        role,
        scope,
        covers: covered,
        command: assignCommand(principalId, role.roleName, scope),
      });
    }
  }
  return { assignments, uncovered };
};
