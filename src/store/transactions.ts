/**
 * Transactions by optimism: `work` runs against the live store with its writes held back and its reads remembered;
 * the commit checks that everything it read still holds, or the work runs again.
 * @see docs/adr/0003-store.md
 */
import type { Codec, codecsOf } from "./codec.ts";
import type { Driver, EntryCheck, IndexEntry, Place, Row, Write } from "./driver.ts";
import { gates } from "./gates.ts";
import { compareText, isText, spanOf, within, type Span } from "./keys.ts";
import { ConditionFailed, Contended } from "./store.ts";
import type { Collection, CollectionSpec, Condition, Entry, Store, Transaction } from "./store.ts";

/** How often `work` runs before the store gives up. Repeated runs take turns, so even five are rare. */
const ATTEMPTS = 50;

type Settable<T> = { -readonly [Member in keyof T]: T[Member] };

/** A write held back, with the entry handed to the caller, whose sequence is known at commit. */
interface HeldWrite extends Write {
  readonly entry: Settable<Entry<unknown>> | undefined;
}

/** What one run of `work` has read and wants written. */
interface Run {
  readonly checks: Map<string, EntryCheck>;
  readonly sequences: Map<string, number>;
  readonly writes: Map<string, HeldWrite>;
  readonly attach: Set<string>;
  readonly release: Set<string>;
  over: boolean;
}

/** No part of a place holds U+0000. */
const nameOf = ({ collection, partition, key }: Place): string => `${collection}\0${partition}\0${key}`;

const satisfies = (etag: string | undefined, condition: Condition): boolean =>
  "ifMatch" in condition ? etag === condition.ifMatch : etag === undefined;

const readRow = async (driver: Driver, run: Run, place: Place): Promise<Row | undefined> => {
  const name = nameOf(place);
  const held = run.writes.get(name);
  if (held)
    return held.json === undefined ? undefined : { key: held.key, json: held.json, etag: held.etag, sequence: 0 };
  const found = driver.get(place);
  const row = found instanceof Promise ? await found : found;
  if (!run.checks.has(name)) run.checks.set(name, { ...place, etag: row?.etag });
  return row;
};

/** Rows of a span as the run would leave them. */
const readRows = async (
  run: Run,
  driver: Driver,
  [collection, partition]: readonly [string, string],
  span: Span,
  entry: IndexEntry | undefined,
): Promise<Row[]> => {
  if (!run.sequences.has(partition)) {
    // Read before the rows: a write in between then shows as a conflict instead of being missed.
    const sequence = await driver.sequence(partition);
    if (!run.sequences.has(partition)) run.sequences.set(partition, sequence);
  }
  const own = [...run.writes.values()].filter(
    (write) => write.collection === collection && write.partition === partition && within(span, write.key),
  );
  // Own writes hide at most this many stored rows.
  const wide = { ...span, limit: span.limit + own.length };
  const stored = entry
    ? await driver.find(collection, partition, entry, wide)
    : await driver.list(collection, partition, wide);
  if (own.length === 0) return stored;
  const rows = new Map(stored.map((row) => [row.key, row]));
  for (const { key, json, etag, entries } of own) {
    const found = json !== undefined && (!entry || entries.some(([i, v]) => i === entry[0] && v === entry[1]));
    if (found) rows.set(key, { key, json, etag, sequence: 0 });
    else rows.delete(key);
  }
  return [...rows.values()].sort((a, b) => compareText(a.key, b.key)).slice(0, span.limit);
};

const collectionIn = <T>(
  driver: Driver,
  run: Run,
  codec: Codec<T>,
  enter: (partition: string) => void,
  nextEtag: () => string,
): Collection<T> => {
  const { collection, indexed } = codec;
  const meets = async (place: Place, condition: Condition | undefined): Promise<void> => {
    if (!condition) return;
    const row = await readRow(driver, run, place);
    if (!satisfies(row?.etag, condition)) throw new ConditionFailed(row !== undefined);
  };
  return {
    get: async (partition, key) => {
      enter(partition);
      if (!isText(key)) return undefined;
      const row = await readRow(driver, run, codec.place(partition, key));
      return row && codec.entry(partition, row);
    },
    list: async (partition, range = {}) => {
      enter(partition);
      if (!isText(range.prefix)) return [];
      const rows = await readRows(run, driver, [collection, partition], spanOf(range), undefined);
      return rows.map((row) => codec.entry(partition, row));
    },
    find: async (partition, index, value, range = {}) => {
      enter(partition);
      await codec.useIndex(driver, index);
      if (!isText(value)) return [];
      const rows = await readRows(run, driver, [collection, partition], spanOf(range), [index, value]);
      return rows.map((row) => codec.entry(partition, row));
    },
    put: async (partition, key, value, condition) => {
      enter(partition);
      const place = codec.place(partition, key);
      const encoded = codec.encode(place, value);
      if (condition) await meets(place, condition);
      const entry = { key, value, etag: nextEtag(), sequence: 0 };
      run.writes.set(nameOf(place), { ...place, ...encoded, etag: entry.etag, indexed, entry });
      return entry;
    },
    delete: async (partition, key, condition) => {
      enter(partition);
      const place = codec.place(partition, key);
      await meets(place, condition);
      const existed = (await readRow(driver, run, place)) !== undefined;
      run.writes.set(nameOf(place), { ...place, json: undefined, entries: [], etag: "", indexed, entry: undefined });
      return existed;
    },
  };
};

const transactionOver = (
  driver: Driver,
  codecFor: ReturnType<typeof codecsOf>,
  nextEtag: () => string,
  partitions: readonly string[],
  run: Run,
): Transaction => {
  const open = (): void => {
    if (run.over) throw new Error("The transaction is over: its work used it without being awaited.");
  };
  const enter = (partition: string): void => {
    open();
    if (partitions.includes(partition)) return;
    throw new Error(
      `The transaction was opened over ${JSON.stringify(partitions)} and touched the partition ` +
        `${JSON.stringify(partition)}. Name every partition when calling transact.`,
    );
  };
  return {
    collection: <T>(spec: CollectionSpec<T>) => collectionIn(driver, run, codecFor(spec), enter, nextEtag),
    attach: ({ ref }) => {
      open();
      run.attach.add(ref);
    },
    release: (ref) => {
      open();
      run.release.add(ref);
    },
  };
};

/** What the run's outcome rests on. */
const readsOf = (run: Run) => ({
  checks: [...run.checks.values()],
  partitionChecks: Array.from(run.sequences, ([partition, sequence]) => ({ partition, sequence })),
});

/** Runs `work` once and commits; `again` when what it read did not hold. */
const attempt = async <R>(
  driver: Driver,
  run: Run,
  work: () => Promise<R>,
): Promise<{ readonly again: false; readonly result: R } | { readonly again: true }> => {
  let result: R;
  try {
    result = await work();
  } catch (error) {
    // Reads are not of one moment: what failed on reads that do not hold together deserves another run.
    const outcome = await driver.commit({ ...readsOf(run), writes: [], attach: [], release: [] });
    if (outcome.kind === "stale") return { again: true };
    throw error;
  } finally {
    run.over = true;
  }
  const writes = [...run.writes.values()];
  const outcome = await driver.commit({
    ...readsOf(run),
    writes: writes.map(({ entry: _, ...write }) => write),
    attach: [...run.attach],
    release: [...run.release],
  });
  if (outcome.kind === "stale") return { again: true };
  for (const [i, { entry }] of writes.entries()) if (entry) entry.sequence = outcome.sequences[i] ?? 0;
  return { again: false, result };
};

/** `Store.transact` over a driver. */
export const transactor = (
  driver: Driver,
  codecFor: ReturnType<typeof codecsOf>,
  nextEtag: () => string,
): Store["transact"] => {
  const turns = gates();
  return async (partitions, work) => {
    let leave = (): void => {};
    try {
      for (let number = 0; number < ATTEMPTS; number++) {
        const run: Run = {
          checks: new Map(),
          sequences: new Map(),
          writes: new Map(),
          attach: new Set(),
          release: new Set(),
          over: false,
        };
        const tx = transactionOver(driver, codecFor, nextEtag, partitions, run);
        const attempted = await attempt(driver, run, () => work(tx));
        if (!attempted.again) return attempted.result;
        // Those who lost once take turns, so that everybody gets through however many writers there are.
        if (number === 0) leave = await turns.enter(partitions);
      }
    } finally {
      leave();
    }
    throw new Contended(partitions, ATTEMPTS);
  };
};
