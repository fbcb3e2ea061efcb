/**
 * Containers held parsed in memory, for queries and read feeds: loaded from the change sequence at the first query and
 * brought up to date by it before every other. Writers do nothing for it, other processes' writes show as well, and it can
 * be forgotten at any time.
 */
import { setImmediate as turn } from "node:timers/promises";
import type { Store } from "../../../store/store.ts";
import { containerPartition, type ContainerRecord, itemSpec, type JsonObject } from "./records.ts";
import { epkOfKey } from "./partition-key.ts";

export interface Row {
  /** The item's key in the store. */
  readonly key: string;
  readonly epk: string;
  readonly order: number;
  readonly size: number;
  readonly doc: JsonObject;
}

export interface Snapshot {
  /** By effective partition key, then in order of creation: the order of feeds. Never changed; a newer one replaces it. */
  readonly rows: readonly Row[];
  readonly lsn: number;
}

export interface Snapshots {
  /** The container as it is now: everything that was acknowledged before the call. */
  read(account: string, container: ContainerRecord): Promise<Snapshot>;
  /** Whether a container is held, so that reading it costs only what has changed. */
  holds(rid: string): boolean;
  forget(rid: string): void;
}

interface Held {
  lsn: number;
  bytes: number;
  readonly byKey: Map<string, Row>;
  sorted: readonly Row[] | undefined;
  loading: Promise<void>;
}

const pageSize = 500;

export const compareRows = (a: Row, b: Row): number =>
  a.epk < b.epk ? -1 : a.epk > b.epk ? 1 : a.order - b.order || (a.key < b.key ? -1 : a.key > b.key ? 1 : 0);

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
        into.sorted = undefined;
      }
      if (changes.length < pageSize) return;
      // Long loads let other requests through.
      await turn();
    }
  };

  /** Forgets the least recently read until the bound holds; the one in use goes when it alone is beyond it. */
  const trim = (): void => {
    let total = [...held.values()].reduce((sum, each) => sum + each.bytes, 0);
    for (const [rid, { bytes }] of held) {
      if (total <= bound) return;
      held.delete(rid);
      total -= bytes;
    }
  };

  return {
    read: async (account, container) => {
      const one = held.get(container.rid) ?? {
        lsn: 0,
        bytes: 0,
        byKey: new Map<string, Row>(),
        sorted: undefined,
        loading: Promise.resolve(),
      };
      held.delete(container.rid);
      held.set(container.rid, one);
      one.loading = one.loading.catch(() => undefined).then(() => catchUp(containerPartition(account, container), one));
      await one.loading;
      one.sorted ??= [...one.byKey.values()].sort(compareRows);
      const snapshot = { rows: one.sorted, lsn: one.lsn };
      trim();
      return snapshot;
    },
    holds: (rid) => held.has(rid),
    forget: (rid) => void held.delete(rid),
  };
};
