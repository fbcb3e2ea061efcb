import type { Clock } from "../../../kernel/clock.ts";
import type { Eventually } from "../../../kernel/eventually.ts";
import type { Ids } from "../../../kernel/ids.ts";
import type { Collection, Entry, Store, Transaction } from "../../../store/store.ts";
import { cosmosFault } from "../faults.ts";
import { type Recent, recent } from "../../../arm/recent.ts";
import {
  accountPartition,
  containerKey,
  containerPartition,
  type ContainerRecord,
  containerSpec,
  type DatabaseRecord,
  databaseSpec,
  itemSpec,
  type ItemRecord,
} from "./records.ts";
import { isExpired } from "./ttl.ts";
import { noReader, type QueryReader } from "./reader-port.ts";
import { lastLsn } from "./lsn.ts";
import { looksLikeRid, orderSource } from "./rid.ts";
import { type ItemSources, storeSources } from "./source.ts";

export { expiryOf, isExpired } from "./ttl.ts";

/** What the engine's functions work with. It knows accounts by an opaque id and nothing of who may do what. */
export interface Engine {
  readonly store: Store;
  readonly items: Collection<ItemRecord>;
  readonly clock: Clock;
  readonly ids: Ids;
  /** Numbers new items; grows. */
  readonly nextOrder: () => number;
  /** By `account/name`. */
  readonly databases: Recent<DatabaseRecord>;
  /** By `account/database/name`. */
  readonly containers: Recent<ContainerRecord>;
  /** Items as texts, for those who walk over many. */
  readonly sources: ItemSources;
  /** Queries and read feeds. */
  readonly reader: QueryReader;
  /** The highest LSN that was told of a container, by its rid. */
  readonly told: Map<string, number>;
  /** Accounts with continuous backup, as far as they are known. */
  readonly backups: Map<string, Backup>;
}

/** An account's continuous backup. */
export interface Backup {
  /** Seconds. */
  readonly retention: number;
  /** Whether the account keeps all versions and deletes for that long (`enableAllVersionsAndDeletesChangeFeed`). */
  readonly versions: boolean;
}

export const openEngine = (options: {
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: Ids;
  /** Without one, queries are refused. */
  readonly reader?: QueryReader;
}): Engine => {
  const { store, clock, ids, reader = noReader } = options;
  const databases = store.collection(databaseSpec);
  const containers = store.collection(containerSpec);
  const told = new Map<string, number>();
  const loadContainer = async (
    account: string,
    database: string,
    name: string,
  ): Promise<ContainerRecord | undefined> => {
    const partition = accountPartition(account);
    const named = (await containers.get(partition, containerKey(database, name)))?.value;
    if (named !== undefined || !looksLikeRid(name)) return named;
    const found = (await containers.find(partition, "rid", name, { limit: 1 }))[0]?.value;
    return found?.database === database ? found : undefined;
  };
  return {
    store,
    items: store.collection(itemSpec),
    clock,
    ids,
    nextOrder: orderSource(() => clock.wall()),
    databases: recent(1000, async (key) => {
      const [account = "", name = ""] = key.split("/");
      const partition = accountPartition(account);
      const named = (await databases.get(partition, name))?.value;
      if (named !== undefined || !looksLikeRid(name)) return named;
      return (await databases.find(partition, "rid", name, { limit: 1 }))[0]?.value;
    }),
    containers: recent(10_000, async (key) => {
      const [account = "", database = "", name = ""] = key.split("/");
      const found = await loadContainer(account, database, name);
      if (found !== undefined && !told.has(found.rid)) {
        const last = await lastLsn(store, containerPartition(account, found));
        told.set(found.rid, Math.max(told.get(found.rid) ?? 0, last));
      }
      return found;
    }),
    sources: storeSources(store),
    reader,
    told,
    backups: new Map(),
  };
};

/** Names hold no slash; one that does is nowhere. */
export const findDatabase = (engine: Engine, account: string, name: string): Eventually<DatabaseRecord | undefined> =>
  name.includes("/") ? undefined : engine.databases.get(`${account}/${name}`);

export const findContainer = (
  engine: Engine,
  account: string,
  database: string,
  name: string,
): Eventually<ContainerRecord | undefined> =>
  name.includes("/") ? undefined : engine.containers.get(`${account}/${database}/${name}`);

/** A container and where its items are. */
export interface Place {
  readonly account: string;
  readonly container: ContainerRecord;
}

/** A transaction on the items of one container. */
export interface Scene extends Place {
  readonly engine: Engine;
  readonly tx: Transaction;
  readonly partition: string;
  /** Seconds, tenant clock. */
  readonly now: number;
}

export const nowSeconds = (engine: Engine): number => Math.floor(engine.clock.now() / 1000);

/** Runs `work` in one transaction in which the container is known to exist. May run more than once. */
export const inContainer = async <R>(engine: Engine, place: Place, work: (scene: Scene) => Promise<R>): Promise<R> => {
  const { account } = place;
  const { database, id, rid } = place.container;
  const shared = accountPartition(account);
  const partition = containerPartition(account, place.container);
  return engine.store.transact([shared, partition], async (tx) => {
    const container = (await tx.collection(containerSpec).get(shared, containerKey(database, id)))?.value;
    if (container?.rid !== rid) throw cosmosFault("notFound");
    return work({ engine, account, container, tx, partition, now: nowSeconds(engine) });
  });
};

/** The container's LSN as far as it was told to anybody, at least `lsn`. Forward only. */
export const lsnOf = (engine: Engine, { rid }: Pick<ContainerRecord, "rid">, lsn = 0): number => {
  const known = Math.max(engine.told.get(rid) ?? 0, lsn);
  engine.told.set(rid, known);
  return known;
};

/** An item that is there and alive. */
export const liveItem = async (
  engine: Engine,
  { account, container }: Place,
  key: string,
): Promise<Entry<ItemRecord> | undefined> => {
  const entry = await engine.items.get(containerPartition(account, container), key);
  return entry === undefined || isExpired(entry.value, container, nowSeconds(engine)) ? undefined : entry;
};
