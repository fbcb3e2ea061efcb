/** Native roles: definitions and assignments of the data plane, kept with the account, apart from Azure RBAC (cosmos.md 14). */
import { type Eventually, onceKnown } from "../../../kernel/eventually.ts";
import type { CollectionSpec, Store } from "../../../store/store.ts";
import { dataActions } from "../actions.ts";
import { accountPartition } from "../engine/records.ts";
import { type Recent, recent } from "../../../arm/recent.ts";

export interface RoleDefinition {
  /** A GUID. */
  readonly id: string;
  readonly roleName: string;
  readonly type: "BuiltInRole" | "CustomRole";
  /** Scopes below the account: `/`, `/dbs/d`, `/dbs/d/colls/c`. */
  readonly assignableScopes: readonly string[];
  readonly dataActions: readonly string[];
}

export interface RoleAssignment {
  readonly id: string;
  readonly roleDefinitionId: string;
  readonly principalId: string;
  /** Below the account, as above. */
  readonly scope: string;
}

const prefix = "Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers";

export const builtInRoles: readonly RoleDefinition[] = [
  {
    id: "00000000-0000-0000-0000-000000000001",
    roleName: "Cosmos DB Built-in Data Reader",
    type: "BuiltInRole",
    assignableScopes: ["/"],
    dataActions: [dataActions.readMetadata, dataActions.executeQuery, dataActions.readChangeFeed, dataActions.readItem],
  },
  {
    id: "00000000-0000-0000-0000-000000000002",
    roleName: "Cosmos DB Built-in Data Contributor",
    type: "BuiltInRole",
    assignableScopes: ["/"],
    dataActions: [dataActions.readMetadata, `${prefix}/*`, `${prefix}/items/*`],
  },
];

const definitionSpec: CollectionSpec<RoleDefinition> = { name: "cosmosRoleDefinitions" };
const assignmentSpec: CollectionSpec<RoleAssignment> = { name: "cosmosRoleAssignments" };
const all = 100_000;

/** Where one account's roles are kept. */
export interface Roles {
  definitions(account: string): Promise<readonly RoleDefinition[]>;
  assignments(account: string): Promise<readonly RoleAssignment[]>;
  putDefinition(account: string, definition: RoleDefinition): Promise<void>;
  putAssignment(account: string, assignment: RoleAssignment): Promise<void>;
  removeDefinition(account: string, id: string): Promise<boolean>;
  removeAssignment(account: string, id: string): Promise<boolean>;
  /** Everything of an account that is deleted. */
  drop(account: string): Promise<void>;
  /** What grants `action` at a scope below the account to a caller or one of its groups; undefined: nothing does. */
  grantOf(account: string, question: Question): Eventually<RoleAssignment | undefined>;
}

export interface Question {
  /** Object id. */
  readonly caller: string;
  readonly groups: readonly string[];
  readonly action: string;
  /** `/`, `/dbs/d` or `/dbs/d/colls/c`. */
  readonly scope: string;
  /** A grant anywhere below the scope will do. */
  readonly somewhere: boolean;
}

/** An assignment with what its role grants. */
interface Grant {
  readonly assignment: RoleAssignment;
  readonly allows: (action: string) => boolean;
}

/** Asked with the actions of operations, of which there are few: each is answered once. */
const allowing = (definition: RoleDefinition | undefined): Grant["allows"] => {
  const known = new Map<string, boolean>();
  return (action) => {
    const found = known.get(action);
    if (found !== undefined) return found;
    const allowed = definition?.dataActions.some((granted) => grants(granted, action)) === true;
    known.set(action, allowed);
    return allowed;
  };
};

export const openRoles = (store: Store): Roles => {
  const definitions = store.collection(definitionSpec);
  const assignments = store.collection(assignmentSpec);
  const stored = async (account: string): Promise<readonly RoleDefinition[]> => [
    ...builtInRoles,
    ...(await definitions.list(accountPartition(account), { limit: all })).map(({ value }) => value),
  ];
  const assigned = async (account: string): Promise<readonly RoleAssignment[]> =>
    (await assignments.list(accountPartition(account), { limit: all })).map(({ value }) => value);
  const loaded: Recent<readonly Grant[]> = recent(1000, async (account) => {
    const known = new Map((await stored(account)).map((each) => [each.id, each]));
    return (await assigned(account)).map((assignment) => ({
      assignment,
      allows: allowing(known.get(assignment.roleDefinitionId)),
    }));
  });
  const changing = async <T>(account: string, work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } finally {
      loaded.forget(account);
    }
  };
  const roles: Roles = {
    definitions: stored,
    assignments: assigned,
    putDefinition: (account, definition) =>
      changing(account, async () => void (await definitions.put(accountPartition(account), definition.id, definition))),
    putAssignment: (account, assignment) =>
      changing(account, async () => void (await assignments.put(accountPartition(account), assignment.id, assignment))),
    removeDefinition: (account, id) => changing(account, () => definitions.delete(accountPartition(account), id)),
    removeAssignment: (account, id) => changing(account, () => assignments.delete(accountPartition(account), id)),
    drop: async (account) => {
      for (const { id } of await assigned(account)) await roles.removeAssignment(account, id);
      for (const { id, type } of await stored(account))
        if (type === "CustomRole") await roles.removeDefinition(account, id);
    },
    grantOf: (account, question) => onceKnown(loaded.get(account), (known) => among(known, question)),
  };
  return roles;
};

const among = (
  known: readonly Grant[] | undefined,
  { caller, groups, action, scope, somewhere }: Question,
): RoleAssignment | undefined =>
  known?.find(
    ({ assignment, allows }) =>
      (assignment.principalId === caller || groups.includes(assignment.principalId)) &&
      (covers(assignment.scope, scope) || (somewhere && covers(scope, assignment.scope))) &&
      allows(action),
  )?.assignment;

/** Whole segments, in the letter case of the names: names of databases and containers are case-sensitive. */
export const covers = (outer: string, inner: string): boolean =>
  outer === "/" || inner === outer || inner.startsWith(`${outer}/`);

/** Wildcards stand for the rest of an action, at container and item level only. */
export const grants = (granted: string, action: string): boolean => {
  const [left, right] = [granted.toLowerCase(), action.toLowerCase()];
  return left.endsWith("/*") ? right.startsWith(left.slice(0, -1)) : left === right;
};
