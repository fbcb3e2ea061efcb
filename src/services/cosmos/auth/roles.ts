/** Native roles: definitions and assignments of the data plane, kept with the account, apart from Azure RBAC (cosmos.md 14). */
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
  /** What grants `action` at a scope below the account to one of these principals; undefined: nothing does. */
  grantOf(account: string, question: Question): Promise<RoleAssignment | undefined>;
}

export interface Question {
  readonly principals: readonly string[];
  readonly action: string;
  /** `/`, `/dbs/d` or `/dbs/d/colls/c`. */
  readonly scope: string;
  /** A grant anywhere below the scope will do. */
  readonly somewhere: boolean;
}

interface Loaded {
  readonly definitions: ReadonlyMap<string, RoleDefinition>;
  readonly assignments: readonly RoleAssignment[];
}

export const openRoles = (store: Store): Roles => {
  const definitions = store.collection(definitionSpec);
  const assignments = store.collection(assignmentSpec);
  const stored = async (account: string): Promise<readonly RoleDefinition[]> => [
    ...builtInRoles,
    ...(await definitions.list(accountPartition(account), { limit: all })).map(({ value }) => value),
  ];
  const assigned = async (account: string): Promise<readonly RoleAssignment[]> =>
    (await assignments.list(accountPartition(account), { limit: all })).map(({ value }) => value);
  const loaded: Recent<Loaded> = recent(1000, async (account) => ({
    definitions: new Map((await stored(account)).map((each) => [each.id, each])),
    assignments: await assigned(account),
  }));
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
    grantOf: async (account, { principals, action, scope, somewhere }) => {
      const known = await loaded.get(account);
      return known?.assignments.find(
        (each) =>
          principals.includes(each.principalId) &&
          (covers(each.scope, scope) || (somewhere && covers(scope, each.scope))) &&
          known.definitions.get(each.roleDefinitionId)?.dataActions.some((granted) => grants(granted, action)) === true,
      );
    },
  };
  return roles;
};

/** Whole segments, in the letter case of the names: names of databases and containers are case-sensitive. */
export const covers = (outer: string, inner: string): boolean =>
  outer === "/" || inner === outer || inner.startsWith(`${outer}/`);

/** Wildcards stand for the rest of an action, at container and item level only. */
export const grants = (granted: string, action: string): boolean => {
  const [left, right] = [granted.toLowerCase(), action.toLowerCase()];
  return left.endsWith("/*") ? right.startsWith(left.slice(0, -1)) : left === right;
};
