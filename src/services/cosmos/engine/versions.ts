/**
 * Every version of every item, for the change feed of all versions and deletes: written in the same transaction as the
 * item, kept as long as the container's policy or the account's continuous backup says.
 * https://learn.microsoft.com/azure/cosmos-db/change-feed-modes
 */
import { setImmediate as turn } from "node:timers/promises";
import type { CollectionSpec } from "../../../store/store.ts";
import { badRequest } from "../faults.ts";
import { type ChangePage, currentLsn } from "./change-feed.ts";
import { isObject } from "./definition.ts";
import { type Engine, nowSeconds, type Place, type Scene } from "./engine.ts";
import { type Extent, inExtent } from "./feed.ts";
import { keyOfDocument } from "./partition-key.ts";
import {
  containerPartition,
  type ContainerRecord,
  type ItemRecord,
  type Json,
  type JsonObject,
  textOf,
  type VersionRecord,
  versionSpec,
} from "./records.ts";

/** The last version that is kept no more. */
export const lostSpec: CollectionSpec<{ readonly lsn: number }> = { name: "cosmosVersionsLost" };
const lostKey = "last";

const pageSize = 100;

/** For how many seconds a container's versions are kept; undefined: they are not. */
export const retentionOf = (
  engine: Pick<Engine, "backups">,
  account: string,
  { definition }: Pick<ContainerRecord, "definition">,
): number | undefined => {
  const policy = definition["changeFeedPolicy"];
  const minutes = isObject(policy) ? policy["retentionDuration"] : undefined;
  if (typeof minutes === "number" && minutes > 0) return minutes * 60;
  const backup = engine.backups.get(account);
  return backup?.versions === true ? backup.retention : undefined;
};

/** What a delete tells: the id, and the partition key by the names of its properties. */
const namesOf = (doc: JsonObject, { partitionKey }: ContainerRecord): JsonObject => {
  const values: Record<string, Json> = {};
  for (const [level, value] of keyOfDocument(doc, partitionKey).entries())
    if (value !== undefined) values[(partitionKey.paths[level] ?? "").slice(1)] = value;
  return { id: textOf(doc["id"]), partitionKey: values };
};

/** @returns the version's key, to be kept with the item; undefined when the container keeps none */
export const logVersion = async (
  scene: Scene,
  key: string,
  change: {
    readonly operation: VersionRecord["operation"];
    readonly doc: JsonObject;
    readonly before: ItemRecord | undefined;
    readonly expired?: boolean;
  },
): Promise<string | undefined> => {
  const { engine, container, account, tx, partition, now } = scene;
  if (retentionOf(engine, account, container) === undefined) return undefined;
  const { operation, doc, before, expired } = change;
  // In the order of writing; several processes may write at once, hence the rest.
  const name = `${String(engine.nextOrder()).padStart(16, "0")}${engine.ids.guid().slice(0, 8)}`;
  await tx.collection(versionSpec).put(partition, name, {
    operation,
    item: key,
    at: now,
    shown: operation === "delete" ? namesOf(doc, container) : doc,
    ...(expired === true ? { expired } : {}),
    ...(before?.version === undefined ? {} : { previous: before.version }),
  });
  return name;
};

const outOfRetention = () =>
  badRequest(
    "Changes after this continuation are older than the retention period of the change feed and are kept no more. Start from now.",
  );

/** A page of versions after an LSN. @throws 400 when some of them are kept no more */
export const readVersions = async (
  engine: Engine,
  place: Place,
  from: { readonly lsn: number; readonly extent: Extent; readonly limit: number },
): Promise<ChangePage> => {
  const partition = containerPartition(place.account, place.container);
  const within = inExtent(from.extent, place);
  const retention = retentionOf(engine, place.account, place.container) ?? 0;
  const oldest = nowSeconds(engine) - retention;
  const documents: JsonObject[] = [];
  let { lsn } = from;
  const read = async (): Promise<void> => {
    const limit = Math.max(pageSize, from.limit);
    for (;;) {
      const changes = await engine.store.changes(versionSpec, partition, lsn, limit);
      for (const { value, sequence } of changes) {
        if (documents.length >= from.limit) return;
        lsn = sequence;
        if (value === undefined) continue;
        if (value.at <= oldest) throw outOfRetention();
        if (within(value.item)) documents.push(await shownVersion(engine, partition, value, sequence));
      }
      if (changes.length < limit) return;
      await turn();
    }
  };
  await read();
  // After the versions were read: what was removed meanwhile is missing among them.
  const lost = await engine.store.collection(lostSpec).get(partition, lostKey);
  if (lost !== undefined && lost.value.lsn > from.lsn) throw outOfRetention();
  return { documents, lsn };
};

const shownVersion = async (
  engine: Engine,
  partition: string,
  { operation, at, shown, expired, previous }: VersionRecord,
  lsn: number,
): Promise<JsonObject> => {
  const before =
    previous === undefined ? undefined : await engine.store.collection(versionSpec).get(partition, previous);
  const metadata = {
    operationType: operation,
    lsn,
    crts: at,
    ...(operation === "create" ? {} : { previousImageLSN: before?.sequence ?? 0 }),
  };
  if (operation !== "delete") return { current: shown, metadata };
  return { metadata: { ...metadata, timeToLiveExpired: expired === true, ...shown } };
};

/**
 * A container was replaced. One that keeps versions no more loses those that it has; one that begins to has none of before,
 * and refuses to go on from there.
 */
export const versionsSwitched = async (
  engine: Engine,
  account: string,
  before: ContainerRecord,
  container: ContainerRecord,
): Promise<void> => {
  const [kept, keeps] = [before, container].map((each) => retentionOf(engine, account, each) !== undefined);
  const place: Place = { account, container };
  if (kept === true && keeps === false) while (await pruneVersions(engine, place)) await turn();
  if (kept === false && keeps === true) {
    const lsn = await currentLsn(engine, place);
    await engine.store.collection(lostSpec).put(containerPartition(account, container), lostKey, { lsn });
  }
};

/** Removes a page of versions that are older than the container keeps them. @returns whether there may be more */
export const pruneVersions = async (engine: Engine, { account, container }: Place): Promise<boolean> => {
  const partition = containerPartition(account, container);
  const oldest = nowSeconds(engine) - (retentionOf(engine, account, container) ?? 0);
  const page = await engine.store.collection(versionSpec).list(partition, { limit: pageSize });
  const young = page.findIndex(({ value }) => value.at > oldest);
  const old = young < 0 ? page : page.slice(0, young);
  if (old.length === 0) return false;
  await engine.store.transact([partition], async (tx) => {
    const lost = tx.collection(lostSpec);
    const known = (await lost.get(partition, lostKey))?.value.lsn ?? 0;
    for (const { key } of old) await tx.collection(versionSpec).delete(partition, key);
    await lost.put(partition, lostKey, { lsn: Math.max(known, ...old.map(({ sequence }) => sequence)) });
  });
  return old.length === pageSize;
};
