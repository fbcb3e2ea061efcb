/**
 * Containers held parsed in memory, for queries and read feeds: loaded from the change sequence at the first query and
 * brought up to date by it before every other. Writers do nothing for it, other processes' writes show as well, and it can
 * be forgotten at any time.
 */
import { setImmediate as turn } from "node:timers/promises";
import type { Store } from "../../../store/store.ts";
import type { Narrowing } from "../query/query.ts";
import { containerPartition, type ContainerRecord, itemSpec } from "./records.ts";
import { epkOfKey } from "./partition-key.ts";
import { openRowIndexes, type RowIndexes } from "./row-indexes.ts";
import { compareRows, type Row } from "./rows.ts";

export interface Snapshot {
  /** By effective partition key, then in order of creation: the order of feeds. Never changed; a newer one replaces it. */
  readonly rows: readonly Row[];
  readonly lsn: number;
}

export interface Snapshots {
  /**
   * The container as it is now: everything that was acknowledged before the call.
   * @param narrowing rows outside of it may be left out
   */
  read(account: string, container: ContainerRecord, narrowing?: Narrowing): Promise<Snapshot>;
  /** Whether a container is held, so that reading it costs only what has changed. */
  holds(rid: string): boolean;
  forget(rid: string): void;
}

interface Held {
  lsn: number;
  bytes: number;
  readonly byKey: Map<string, Row>;
  sorted: readonly Row[] | undefined;
  /** Keys of what has changed since the rows were sorted. */
  readonly unsorted: Set<string>;
  readonly indexes: RowIndexes;
  loading: Promise<void>;
}

const pageSize = 500;

/** Sorts again only what has changed: the sort finds the rest in order. */
const sortedRows = (one: Held): readonly Row[] => {
  if (one.sorted === undefined) one.sorted = [...one.byKey.values()].sort(compareRows);
  else if (one.unsorted.size > 0) {
    const rows = one.sorted.filter(({ key }) => !one.unsorted.has(key));
    for (const key of one.unsorted) {
      const row = one.byKey.get(key);
      if (row !== undefined) rows.push(row);
    }
    one.sorted = rows.sort(compareRows);
  }
  one.unsorted.clear();
  return one.sorted;
};

const bytesOf = ({ bytes, indexes }: Held): number => bytes + indexes.bytes();

export const openSnapshots = (store: Store, bound: number): Snapshots => {
  const held = new Map<string, Held>();

  const catchUp = async (partition: string, into: Held): Promise<void> => {
    for (;;) {
      const changes = await store.changes(itemSpec, partition, into.lsn, pageSize);
      for (const { key, value, sequence } of changes) {
        const before = into.byKey.get(key);
        into.lsn = sequence;
        into.bytes += (value?.size ?? 0) - (before?.size ?? 0);
        if (value === undefined) into.byKey.delete(key);
        else into.byKey.set(key, { key, epk: before?.epk ?? epkOfKey(key), ...value });
        if (into.sorted !== undefined) into.unsorted.add(key);
        into.indexes.changed(key);
      }
      if (changes.length < pageSize) return;
      // Long loads let other requests through.
      await turn();
    }
  };

  /** Forgets the least recently read until the bound holds; the one in use goes when it alone is beyond it. */
  const trim = (): void => {
    let total = [...held.values()].reduce((sum, each) => sum + bytesOf(each), 0);
    for (const [rid, { bytes, indexes }] of held) {
      if (total <= bound) return;
      total -= indexes.bytes();
      indexes.clear();
      if (total <= bound) return;
      held.delete(rid);
      total -= bytes;
    }
  };

  return {
    read: async (account, container, narrowing) => {
      const one: Held = held.get(container.rid) ?? {
        lsn: 0,
        bytes: 0,
        byKey: new Map<string, Row>(),
        sorted: undefined,
        unsorted: new Set(),
        indexes: openRowIndexes(),
        loading: Promise.resolve(),
      };
      held.delete(container.rid);
      held.set(container.rid, one);
      one.loading = one.loading.catch(() => undefined).then(() => catchUp(containerPartition(account, container), one));
      await one.loading;
      const { ranges, never } = narrowing ?? { ranges: [], never: false };
      const building = one.indexes.prepare(ranges, () => sortedRows(one), bound - one.bytes);
      if (building !== undefined) {
        await building;
        // Not in the middle of what another reader has begun to load.
        await one.loading;
      }
      const rows = never ? [] : (one.indexes.find(ranges, one.byKey) ?? sortedRows(one));
      const snapshot = { rows, lsn: one.lsn };
      trim();
      return snapshot;
    },
    holds: (rid) => held.has(rid),
    forget: (rid) => void held.delete(rid),
  };
};
