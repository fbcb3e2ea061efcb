/** Users of a database and their permissions: what resource tokens are made from. */
import { type CollectionSpec, ConditionFailed, type Transaction } from "../../../store/store.ts";
import { badRequest, cosmosFault } from "../faults.ts";
import { checkId } from "./definition.ts";
import { type Engine, findContainer, findDatabase, nowSeconds } from "./engine.ts";
import { parseKey } from "./partition-key.ts";
import { accountPartition, type DatabaseRecord, databaseSpec, type JsonObject, textOf } from "./records.ts";
import { looksLikeChildRid, looksLikeRid, permissionRid, userRid } from "./rid.ts";

export interface UserRecord {
  readonly id: string;
  readonly rid: string;
  readonly etag: string;
  /** Seconds, tenant clock. */
  readonly ts: number;
}

export interface PermissionRecord {
  readonly id: string;
  readonly rid: string;
  readonly etag: string;
  readonly ts: number;
  readonly mode: "Read" | "All";
  /** As it was asked for. */
  readonly resource: string;
  /** The container it is about; one that is made again under its name is another one. */
  readonly container: string;
  /** An item or stored procedure of the container; undefined: all of it. */
  readonly part?: { readonly kind: "docs" | "sprocs"; readonly id: string };
  /** JSON text of a partition key, or of the beginning of a hierarchical one; undefined: all keys. */
  readonly partitionKey?: string;
}

const userSpec: CollectionSpec<UserRecord> = { name: "cosmosUsers" };
const permissionSpec: CollectionSpec<PermissionRecord> = {
  name: "cosmosPermissions",
  indexes: { rid: ({ rid }) => rid },
};

const all = 100_000;

/** No part holds a slash. */
const userKey = (database: DatabaseRecord, id: string): string => `${database.id}/${id}`;
const permissionKey = (database: DatabaseRecord, user: UserRecord, id: string): string =>
  `${database.id}/${user.rid}/${id}`;

const stamp = (engine: Engine): { etag: string; ts: number } => ({
  etag: `"${engine.ids.guid()}"`,
  ts: nowSeconds(engine),
});

/** Runs `work` where the database is known to exist. @throws 404/1003 */
const inDatabase = <R>(
  engine: Engine,
  account: string,
  database: DatabaseRecord,
  work: (tx: Transaction, partition: string) => Promise<R>,
): Promise<R> => {
  const partition = accountPartition(account);
  return engine.store.transact([partition], async (tx) => {
    const found = await tx.collection(databaseSpec).get(partition, database.id);
    if (found?.value.rid !== database.rid) throw cosmosFault("ownerNotFound", {}, { detail: { subStatus: 1003 } });
    try {
      return await work(tx, partition);
    } catch (error) {
      throw error instanceof ConditionFailed ? cosmosFault("exists") : error;
    }
  });
};

export const listUsers = async (engine: Engine, account: string, database: DatabaseRecord): Promise<UserRecord[]> =>
  (
    await engine.store
      .collection(userSpec)
      .list(accountPartition(account), { prefix: userKey(database, ""), limit: all })
  ).map(({ value }) => value);

/** The one that an address names by its `_rid`, as Java's `_self` links do. */
const byRid = async <T extends { readonly rid: string }>(rid: string, all: () => Promise<readonly T[]>) =>
  looksLikeRid(rid) || looksLikeChildRid(rid) ? (await all()).find((each) => each.rid === rid) : undefined;

/** By name or `_rid`. @throws 404 */
export const findUser = async (
  engine: Engine,
  account: string,
  database: DatabaseRecord,
  id: string,
): Promise<UserRecord> => {
  const found = id.includes("/")
    ? undefined
    : await engine.store.collection(userSpec).get(accountPartition(account), userKey(database, id));
  const user = found?.value ?? (await byRid(id, () => listUsers(engine, account, database)));
  if (user === undefined) throw cosmosFault("notFound");
  return user;
};

/**
 * Makes a user, or gives the existing one another name.
 * @throws 409, 400, 404/1003
 */
export const putUser = (
  engine: Engine,
  account: string,
  database: DatabaseRecord,
  asked: JsonObject,
  existing?: UserRecord,
): Promise<UserRecord> =>
  inDatabase(engine, account, database, async (tx, partition) => {
    const id = checkId(asked["id"]);
    const users = tx.collection(userSpec);
    const user = { id, rid: existing?.rid ?? userRid(database.rid, engine.ids), ...stamp(engine) };
    if (existing !== undefined) {
      if ((await users.get(partition, userKey(database, existing.id)))?.value.rid !== existing.rid)
        throw cosmosFault("notFound");
      await users.delete(partition, userKey(database, existing.id));
    }
    await users.put(partition, userKey(database, id), user, { ifNoneMatch: "*" });
    return user;
  });

const dropBelow = async (tx: Transaction, partition: string, prefix: string): Promise<void> => {
  const rows = tx.collection(permissionSpec);
  for (const { key } of await rows.list(partition, { prefix, limit: all })) await rows.delete(partition, key);
};

/** Its permissions go with it, and their tokens. @throws 404 */
export const deleteUser = (
  engine: Engine,
  account: string,
  database: DatabaseRecord,
  user: UserRecord,
): Promise<void> =>
  inDatabase(engine, account, database, async (tx, partition) => {
    const users = tx.collection(userSpec);
    const key = userKey(database, user.id);
    // One that was made again under the name has permissions of its own, which would outlive it.
    if ((await users.get(partition, key))?.value.rid !== user.rid) throw cosmosFault("notFound");
    await users.delete(partition, key);
    await dropBelow(tx, partition, permissionKey(database, user, ""));
  });

/** Within the transaction that deletes a database. */
export const dropUsers = async (tx: Transaction, partition: string, database: DatabaseRecord): Promise<void> => {
  const users = tx.collection(userSpec);
  for (const { key } of await users.list(partition, { prefix: userKey(database, ""), limit: all }))
    await users.delete(partition, key);
  await dropBelow(tx, partition, `${database.id}/`);
};

export const listPermissions = async (
  engine: Engine,
  account: string,
  database: DatabaseRecord,
  user: UserRecord,
): Promise<PermissionRecord[]> =>
  (
    await engine.store
      .collection(permissionSpec)
      .list(accountPartition(account), { prefix: permissionKey(database, user, ""), limit: all })
  ).map(({ value }) => value);

/** By name or `_rid`. @throws 404 */
export const findPermission = async (
  engine: Engine,
  account: string,
  database: DatabaseRecord,
  user: UserRecord,
  id: string,
): Promise<PermissionRecord> => {
  const found = id.includes("/")
    ? undefined
    : await engine.store.collection(permissionSpec).get(accountPartition(account), permissionKey(database, user, id));
  const permission = found?.value ?? (await byRid(id, () => listPermissions(engine, account, database, user)));
  if (permission === undefined) throw cosmosFault("notFound");
  return permission;
};

/** As it is now; undefined: it was deleted. */
export const permissionOfRid = async (
  engine: Engine,
  account: string,
  rid: string,
): Promise<PermissionRecord | undefined> =>
  (await engine.store.collection(permissionSpec).find(accountPartition(account), "rid", rid, { limit: 1 }))[0]?.value;

/** `dbs/d/colls/c[/docs/i]`, by names or by rids. @throws 400, 404 */
const resourceAsked = async (
  engine: Engine,
  account: string,
  database: DatabaseRecord,
  text: string,
): Promise<Pick<PermissionRecord, "container" | "part"> & { paths: Parameters<typeof parseKey>[1] }> => {
  const [dbs, databaseName = "", colls, containerName = "", kind, id, ...more] = text
    .replaceAll(/^\/+|\/+$/g, "")
    .split("/");
  if (dbs !== "dbs" || colls !== "colls" || more.length > 0 || (kind !== undefined && (id ?? "") === ""))
    throw badRequest(
      "The resource of a permission must be the path of a container, an item or a stored procedure: dbs/{db}/colls/{coll}[/docs/{id}].",
    );
  if (kind !== undefined && kind !== "docs" && kind !== "sprocs")
    throw badRequest(`Permissions on '${kind.slice(0, 50)}' are not implemented by Lanyard; use one on the container.`);
  const owner = await findDatabase(engine, account, databaseName);
  if (owner?.rid !== database.rid) throw badRequest("The resource of a permission must be in the user's database.");
  const container = await findContainer(engine, account, database.id, containerName);
  if (container === undefined) throw cosmosFault("notFound");
  return {
    container: container.rid,
    paths: container.partitionKey,
    ...(kind === undefined ? {} : { part: { kind, id: id ?? "" } }),
  };
};

const modeOf = (mode: JsonObject[string] | undefined): "Read" | "All" => {
  const found = (["Read", "All"] as const).find((each) => each.toLowerCase() === textOf(mode).toLowerCase());
  if (found === undefined) throw badRequest("The permissionMode of a permission must be Read or All.");
  return found;
};

/**
 * Makes a permission, or changes the existing one: its tokens then allow what it says now.
 * @throws 400, 404, 409 for an id that is taken, or a resource that the user has a permission for
 */
export const putPermission = async (
  engine: Engine,
  account: string,
  place: { readonly database: DatabaseRecord; readonly user: UserRecord },
  asked: JsonObject,
  existing?: PermissionRecord,
): Promise<PermissionRecord> => {
  const { database, user } = place;
  const missing = ["id", "permissionMode", "resource"].filter((name) => textOf(asked[name]) === "");
  if (missing.length > 0) throw cosmosFault("missingProperty", { names: missing.join("; ") });
  const id = checkId(asked["id"]);
  const mode = modeOf(asked["permissionMode"]);
  const resource = textOf(asked["resource"]);
  const { paths, ...scope } = await resourceAsked(engine, account, database, resource);
  const key = asked["resourcePartitionKey"];
  const keyText = key === undefined || key === null ? undefined : JSON.stringify(key);
  if (keyText !== undefined) parseKey(keyText, paths);
  const record: PermissionRecord = {
    id,
    rid: existing?.rid ?? permissionRid(user.rid, engine.ids),
    ...stamp(engine),
    mode,
    resource,
    ...scope,
    ...(keyText === undefined ? {} : { partitionKey: keyText }),
  };
  const same = (other: PermissionRecord): boolean =>
    other.rid !== record.rid &&
    other.container === record.container &&
    JSON.stringify([other.part, other.partitionKey]) === JSON.stringify([record.part, record.partitionKey]);
  return inDatabase(engine, account, database, async (tx, partition) => {
    if ((await tx.collection(userSpec).get(partition, userKey(database, user.id)))?.value.rid !== user.rid)
      throw cosmosFault("notFound");
    const rows = tx.collection(permissionSpec);
    const others = await rows.list(partition, { prefix: permissionKey(database, user, ""), limit: all });
    if (others.some(({ value }) => same(value))) throw cosmosFault("exists");
    if (existing !== undefined) {
      const before = permissionKey(database, user, existing.id);
      if ((await rows.get(partition, before))?.value.rid !== existing.rid) throw cosmosFault("notFound");
      await rows.delete(partition, before);
    }
    await rows.put(partition, permissionKey(database, user, id), record, { ifNoneMatch: "*" });
    return record;
  });
};

/** Its tokens end with it. @throws 404 */
export const deletePermission = async (
  engine: Engine,
  account: string,
  { database, user }: { readonly database: DatabaseRecord; readonly user: UserRecord },
  id: string,
): Promise<void> => {
  const deleted =
    !id.includes("/") &&
    (await engine.store
      .collection(permissionSpec)
      .delete(accountPartition(account), permissionKey(database, user, id)));
  if (!deleted) throw cosmosFault("notFound");
};
