/**
 * Containers held parsed in memory, for queries that look at all of one: loaded from the change sequence when first needed and
 * brought up to date by it before every other query. Writers do nothing for it, other processes' writes show as well, and
 * it can be forgotten at any time. A container beyond the bound is never held.
 */
import type { Narrowing } from "../query/query.ts";
import { epkOfKey } from "./partition-key.ts";
import type { ContainerRecord, ItemRecord } from "./records.ts";
import { indexablePaths, openRowIndexes, type OrderedRows, type PathOrder, type RowIndexes } from "./row-indexes.ts";
import { compareRows, type Row } from "./rows.ts";
import { inSlices } from "./slices.ts";
import { type ItemSource, openPace, rowOf } from "./source.ts";
import { sorted } from "../query/query.ts";

export interface Snapshot {
  /** By effective partition key, then in order of creation: the order of feeds. Never changed; a newer one replaces it. */
  readonly rows: readonly Row[];
  readonly lsn: number;
  /** Whether an index has left rows out. */
  readonly narrowed: boolean;
  /** Rows in the order of an index instead, when that was asked for and no other index leaves few of them. */
  readonly ordered: OrderedRows | undefined;
}

export interface Wanted {
  /** Rows outside of it may be left out. */
  readonly narrowing: Narrowing;
  readonly order: PathOrder | undefined;
}

/** What matters of a container here. */
export type Contained = Pick<ContainerRecord, "rid" | "partitionKey">;

export interface Snapshots {
  /** The container as it is now, everything that was acknowledged before the call; undefined when it is too large to be held. */
  read(container: Contained, source: ItemSource, wanted: Wanted): Promise<Snapshot | undefined>;
  /** Whether a container is held, so that reading it costs only what has changed. */
  holds(rid: string): boolean;
  /** Whether it was found too large, not long ago. */
  isLarge(rid: string): boolean;
  /** What all that is held takes, in bytes of JSON. */
  bytes(): number;
  forget(rid: string): void;
}

interface Held {
  filled: boolean;
  lsn: number;
  bytes: number;
  readonly byKey: Map<string, Row>;
  sorted: readonly Row[] | undefined;
  /** Keys of what has changed since the rows were sorted. */
  readonly unsorted: Set<string>;
  readonly indexes: RowIndexes;
  /** The last reader's turn: they take turns. */
  last: Promise<void>;
}

/** A container that was too large is tried again after so many further changes: much of it may have been deleted. */
const changesUntilRetry = 100_000;

/** A guess of the size must be so much beyond the bound. */
const surely = 1.5;

class TooLarge extends Error {}

const ignored = (): void => undefined;

/** So many hashes say how large the whole is. */
const enoughHashes = 200;

/**
 * What all of a container takes, by what was read of it in key order: hashes are spread evenly from 00... to 40..., so the part of
 * them that was passed is the part of the container. @returns tells after each row; undefined: not known yet
 */
const sizeByHash = ({
  partitionKey: { version, kind },
}: Contained): ((epk: string, bytes: number) => number | undefined) => {
  let hashes = 0;
  let last = "";
  return (epk, bytes) => {
    const hash = epk.slice(0, 8);
    if (hash !== last) hashes++;
    last = hash;
    const share = Number.parseInt(hash, 16) / 0x4000_0000;
    return hashes < enoughHashes || (version === 1 && kind === "Hash") ? undefined : bytes / share;
  };
};

const sortedRows = async (one: Held): Promise<readonly Row[]> => {
  if (one.sorted === undefined) {
    one.unsorted.clear();
    one.sorted = await inSlices(sorted([...one.byKey.values()], compareRows));
  } else if (one.unsorted.size > 0) {
    // Only what has changed is sorted; the rest is in order.
    const fresh = [...one.unsorted].flatMap((key) => one.byKey.get(key) ?? []).sort(compareRows);
    const rows: Row[] = [];
    let next = 0;
    for (const row of one.sorted) {
      if (one.unsorted.has(row.key)) continue;
      for (; next < fresh.length && compareRows(fresh[next] as Row, row) < 0; next++) rows.push(fresh[next] as Row);
      rows.push(row);
    }
    for (; next < fresh.length; next++) rows.push(fresh[next] as Row);
    one.sorted = rows;
    one.unsorted.clear();
  }
  return one.sorted;
};

const bytesOf = ({ bytes, indexes }: Held): number => bytes + indexes.bytes();

/** @param bound of the documents that are held, in bytes of JSON @param dropped told of every container that is let go */
export const openSnapshots = (bound: number, dropped: (rid: string) => void = () => undefined): Snapshots => {
  const held = new Map<string, Held>();
  const large = new Map<string, number>();

  const drop = (rid: string): void => {
    if (held.delete(rid)) dropped(rid);
  };

  /** Forgets the least recently read until the bound holds; indexes go before documents. */
  const trim = (): void => {
    let total = [...held.values()].reduce((sum, each) => sum + bytesOf(each), 0);
    for (const [rid, { bytes, indexes }] of held) {
      if (total <= bound) return;
      total -= indexes.bytes();
      indexes.clear();
      if (total <= bound) return;
      drop(rid);
      total -= bytes;
    }
  };

  const refuse = (rid: string, lsn: number): never => {
    large.set(rid, lsn);
    drop(rid);
    throw new TooLarge();
  };

  /** All of it in key order, which is several times as fast as in the order of changes. */
  const fill = async (container: Contained, source: ItemSource, into: Held): Promise<void> => {
    const start = await source.sequence();
    const sizeOf = sizeByHash(container);
    const pace = openPace();
    for (let after: string | undefined; ;) {
      const limit = pace.limit();
      const texts = await source.list({ prefix: "", after, limit });
      pace.took(texts);
      for (const text of texts) {
        const row = rowOf(text);
        into.byKey.set(row.key, row);
        into.bytes += row.size;
        if ((sizeOf(row.epk, into.bytes) ?? into.bytes) > bound * surely) refuse(container.rid, start);
      }
      if (into.bytes > bound) refuse(container.rid, start);
      trim();
      after = texts.at(-1)?.key;
      if (texts.length < limit) break;
    }
    // From here on the changes tell, what was written meanwhile included.
    into.lsn = start;
    into.filled = true;
  };

  const catchUp = async (rid: string, source: ItemSource, into: Held): Promise<void> => {
    const pace = openPace();
    const target = await source.sequence();
    let growing = 1;
    for (;;) {
      // What is written meanwhile must not keep the end away.
      if (into.lsn > target) growing *= 2;
      const limit = pace.limit() * growing;
      const changes = await source.changes(into.lsn, limit);
      pace.took(changes);
      for (const { key, json, sequence } of changes) {
        const before = into.byKey.get(key);
        const value = json === undefined ? undefined : (JSON.parse(json) as ItemRecord);
        into.lsn = sequence;
        into.bytes += (value?.size ?? 0) - (before?.size ?? 0);
        if (value === undefined) into.byKey.delete(key);
        else into.byKey.set(key, { key, epk: before?.epk ?? epkOfKey(key), ...value });
        if (into.sorted !== undefined) into.unsorted.add(key);
        into.indexes.changed(key);
      }
      if (into.bytes > bound) refuse(rid, into.lsn);
      trim();
      if (changes.length < limit) return;
    }
  };

  /** What has changed is taken in, then the answer is made, and nothing else is done to the container in between. */
  const answer = async (
    container: Contained,
    source: ItemSource,
    one: Held,
    { narrowing: { ranges, never }, order }: Wanted,
  ): Promise<Snapshot> => {
    if (!one.filled) await fill(container, source, one);
    await catchUp(container.rid, source, one);
    const rows = await sortedRows(one);
    const { indexes, byKey, lsn } = one;
    const room = bound - one.bytes;
    if (never) return { rows: [], lsn, narrowed: true, ordered: undefined };
    await indexes.prepare(indexablePaths(ranges), rows, room);
    const found = indexes.find(ranges, byKey);
    if (found === undefined && order !== undefined) await indexes.prepare([order.path], rows, room);
    const ordered = found === undefined && order !== undefined ? indexes.ordered(order, byKey) : undefined;
    trim();
    return { rows: found ?? rows, lsn, narrowed: found !== undefined, ordered };
  };

  const open = (): Held => ({
    filled: false,
    lsn: 0,
    bytes: 0,
    byKey: new Map<string, Row>(),
    sorted: undefined,
    unsorted: new Set(),
    indexes: openRowIndexes(),
    last: Promise.resolve(),
  });

  return {
    read: async (container, source, wanted) => {
      const { rid } = container;
      const since = large.get(rid);
      if (since !== undefined) {
        if ((await source.sequence()) < since + changesUntilRetry) return undefined;
        large.delete(rid);
      }
      const one = held.get(rid) ?? open();
      // The one read last goes last.
      held.delete(rid);
      held.set(rid, one);
      const mine = one.last.then(() => answer(container, source, one, wanted));
      one.last = mine.then(ignored, ignored);
      try {
        return await mine;
      } catch (error) {
        if (error instanceof TooLarge) return undefined;
        drop(rid);
        throw error;
      }
    },
    holds: (rid) => held.has(rid),
    isLarge: (rid) => large.has(rid),
    bytes: () => [...held.values()].reduce((sum, each) => sum + bytesOf(each), 0),
    forget: (rid) => {
      large.delete(rid);
      drop(rid);
    },
  };
};
