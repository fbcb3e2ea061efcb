/**
 * What is stored of access, and its copy in memory. Writes run one after another: first the commit, then the index, so
 * that the index never runs ahead of the disk nor out of order.
 */
import { AccessIndex } from "../../access/access-index.ts";
import type { DenyAssignment, RoleAssignment } from "../../access/assignments.ts";
import { type RoleDefinition, roleGuid } from "../../access/definitions.ts";
import { scopeKey } from "../../access/scopes.ts";
import type { CollectionSpec, Store, Transaction } from "../../store/store.ts";
import { type Lock, Locks } from "./lock-rules.ts";

const partition = "authorization";

/** The index finds the one assignment of a role to a principal at a scope. */
const holding = (value: Pick<RoleAssignment, "scope" | "principalId" | "roleDefinitionId">): string =>
  [scopeKey(value.scope), value.principalId.toLowerCase(), roleGuid(value.roleDefinitionId)].join("|");

const roleAssignments: CollectionSpec<RoleAssignment> = {
  name: "roleAssignments",
  indexes: { holding, role: (value) => roleGuid(value.roleDefinitionId) },
};
const roleDefinitions: CollectionSpec<RoleDefinition> = {
  name: "roleDefinitions",
  indexes: { roleName: (value) => value.roleName.toLowerCase() },
};
const denyAssignments: CollectionSpec<DenyAssignment> = { name: "denyAssignments" };
const locks: CollectionSpec<Lock> = { name: "locks" };

export type Written<T> = { readonly value: T } | { readonly conflict: T };

export interface AccessState {
  /** The authority. Read it freely; write only through this object. */
  readonly index: AccessIndex;
  readonly locks: Locks;
  /**
   * Creates or updates. `conflict`: another assignment of the same role, principal and scope (by another name), or one
   * of the same name that differs in one of these.
   */
  putRoleAssignment(assignment: RoleAssignment): Promise<Written<RoleAssignment>>;
  removeRoleAssignment(name: string): Promise<boolean>;
  /** `conflict`: another custom role has this name. */
  putRoleDefinition(role: RoleDefinition): Promise<Written<RoleDefinition>>;
  /** `in-use`: assignments name it. */
  removeRoleDefinition(name: string): Promise<"removed" | "absent" | "in-use">;
  putDenyAssignment(deny: DenyAssignment): Promise<void>;
  removeDenyAssignment(name: string): Promise<boolean>;
  putLock(lock: Lock): Promise<void>;
  removeLock(id: string): Promise<boolean>;
}

const everything = { limit: 1_000_000 };

/** Loads all of it: a tenant's assignments are few enough to stand in memory (Azure's limit is 4,000 a subscription). */
export const openAccessState = async (store: Store): Promise<AccessState> => {
  const index = new AccessIndex();
  const held = new Locks();
  for (const { value } of await store.collection(roleDefinitions).list(partition, everything))
    index.putDefinition(value);
  for (const { value } of await store.collection(roleAssignments).list(partition, everything))
    index.putAssignment(value);
  for (const { value } of await store.collection(denyAssignments).list(partition, everything))
    index.putDenyAssignment(value);
  for (const { value } of await store.collection(locks).list(partition, everything)) held.put(value);

  let last: Promise<unknown> = Promise.resolve();
  const change = <R>(work: (tx: Transaction) => Promise<R>, apply: (result: R) => void): Promise<R> => {
    const next = last.then(async () => {
      const result = await store.transact([partition], work);
      apply(result);
      return result;
    });
    last = next.catch(() => undefined);
    return next;
  };

  return {
    index,
    locks: held,
    putRoleAssignment: (assignment) =>
      change<Written<RoleAssignment>>(
        async (tx) => {
          const rows = tx.collection(roleAssignments);
          const same = await rows.get(partition, assignment.name);
          if (same !== undefined && holding(same.value) !== holding(assignment)) return { conflict: same.value };
          const twins = await rows.find(partition, "holding", holding(assignment), { limit: 2 });
          const twin = twins.find(({ key }) => key !== assignment.name);
          if (twin !== undefined) return { conflict: twin.value };
          await rows.put(partition, assignment.name, assignment);
          return { value: assignment };
        },
        (result) => {
          if ("value" in result) index.putAssignment(result.value);
        },
      ),
    removeRoleAssignment: (name) =>
      change(
        (tx) => tx.collection(roleAssignments).delete(partition, name),
        () => index.removeAssignment(name),
      ),
    putRoleDefinition: (role) =>
      change<Written<RoleDefinition>>(
        async (tx) => {
          const rows = tx.collection(roleDefinitions);
          const named = await rows.find(partition, "roleName", role.roleName.toLowerCase(), { limit: 2 });
          const other = named.find(({ key }) => key !== role.name);
          if (other !== undefined) return { conflict: other.value };
          await rows.put(partition, role.name, role);
          return { value: role };
        },
        (result) => {
          if ("value" in result) index.putDefinition(result.value);
        },
      ),
    removeRoleDefinition: (name) =>
      change<"removed" | "absent" | "in-use">(
        async (tx) => {
          const used = await tx.collection(roleAssignments).find(partition, "role", name, { limit: 1 });
          if (used.length > 0) return "in-use";
          return (await tx.collection(roleDefinitions).delete(partition, name)) ? "removed" : "absent";
        },
        (result) => {
          if (result === "removed") index.removeDefinition(name);
        },
      ),
    putDenyAssignment: async (deny) => {
      await change(
        (tx) => tx.collection(denyAssignments).put(partition, deny.name, deny),
        () => index.putDenyAssignment(deny),
      );
    },
    removeDenyAssignment: (name) =>
      change(
        (tx) => tx.collection(denyAssignments).delete(partition, name),
        () => index.removeDenyAssignment(name),
      ),
    putLock: async (lock) => {
      await change(
        (tx) => tx.collection(locks).put(partition, lock.id.toLowerCase(), lock),
        () => held.put(lock),
      );
    },
    removeLock: (id) =>
      change(
        (tx) => tx.collection(locks).delete(partition, id.toLowerCase()),
        () => held.remove(id),
      ),
  };
};

/** Ids of role assignments, deny assignments and locks at or below an id: they go when it goes. */
export const extensionsBelow = ({ index, locks: held }: AccessState, id: string): readonly string[] => [
  ...index.assignmentsBelow(id).map((each) => each.id),
  ...index.denyAssignmentsBelow(id).map((each) => each.id),
  ...held.below(id).map((each) => each.id),
];
