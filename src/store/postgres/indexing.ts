/** `Driver.index` in PostgreSQL: builds what is missing, partition by partition. */
import type { Pool } from "pg";
import type { Driver } from "../driver.ts";
import { inTransaction } from "./rows.ts";

interface Stored {
  readonly key: string;
  readonly json: string;
}

export const postgresIndexing =
  (pool: Pool, schema: string): Driver["index"] =>
  async (collection, names, entriesOf) => {
    const known = await pool.query<{ names: string }>(`select names from ${schema}.indexes where collection = $1`, [
      collection,
    ]);
    if (known.rows[0]?.names === names) return;
    const partitions = await pool.query<{ partition: string }>(
      `select distinct partition from ${schema}.rows where collection = $1`,
      [collection],
    );
    for (const { partition } of partitions.rows) {
      await inTransaction(pool, "begin", async (client) => {
        // Nobody writes in the partition meanwhile: every writer takes this row first.
        await client.query(`update ${schema}.partitions set sequence = sequence where partition = $1`, [partition]);
        const place = [partition, collection];
        await client.query(`delete from ${schema}.entries where partition = $1 and collection = $2`, place);
        const rows = await client.query<Stored>(
          `select key, value as json from ${schema}.rows where partition = $1 and collection = $2`,
          place,
        );
        for (const { key, json } of rows.rows) {
          for (const [name, value] of entriesOf({ collection, partition, key, json })) {
            await client.query(
              `insert into ${schema}.entries (partition, collection, name, value, key) values ($1, $2, $3, $4, $5)`,
              [partition, collection, name, value, key],
            );
          }
        }
      });
    }
    await pool.query(
      `insert into ${schema}.indexes (collection, names) values ($1, $2)
       on conflict (collection) do update set names = excluded.names`,
      [collection, names],
    );
  };
