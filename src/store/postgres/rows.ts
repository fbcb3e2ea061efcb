/** The rows of a store in PostgreSQL: reads on the pool, and commits as short transactions. */
import type { Pool, PoolClient } from "pg";
import type { ChangedRow, Commit, Driver, Outcome, Row, Write } from "../driver.ts";
import type { Span } from "../keys.ts";
import { retriedTransaction } from "./retry.ts";

/** Attaches and releases inside a commit's transaction. */
export interface ContentWrites {
  attach(client: PoolClient, ref: string): Promise<void>;
  release(client: PoolClient, ref: string): Promise<void>;
}

interface StoredRow {
  readonly key: string;
  readonly json: string;
  readonly etag: string;
  /** node-postgres gives bigint as text. */
  readonly sequence: string;
}

const rowOf = ({ sequence, ...row }: StoredRow): Row => ({ ...row, sequence: Number(sequence) });

/** The part of a query that a span adds, with its values, after `used` earlier parameters. */
const ranged = (column: string, { lower, exclusive, upper, limit }: Span, used: number): [string, unknown[]] => {
  const below = upper === undefined ? "" : ` and ${column} < $${used + 3}`;
  const text = ` and ${column} ${exclusive ? ">" : ">="} $${used + 1}${below} order by ${column} limit $${used + 2}`;
  return [text, upper === undefined ? [lower, limit] : [lower, limit, upper]];
};

/** Runs `work` in a transaction of its own, again when the database asks for it. */
export const inTransaction = <R>(pool: Pool, begin: string, work: (client: PoolClient) => Promise<R>): Promise<R> =>
  retriedTransaction(async () => {
    const client = await pool.connect();
    let broken: unknown;
    try {
      await client.query(begin);
      const result = await work(client);
      await client.query("commit");
      return result;
    } catch (error) {
      // A connection that cannot even roll back is not given to the next one.
      await client.query("rollback").catch((failure: unknown) => (broken = failure));
      throw error;
    } finally {
      client.release(broken !== undefined);
    }
  });

/** Ends a transaction whose checks did not hold; nothing of it stays. */
class Stale extends Error {
  readonly exists: boolean;
  constructor(exists: boolean) {
    super("A check did not hold.");
    this.exists = exists;
  }
}

const readsOf = (pool: Pool, schema: string): Pick<Driver, "get" | "list" | "find" | "sequence" | "changes"> => ({
  get: async ({ collection, partition, key }) => {
    const found = await pool.query<StoredRow>(
      `select key, value as json, etag, sequence from ${schema}.rows
       where partition = $1 and collection = $2 and key = $3`,
      [partition, collection, key],
    );
    return found.rows[0] && rowOf(found.rows[0]);
  },
  list: async (collection, partition, span) => {
    const [range, values] = ranged("key", span, 2);
    const found = await pool.query<StoredRow>(
      `select key, value as json, etag, sequence from ${schema}.rows where partition = $1 and collection = $2${range}`,
      [partition, collection, ...values],
    );
    return found.rows.map(rowOf);
  },
  find: async (collection, partition, [name, value], span) => {
    const [range, values] = ranged("e.key", span, 4);
    const found = await pool.query<StoredRow>(
      `select r.key, r.value as json, r.etag, r.sequence from ${schema}.entries e
       join ${schema}.rows r on r.partition = e.partition and r.collection = e.collection and r.key = e.key
       where e.partition = $1 and e.collection = $2 and e.name = $3 and e.value = $4${range}`,
      [partition, collection, name, value, ...values],
    );
    return found.rows.map(rowOf);
  },
  sequence: async (partition) => {
    const found = await pool.query<{ sequence: string }>(
      `select sequence from ${schema}.partitions where partition = $1`,
      [partition],
    );
    return Number(found.rows[0]?.sequence ?? 0);
  },
  changes: async (collection, partition, after, limit) => {
    const found = await pool.query<{ key: string; json: string | null; sequence: string }>(
      `select key, value as json, sequence from ${schema}.rows
       where partition = $1 and collection = $2 and sequence > $3
       union all
       select t.key, null as json, t.sequence from ${schema}.tombstones t
       where t.partition = $1 and t.collection = $2 and t.sequence > $3 and not exists (
         select 1 from ${schema}.rows r where r.partition = $1 and r.collection = $2 and r.key = t.key)
       order by sequence limit $4`,
      [partition, collection, after, limit],
    );
    return found.rows.map(({ key, json, sequence }): ChangedRow => ({
      key,
      json: json ?? undefined,
      sequence: Number(sequence),
    }));
  },
});

const applyWrite = async (client: PoolClient, schema: string, write: Write, sequence: number): Promise<number> => {
  const { collection, partition, key, json, etag, entries, indexed } = write;
  const place = [partition, collection, key];
  if (indexed) {
    await client.query(`delete from ${schema}.entries where partition = $1 and collection = $2 and key = $3`, place);
  }
  if (json === undefined) {
    const gone = await client.query(
      `delete from ${schema}.rows where partition = $1 and collection = $2 and key = $3`,
      place,
    );
    if (gone.rowCount === 0) return 0;
    await client.query(
      `insert into ${schema}.tombstones (partition, collection, key, sequence) values ($1, $2, $3, $4)
       on conflict (partition, collection, key) do update set sequence = excluded.sequence`,
      [...place, sequence],
    );
    return sequence;
  }
  await client.query(
    `insert into ${schema}.rows (partition, collection, key, value, etag, sequence) values ($1, $2, $3, $4, $5, $6)
     on conflict (partition, collection, key) do update
     set value = excluded.value, etag = excluded.etag, sequence = excluded.sequence`,
    [...place, json, etag, sequence],
  );
  for (const [name, value] of entries) {
    await client.query(
      `insert into ${schema}.entries (partition, collection, name, value, key) values ($1, $2, $3, $4, $5)`,
      [partition, collection, name, value, key],
    );
  }
  return sequence;
};

const checkEntries = async (client: PoolClient, schema: string, commit: Commit): Promise<void> => {
  for (const { collection, partition, key, etag } of commit.checks) {
    const found = await client.query<{ etag: string }>(
      `select etag from ${schema}.rows where partition = $1 and collection = $2 and key = $3`,
      [partition, collection, key],
    );
    if (found.rows[0]?.etag !== etag) throw new Stale(found.rows.length > 0);
  }
};

/**
 * Takes sequences for the writes and, by the same row, the right to change the partition until the transaction ends:
 * whoever reads or writes there in a transaction comes through here, in one order of partitions.
 * @returns the last sequence before this transaction, by partition
 */
const takeSequences = async (client: PoolClient, schema: string, commit: Commit): Promise<Map<string, number>> => {
  const places = [...commit.checks, ...commit.partitionChecks, ...commit.writes];
  const before = new Map<string, number>();
  for (const partition of [...new Set(places.map((place) => place.partition))].sort()) {
    const taken = commit.writes.filter((write) => write.partition === partition).length;
    const found = await client.query<{ sequence: string }>(
      `insert into ${schema}.partitions as p (partition, sequence) values ($1, $2)
       on conflict (partition) do update set sequence = p.sequence + excluded.sequence returning sequence`,
      [partition, taken],
    );
    before.set(partition, Number(found.rows[0]?.sequence) - taken);
  }
  return before;
};

const applyCommit = async (
  client: PoolClient,
  schema: string,
  commit: Commit,
  contents: ContentWrites,
): Promise<Outcome> => {
  const sequences = await takeSequences(client, schema, commit);
  for (const { partition, sequence } of commit.partitionChecks) {
    if (sequences.get(partition) !== sequence) throw new Stale(true);
  }
  await checkEntries(client, schema, commit);
  for (const ref of commit.attach) await contents.attach(client, ref);
  const done: number[] = [];
  for (const write of commit.writes) {
    const sequence = (sequences.get(write.partition) ?? 0) + 1;
    sequences.set(write.partition, sequence);
    done.push(await applyWrite(client, schema, write, sequence));
  }
  for (const ref of commit.release) await contents.release(client, ref);
  return { kind: "done", sequences: done };
};

/** Whether everything read was true at one moment: that of the snapshot. */
const checkReads = async (client: PoolClient, schema: string, commit: Commit): Promise<Outcome> => {
  await checkEntries(client, schema, commit);
  for (const { partition, sequence } of commit.partitionChecks) {
    const found = await client.query<{ sequence: string }>(
      `select sequence from ${schema}.partitions where partition = $1`,
      [partition],
    );
    if (Number(found.rows[0]?.sequence ?? 0) !== sequence) throw new Stale(true);
  }
  return { kind: "done", sequences: [] };
};

export const postgresRows = (
  pool: Pool,
  schema: string,
  contents: ContentWrites,
): Omit<Driver, "bytes" | "index" | "close"> => ({
  ...readsOf(pool, schema),
  commit: async (commit) => {
    const changes = commit.writes.length + commit.attach.length + commit.release.length;
    if (changes + commit.checks.length + commit.partitionChecks.length === 0) return { kind: "done", sequences: [] };
    try {
      return await (changes === 0
        ? inTransaction(pool, "begin isolation level repeatable read read only", (client) =>
            checkReads(client, schema, commit),
          )
        : inTransaction(pool, "begin", (client) => applyCommit(client, schema, commit, contents)));
    } catch (error) {
      if (error instanceof Stale) return { kind: "stale", exists: error.exists };
      throw error;
    }
  },
});
