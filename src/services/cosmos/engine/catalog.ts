/** Databases and containers: made, changed and deleted, by the data plane and by ARM alike. */
import type { CollectionSpec } from "../../../store/store.ts";
import { ConditionFailed } from "../../../store/store.ts";
import { badRequest, cosmosFault } from "../faults.ts";
import { checkId, completeDefinition, isObject } from "./definition.ts";
import { type Engine, findDatabase, nowSeconds } from "./engine.ts";
import { expirySpec } from "./expiry.ts";
import { markSpec } from "./lsn.ts";
import {
  accountPartition,
  containerKey,
  type ContainerRecord,
  containerSpec,
  type DatabaseRecord,
  databaseSpec,
  itemSpec,
  type JsonObject,
  type Throughput,
  uniqueSpec,
  versionSpec,
} from "./records.ts";
import { containerRid, databaseRid } from "./rid.ts";
import { scriptSpec } from "../scripts/spec.ts";
import { sweepSpec } from "./sweep.ts";
import { dropUsers } from "./users.ts";
import { lostSpec, versionsSwitched } from "./versions.ts";

const all = 1_000_000;

/** Containers that are gone and whose items may not be: what a crash left is swept at the next opening. */
interface DroppedRecord {
  readonly rid: string;
}
const droppedSpec: CollectionSpec<DroppedRecord> = { name: "cosmosDropped" };

export const newEtag = (engine: Engine): string => `"${engine.ids.guid()}"`;

export const listDatabases = async (engine: Engine, account: string): Promise<DatabaseRecord[]> =>
  (await engine.store.collection(databaseSpec).list(accountPartition(account), { limit: all })).map(
    ({ value }) => value,
  );

export const listContainers = async (engine: Engine, account: string, database?: string): Promise<ContainerRecord[]> =>
  (
    await engine.store
      .collection(containerSpec)
      .list(accountPartition(account), { limit: all, ...(database === undefined ? {} : { prefix: `${database}/` }) })
  ).map(({ value }) => value);

/** @throws 409 */
export const createDatabase = async (
  engine: Engine,
  account: string,
  asked: { readonly id: JsonObject[string] | undefined; readonly throughput?: Throughput },
): Promise<DatabaseRecord> => {
  const id = checkId(asked.id);
  const record: DatabaseRecord = {
    id,
    rid: databaseRid(engine.ids),
    etag: newEtag(engine),
    ts: nowSeconds(engine),
    ...(asked.throughput === undefined ? {} : { throughput: asked.throughput }),
  };
  await created(engine.store.collection(databaseSpec).put(accountPartition(account), id, record, { ifNoneMatch: "*" }));
  engine.databases.forget(`${account}/${id}`);
  return record;
};

const created = async (put: Promise<unknown>): Promise<void> => {
  try {
    await put;
  } catch (error) {
    throw error instanceof ConditionFailed ? cosmosFault("exists") : error;
  }
};

/** @throws 404 for a missing database, 409, 400 */
export const createContainer = async (
  engine: Engine,
  account: string,
  database: DatabaseRecord,
  asked: JsonObject,
  throughput?: Throughput,
): Promise<ContainerRecord> => {
  const complete = completeDefinition(asked);
  checkRetention(engine, account, complete.definition);
  const partition = accountPartition(account);
  const record: ContainerRecord = {
    ...complete,
    database: database.id,
    rid: containerRid(database.rid, engine.ids),
    etag: newEtag(engine),
    ts: nowSeconds(engine),
    ...(throughput === undefined ? {} : { throughput }),
  };
  await created(
    engine.store.transact([partition], async (tx) => {
      const owner = await tx.collection(databaseSpec).get(partition, database.id);
      if (owner?.value.rid !== database.rid) throw cosmosFault("ownerNotFound", {}, { detail: { subStatus: 1003 } });
      await tx
        .collection(containerSpec)
        .put(partition, containerKey(database.id, complete.id), record, { ifNoneMatch: "*" });
    }),
  );
  engine.containers.forget(`${account}/${database.id}/${record.id}`);
  return record;
};

/** Rewrites a container's record. @throws 404 */
export const changeContainer = async (
  engine: Engine,
  account: string,
  container: ContainerRecord,
  change: (record: ContainerRecord) => ContainerRecord,
): Promise<ContainerRecord> => {
  const partition = accountPartition(account);
  const key = containerKey(container.database, container.id);
  const changed = await engine.store.transact([partition], async (tx) => {
    const rows = tx.collection(containerSpec);
    const found = (await rows.get(partition, key))?.value;
    if (found?.rid !== container.rid) throw cosmosFault("notFound");
    const next = { ...change(found), etag: newEtag(engine), ts: nowSeconds(engine) };
    await rows.put(partition, key, next);
    return next;
  });
  forgetContainer(engine, account, changed);
  return changed;
};

export const replaceContainer = async (
  engine: Engine,
  account: string,
  container: ContainerRecord,
  asked: JsonObject,
): Promise<ContainerRecord> => {
  let before = container;
  const changed = await changeContainer(engine, account, container, (record) => {
    before = record;
    const complete = completeDefinition(asked, record);
    checkRetention(engine, account, complete.definition);
    return { ...record, ...complete };
  });
  await versionsSwitched(engine, account, before, changed);
  return changed;
};

/** The words are the service's. @throws 400 */
const checkRetention = (engine: Engine, account: string, { changeFeedPolicy }: JsonObject): void => {
  if (isObject(changeFeedPolicy) && changeFeedPolicy["retentionDuration"] !== 0 && engine.backups.has(account))
    throw badRequest(
      "The retention duration in the Change Feed policy should not be set when continuous backup mode is enabled for the database account. Change Feed retention is set by the backup retention.",
    );
};

export const changeDatabase = async (
  engine: Engine,
  account: string,
  database: DatabaseRecord,
  change: (record: DatabaseRecord) => DatabaseRecord,
): Promise<DatabaseRecord> => {
  const partition = accountPartition(account);
  const changed = await engine.store.transact([partition], async (tx) => {
    const rows = tx.collection(databaseSpec);
    const found = (await rows.get(partition, database.id))?.value;
    if (found?.rid !== database.rid) throw cosmosFault("notFound");
    return (await rows.put(partition, database.id, { ...change(found), etag: newEtag(engine), ts: nowSeconds(engine) }))
      .value;
  });
  engine.databases.forget(`${account}/${database.id}`);
  engine.databases.forget(`${account}/${database.rid}`);
  return changed;
};

const forgetContainer = (engine: Engine, account: string, { database, id, rid }: ContainerRecord): void => {
  engine.containers.forget(`${account}/${database}/${id}`);
  engine.containers.forget(`${account}/${database}/${rid}`);
};

/** False when somebody else was faster. */
export const deleteContainer = async (
  engine: Engine,
  account: string,
  container: ContainerRecord,
): Promise<boolean> => {
  const partition = accountPartition(account);
  const key = containerKey(container.database, container.id);
  const deleted = await engine.store.transact([partition], async (tx) => {
    const rows = tx.collection(containerSpec);
    if ((await rows.get(partition, key))?.value.rid !== container.rid) return false;
    await rows.delete(partition, key);
    await tx.collection(droppedSpec).put(partition, container.rid, { rid: container.rid });
    return true;
  });
  forgetContainer(engine, account, container);
  if (deleted) await sweep(engine, account, container.rid);
  return deleted;
};

export const deleteDatabase = async (engine: Engine, account: string, database: DatabaseRecord): Promise<boolean> => {
  const partition = accountPartition(account);
  const gone = await engine.store.transact([partition], async (tx) => {
    const rows = tx.collection(databaseSpec);
    if ((await rows.get(partition, database.id))?.value.rid !== database.rid) return undefined;
    const containers = tx.collection(containerSpec);
    const children = await containers.list(partition, { prefix: `${database.id}/`, limit: all });
    for (const { key, value } of children) {
      await containers.delete(partition, key);
      await tx.collection(droppedSpec).put(partition, value.rid, { rid: value.rid });
    }
    await dropUsers(tx, partition, database);
    await rows.delete(partition, database.id);
    return children.map(({ value }) => value);
  });
  engine.databases.forget(`${account}/${database.id}`);
  engine.databases.forget(`${account}/${database.rid}`);
  for (const container of gone ?? []) {
    forgetContainer(engine, account, container);
    await sweep(engine, account, container.rid);
  }
  return gone !== undefined;
};

/** Deletes the items of a container that is gone. */
const sweep = async (engine: Engine, account: string, rid: string): Promise<void> => {
  engine.reader.forget(rid);
  engine.told.delete(rid);
  const partition = `${accountPartition(account)}/${rid}`;
  for (const spec of [itemSpec, uniqueSpec, expirySpec, sweepSpec, versionSpec, lostSpec, markSpec, scriptSpec]) {
    const rows = engine.store.collection<unknown>(spec as CollectionSpec<unknown>);
    for (;;) {
      const page = await rows.list(partition, { limit: 500 });
      await Promise.all(page.map(({ key }) => rows.delete(partition, key)));
      if (page.length < 500) break;
    }
  }
  await engine.store.collection(droppedSpec).delete(accountPartition(account), rid);
};

/** Sweeps what a crash left of deleted containers. */
export const sweepDropped = async (engine: Engine, account: string): Promise<void> => {
  const left = await engine.store.collection(droppedSpec).list(accountPartition(account), { limit: all });
  for (const { key } of left) await sweep(engine, account, key);
};

/** Deletes all data of an account. */
export const dropAccount = async (engine: Engine, account: string): Promise<void> => {
  for (const database of await listDatabases(engine, account)) await deleteDatabase(engine, account, database);
  await sweepDropped(engine, account);
};

/** @throws 404/1003 for a missing database */
export const requireDatabase = async (engine: Engine, account: string, name: string): Promise<DatabaseRecord> => {
  const found = await findDatabase(engine, account, name);
  if (found === undefined) throw cosmosFault("ownerNotFound", {}, { detail: { subStatus: 1003 } });
  return found;
};
