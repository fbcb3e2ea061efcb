/** The rows of a store in SQLite: reads, and applying one commit inside an open transaction. All synchronous. */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { ChangedRow, Commit, IndexedRow, IndexEntry, Outcome, Place, Row, Write } from "../driver.ts";
import type { Span } from "../keys.ts";
import { hotRows } from "./hot-rows.ts";
import { sqliteSequences } from "./sequences.ts";

/** The content of an upload that is to be attached; undefined data: it lies in a file. */
export interface Attachment {
  readonly ref: string;
  readonly data: Uint8Array | undefined;
}

/** A commit whose uploads have been looked up. Plain data, so that it could cross to a worker thread. */
export interface ReadyCommit extends Omit<Commit, "attach"> {
  readonly attach: readonly Attachment[];
}

/** The reads of a `Driver`, synchronous. */
interface Reads {
  readonly get: (place: Place) => Row | undefined;
  readonly list: (collection: string, partition: string, span: Span) => Row[];
  readonly find: (collection: string, partition: string, entry: IndexEntry, span: Span) => Row[];
  readonly sequence: (partition: string) => number;
  readonly changes: (collection: string, partition: string, after: number, limit: number) => ChangedRow[];
}

export interface Rows extends Reads {
  readonly index: (collection: string, names: string, entriesOf: (row: IndexedRow) => readonly IndexEntry[]) => void;
  /** Checks and applies. The caller has opened a transaction, and calls `settle` before committing it. */
  apply(commit: ReadyCommit): Outcome;
  /** Writes what the commits of this transaction have used up. */
  settle(): void;
  /** Forgets what a rolled back transaction left in memory. */
  forget(): void;
}

const COLUMNS = "key, value as json, etag, sequence";

/** One statement per form of a range: with or without its upper bound, including its lower or not. */
const ranged = (database: DatabaseSync, before: string, column: string): ((span: Span) => StatementSync) => {
  const prepared = new Map<string, StatementSync>();
  return ({ exclusive, upper }) => {
    const form = `${column} ${exclusive ? ">" : ">="} ?${upper === undefined ? "" : ` and ${column} < ?`}`;
    const known = prepared.get(form);
    if (known) return known;
    const statement = database.prepare(`${before} and ${form} order by ${column} limit ?`);
    prepared.set(form, statement);
    return statement;
  };
};

const bounds = ({ lower, upper, limit }: Span): (string | number)[] =>
  upper === undefined ? [lower, limit] : [lower, upper, limit];

const readsOf = (database: DatabaseSync, sequence: (partition: string) => number): Reads => {
  const get = database.prepare(`select ${COLUMNS} from rows where collection = ? and partition = ? and key = ?`);
  const list = ranged(database, `select ${COLUMNS} from rows where collection = ? and partition = ?`, "key");
  const find = ranged(
    database,
    `select r.key as key, r.value as json, r.etag as etag, r.sequence as sequence from entries e
     join rows r on r.collection = e.collection and r.partition = e.partition and r.key = e.key
     where e.collection = ? and e.partition = ? and e.name = ? and e.value = ?`,
    "e.key",
  );
  const changes = database.prepare(
    `select sequence, key, value as json from rows where collection = ?1 and partition = ?2 and sequence > ?3
     union all
     select sequence, key, null from tombstones t where collection = ?1 and partition = ?2 and sequence > ?3
       and not exists (select 1 from rows r where r.collection = ?1 and r.partition = ?2 and r.key = t.key)
     order by sequence limit ?4`,
  );
  return {
    get: ({ collection, partition, key }) => get.get(collection, partition, key) as Row | undefined,
    list: (collection, partition, span) => list(span).all(collection, partition, ...bounds(span)) as unknown as Row[],
    find: (collection, partition, [name, value], span) =>
      find(span).all(collection, partition, name, value, ...bounds(span)) as unknown as Row[],
    sequence,
    changes: (collection, partition, after, limit) =>
      changes.all(collection, partition, after, limit).map(({ key, json, sequence }) => ({
        key: String(key),
        json: typeof json === "string" ? json : undefined,
        sequence: Number(sequence),
      })),
  };
};

/** After a failure inside a transaction. */
export const rollBack = (database: DatabaseSync): void => {
  try {
    database.exec("rollback");
  } catch {
    // Some failures (a full disk) have SQLite roll back by itself; then there is no transaction any more.
  }
};

/** `Driver.index`, in a transaction of its own. */
const indexerOf = (database: DatabaseSync): Rows["index"] => {
  const known = database.prepare("select names from indexes where collection = ?");
  const remember = database.prepare(
    "insert into indexes (collection, names) values (?, ?) on conflict (collection) do update set names = excluded.names",
  );
  const rows = database.prepare("select partition, key, value as json from rows where collection = ?");
  const clear = database.prepare("delete from entries where collection = ?");
  const store = database.prepare("update rows set entries = ? where collection = ? and partition = ? and key = ?");
  const add = database.prepare("insert into entries (collection, partition, name, value, key) values (?, ?, ?, ?, ?)");
  return (collection, names, entriesOf) => {
    if (known.get(collection)?.["names"] === names) return;
    database.exec("begin immediate");
    try {
      clear.run(collection);
      for (const { partition, key, json } of rows.all(collection) as unknown as Omit<IndexedRow, "collection">[]) {
        const entries = entriesOf({ collection, partition, key, json });
        store.run(entries.length > 0 ? JSON.stringify(entries) : null, collection, partition, key);
        for (const entry of entries) add.run(collection, partition, ...entry, key);
      }
      remember.run(collection, names);
      database.exec("commit");
    } catch (error) {
      rollBack(database);
      throw error;
    }
  };
};

const writesOf = (database: DatabaseSync, nextSequence: (partition: string) => number) => {
  const upsert = database.prepare(
    `insert into rows (collection, partition, key, value, etag, sequence, entries) values (?, ?, ?, ?, ?, ?, ?)
     on conflict (collection, partition, key) do update
     set value = excluded.value, etag = excluded.etag, sequence = excluded.sequence, entries = excluded.entries`,
  );
  const remove = database.prepare("delete from rows where collection = ? and partition = ? and key = ?");
  const bury = database.prepare(
    `insert into tombstones (collection, partition, key, sequence) values (?, ?, ?, ?)
     on conflict (collection, partition, key) do update set sequence = excluded.sequence`,
  );
  const entriesBefore = database.prepare("select entries from rows where collection = ? and partition = ? and key = ?");
  const addEntry = database.prepare(
    "insert into entries (collection, partition, name, value, key) values (?, ?, ?, ?, ?)",
  );
  const dropEntry = database.prepare(
    "delete from entries where collection = ? and partition = ? and name = ? and value = ? and key = ?",
  );

  const reindex = ({ collection, partition, key }: Place, entries: readonly IndexEntry[]): void => {
    const before = entriesBefore.get(collection, partition, key)?.["entries"];
    const old = typeof before === "string" ? (JSON.parse(before) as IndexEntry[]) : [];
    const same =
      ([name, value]: IndexEntry) =>
      (other: IndexEntry) =>
        other[0] === name && other[1] === value;
    for (const entry of old) if (!entries.some(same(entry))) dropEntry.run(collection, partition, ...entry, key);
    for (const entry of entries) if (!old.some(same(entry))) addEntry.run(collection, partition, ...entry, key);
  };

  return (write: Write, isNew: boolean): number => {
    const { collection, partition, key, json, etag, entries, indexed } = write;
    if (indexed && !(isNew && entries.length === 0)) reindex(write, entries);
    if (json === undefined) {
      if (remove.run(collection, partition, key).changes === 0) return 0;
      const sequence = nextSequence(partition);
      bury.run(collection, partition, key, sequence);
      return sequence;
    }
    const sequence = nextSequence(partition);
    const stored = entries.length > 0 ? JSON.stringify(entries) : null;
    upsert.run(collection, partition, key, json, etag, sequence, stored);
    return sequence;
  };
};

/**
 * Prepares all statements on a database with the current schema.
 * @param isHeld Whether a reader still needs a content, so that its release has to wait
 */
export const sqliteRows = (database: DatabaseSync, isHeld: (ref: string) => boolean): Rows => {
  const sequences = sqliteSequences(database);
  const reads = readsOf(database, sequences.current);
  const hot = hotRows(reads.get);
  const write = writesOf(database, sequences.next);
  const etagOf = database.prepare("select etag from rows where collection = ? and partition = ? and key = ?");
  const addContent = database.prepare("insert into contents (ref, data) values (?, ?)");
  const addFile = database.prepare("insert into files (ref) values (?)");
  const dropContent = database.prepare("delete from contents where ref = ?");
  const dropFile = database.prepare("delete from files where ref = ?");
  const park = database.prepare("insert into parked (ref) values (?) on conflict do nothing");
  const unpark = database.prepare("delete from parked where ref = ?");

  return {
    ...reads,
    get: hot.get,
    index: indexerOf(database),
    settle: sequences.settle,
    forget: () => {
      sequences.forget();
      hot.forget();
    },
    apply: (commit) => {
      for (const check of commit.checks) {
        const known = hot.known(check);
        const found =
          known === undefined ? etagOf.get(check.collection, check.partition, check.key)?.["etag"] : known?.etag;
        if (found !== check.etag) return { kind: "stale", exists: found !== undefined };
      }
      for (const { partition, sequence } of commit.partitionChecks) {
        if (sequences.current(partition) !== sequence) return { kind: "stale", exists: true };
      }
      for (const { ref, data } of commit.attach) {
        if (data) addContent.run(ref, data);
        else addFile.run(ref);
      }
      const done = commit.writes.map((one) => {
        const sequence = write(one, hot.known(one) === null);
        hot.written(one, sequence);
        return sequence;
      });
      for (const ref of commit.release) {
        if (isHeld(ref)) {
          park.run(ref);
          continue;
        }
        if (dropContent.run(ref).changes === 0) dropFile.run(ref);
        unpark.run(ref);
      }
      return { kind: "done", sequences: done };
    },
  };
};
