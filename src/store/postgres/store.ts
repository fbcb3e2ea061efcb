/** The driver for several processes over one PostgreSQL. Import it only when it is wanted: it brings `pg` along. */
import { Pool, type PoolConfig } from "pg";
import { storeOver } from "../collections.ts";
import { sealerOf } from "../seal.ts";
import type { Store } from "../store.ts";
import { postgresBytes } from "./bytes.ts";
import { postgresIndexing } from "./indexing.ts";
import { postgresRows } from "./rows.ts";
import { migrate } from "./schema.ts";

export interface PostgresOptions {
  /** Where the database is, as node-postgres takes it. `max` connections default to 10. */
  readonly connection: PoolConfig;
  /** 32 bytes; the same in every process over this database. */
  readonly key: Uint8Array;
  /** Schema that holds the tables, made when missing; lower-case letters, digits and `_`. Default `lanyard`. */
  readonly schema?: string;
  /** Contents up to this many bytes are written with the transaction that attaches them; default 64 KiB. */
  readonly inlineLimit?: number;
}

const SWEEP_EVERY = 10 * 60_000;

/** Connects, makes missing tables, and opens the store. @throws StateUnusable */
export const openPostgresStore = async (options: PostgresOptions): Promise<Store> => {
  const { connection, key, schema = "lanyard", inlineLimit = 65_536 } = options;
  if (!/^[a-z_][a-z0-9_]*$/.test(schema)) throw new TypeError(`"${schema}" is no plain schema name.`);
  const sealer = sealerOf(key);
  const pool = new Pool(connection);
  // An idle connection that breaks is replaced at the next query; without a listener it would end the process.
  pool.on("error", () => {});
  try {
    await migrate(pool, schema);
  } catch (error) {
    await pool.end();
    throw error;
  }
  const bytes = postgresBytes(pool, schema, inlineLimit);
  const rows = postgresRows(pool, schema, bytes);
  // What a sweep misses, the next one finds.
  let sweeping = bytes.sweep().catch(() => {});
  const sweeper = setInterval(() => {
    sweeping = sweeping.then(() => bytes.sweep()).catch(() => {});
  }, SWEEP_EVERY);
  sweeper.unref();
  return storeOver(
    {
      ...rows,
      index: postgresIndexing(pool, schema),
      bytes,
      commit: async (commit) => {
        const outcome = await rows.commit(commit);
        if (outcome.kind === "done") bytes.attached(commit.attach);
        return outcome;
      },
      close: async () => {
        clearInterval(sweeper);
        await sweeping;
        await pool.end();
      },
    },
    sealer,
  );
};
