/** Who holds what, in memory, kept in step with every write: the authority that services ask. */
import type { DenyAssignment, RoleAssignment } from "./assignments.ts";
import { builtInRoles } from "./built-in-roles/all.ts";
import { type ActionKind, type RoleDefinition, roleGuid } from "./definitions.ts";
import { type AccessFacts, type AccessQuery, type AccessVerdict, evaluate } from "./evaluate.ts";
import { covers, parseScope, type Scope, scopeKey, selfAndParents } from "./scopes.ts";
import { rolesFor } from "./suggest.ts";

type ByScope<T> = Map<string, readonly T[]>;

interface Scoped {
  readonly name: string;
  readonly scope: string;
}

const insert = <T extends Scoped>(index: Map<string, ByScope<T>>, principalId: string, item: T): void => {
  const scope = scopeKey(item.scope);
  if (scope === undefined) return;
  const principal = principalId.toLowerCase();
  const byScope = index.get(principal) ?? new Map<string, readonly T[]>();
  index.set(principal, byScope);
  byScope.set(scope, [...(byScope.get(scope) ?? []), item]);
};

const take = <T extends Scoped>(index: Map<string, ByScope<T>>, principalId: string, item: T): void => {
  const scope = scopeKey(item.scope);
  const principal = principalId.toLowerCase();
  const byScope = index.get(principal);
  if (scope === undefined || byScope === undefined) return;
  const left = (byScope.get(scope) ?? []).filter((each) => each !== item);
  if (left.length > 0) byScope.set(scope, left);
  else byScope.delete(scope);
  if (byScope.size === 0) index.delete(principal);
};

const managementGroupLimit = 16;
const rememberAtMost = 2_000;

/**
 * In-memory index of assignments and definitions. Whoever writes them to the store calls `put…`/`remove…` after the
 * commit; at start the stored ones are loaded by the same calls. Built-in roles are always present.
 */
export class AccessIndex implements AccessFacts {
  readonly #roles = new Map<string, RoleDefinition>(builtInRoles.map((role) => [role.name, role]));
  readonly #assignments = new Map<string, RoleAssignment>();
  readonly #byPrincipal = new Map<string, ByScope<RoleAssignment>>();
  /** By principal, then by the GUID of the role. */
  readonly #byRole = new Map<string, Map<string, Set<RoleAssignment>>>();
  readonly #rolesFor = new Map<string, readonly RoleDefinition[]>();
  readonly #denials = new Map<string, DenyAssignment>();
  readonly #denialsByPrincipal = new Map<string, ByScope<DenyAssignment>>();
  readonly #managementGroupOf = new Map<string, string>();

  /** Decides one check. */
  check(query: AccessQuery): AccessVerdict {
    return evaluate(this, query);
  }

  putDefinition(role: RoleDefinition): void {
    const name = role.name.toLowerCase();
    if (this.#roles.get(name)?.type === "BuiltInRole")
      throw new Error(`${role.roleName}: a built-in role cannot change.`);
    this.#roles.set(name, role);
    this.#rolesFor.clear();
  }

  /** False when there is no custom role of that name. */
  removeDefinition(name: string): boolean {
    const key = name.toLowerCase();
    this.#rolesFor.clear();
    return this.#roles.get(key)?.type === "CustomRole" && this.#roles.delete(key);
  }

  /** A role by GUID or by any spelling of its id. */
  definition(roleDefinitionId: string): RoleDefinition | undefined {
    const name = roleGuid(roleDefinitionId);
    return name === undefined ? undefined : this.#roles.get(name);
  }

  definitions(): readonly RoleDefinition[] {
    return [...this.#roles.values()];
  }

  /** Roles that allow an action, smallest first. */
  rolesFor(kind: ActionKind, action: string): readonly RoleDefinition[] {
    const key = `${kind} ${action}`;
    const known = this.#rolesFor.get(key);
    if (known !== undefined) return known;
    const found = rolesFor(this.definitions(), kind, action);
    if (this.#rolesFor.size >= rememberAtMost) this.#rolesFor.clear();
    this.#rolesFor.set(key, found);
    return found;
  }

  /** Adds an assignment, or replaces the one of the same name. */
  putAssignment(assignment: RoleAssignment): void {
    this.removeAssignment(assignment.name);
    this.#assignments.set(assignment.name.toLowerCase(), assignment);
    insert(this.#byPrincipal, assignment.principalId, assignment);
    const principal = assignment.principalId.toLowerCase();
    const role = roleGuid(assignment.roleDefinitionId) ?? "";
    const byRole = this.#byRole.get(principal) ?? new Map<string, Set<RoleAssignment>>();
    this.#byRole.set(principal, byRole);
    byRole.set(role, (byRole.get(role) ?? new Set()).add(assignment));
  }

  /** The assignment that was removed, if there was one. */
  removeAssignment(name: string): RoleAssignment | undefined {
    const known = this.#assignments.get(name.toLowerCase());
    if (known === undefined) return undefined;
    this.#assignments.delete(name.toLowerCase());
    take(this.#byPrincipal, known.principalId, known);
    const principal = known.principalId.toLowerCase();
    const role = roleGuid(known.roleDefinitionId) ?? "";
    const byRole = this.#byRole.get(principal);
    const held = byRole?.get(role);
    held?.delete(known);
    if (held?.size === 0) byRole?.delete(role);
    if (byRole?.size === 0) this.#byRole.delete(principal);
    return known;
  }

  /** Direct assignments of a principal, by the GUID of their role: few keys, however many assignments there are. */
  assignmentsByRole(principalId: string): ReadonlyMap<string, ReadonlySet<RoleAssignment>> {
    return this.#byRole.get(principalId.toLowerCase()) ?? new Map<string, ReadonlySet<RoleAssignment>>();
  }

  assignment(name: string): RoleAssignment | undefined {
    return this.#assignments.get(name.toLowerCase());
  }

  /** All assignments, or those of one principal (direct ones only). */
  assignments(principalId?: string): readonly RoleAssignment[] {
    if (principalId === undefined) return [...this.#assignments.values()];
    return [...(this.#byPrincipal.get(principalId.toLowerCase())?.values() ?? [])].flat();
  }

  /** The assignment of this role to this principal at exactly this scope: Azure allows one (409 otherwise). */
  sameAssignment(scope: string, principalId: string, roleDefinitionId: string): RoleAssignment | undefined {
    const key = scopeKey(scope);
    const role = roleGuid(roleDefinitionId);
    if (key === undefined || role === undefined) return undefined;
    const held = this.#byPrincipal.get(principalId.toLowerCase())?.get(key) ?? [];
    return held.find((each) => roleGuid(each.roleDefinitionId) === role);
  }

  putDenyAssignment(deny: DenyAssignment): void {
    this.removeDenyAssignment(deny.name);
    this.#denials.set(deny.name.toLowerCase(), deny);
    for (const id of new Set(deny.principals.map((each) => each.id.toLowerCase())))
      insert(this.#denialsByPrincipal, id, deny);
  }

  removeDenyAssignment(name: string): DenyAssignment | undefined {
    const known = this.#denials.get(name.toLowerCase());
    if (known === undefined) return undefined;
    this.#denials.delete(name.toLowerCase());
    for (const each of known.principals) take(this.#denialsByPrincipal, each.id, known);
    return known;
  }

  denyAssignments(): readonly DenyAssignment[] {
    return [...this.#denials.values()];
  }

  denyAssignmentsBelow(scope: string): readonly DenyAssignment[] {
    return this.denyAssignments().filter((each) => covers(scope, each.scope));
  }

  /** Places a subscription or management group below a management group; undefined takes it out. */
  setManagementGroup(scope: string, managementGroup: string | undefined): void {
    const key = scopeKey(scope);
    if (key === undefined) return;
    const parent = managementGroup === undefined ? undefined : scopeKey(managementGroup);
    if (parent === undefined) this.#managementGroupOf.delete(key);
    else this.#managementGroupOf.set(key, parent);
  }

  ancestors(scope: Scope): readonly string[] {
    const byPath = selfAndParents(scope);
    if (this.#managementGroupOf.size === 0) return byPath;
    // Below a management group the group itself is the start, so the first ancestor that has a parent is taken.
    const start = byPath.find((key) => this.#managementGroupOf.has(key));
    if (start === undefined) return byPath;
    const groups: string[] = [];
    for (
      let parent = this.#managementGroupOf.get(start);
      parent !== undefined && groups.length < managementGroupLimit;
      parent = this.#managementGroupOf.get(parent)
    ) {
      groups.push(parent);
    }
    return groups.length === 0 ? byPath : [...byPath.slice(0, -1), ...groups, "/"];
  }

  assignmentsOf(principalId: string): ReadonlyMap<string, readonly RoleAssignment[]> | undefined {
    return this.#byPrincipal.get(principalId);
  }

  denyAssignmentsOf(principalId: string): ReadonlyMap<string, readonly DenyAssignment[]> | undefined {
    return this.#denialsByPrincipal.get(principalId);
  }

  roleOf(assignment: RoleAssignment): RoleDefinition | undefined {
    return this.definition(assignment.roleDefinitionId);
  }

  /** Assignments that reach the scope from it or above, for any principal. `$filter=atScope()`. */
  assignmentsReaching(scope: string): readonly RoleAssignment[] {
    const parsed = parseScope(scope);
    if (parsed === undefined) return [];
    const reaching = new Set(this.ancestors(parsed));
    return this.assignments().filter((each) => reaching.has(scopeKey(each.scope) ?? ""));
  }

  /** Assignments strictly or exactly at or below the scope, for any principal. */
  assignmentsBelow(scope: string): readonly RoleAssignment[] {
    return this.assignments().filter((each) => covers(scope, each.scope));
  }

  /**
   * The first assignment of the caller or its groups at, above or below a scope: lists above a caller's own scopes are
   * filtered, not refused, as soon as there is one.
   */
  anyAssignmentAround(principalIds: readonly string[], scope: string): RoleAssignment | undefined {
    const parsed = parseScope(scope);
    if (parsed === undefined) return undefined;
    const above = new Set(this.ancestors(parsed));
    for (const id of principalIds) {
      for (const [key, held] of this.#byPrincipal.get(id.toLowerCase()) ?? []) {
        if (above.has(key) || covers(parsed.key, key)) return held[0];
      }
    }
    return undefined;
  }
}
