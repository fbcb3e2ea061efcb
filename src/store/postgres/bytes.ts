/** Byte contents in PostgreSQL: rows of up to a mebibyte. Every process over the database sees all of them. */
import { Readable } from "node:stream";
import type { Pool, PoolClient } from "pg";
import { receive, refSource, type Sink } from "../receive.ts";
import type { Bytes, Part } from "../store.ts";
import { inTransaction, type ContentWrites } from "./rows.ts";

const CHUNK = 1 << 20;

export interface PostgresBytes extends Bytes, ContentWrites {
  /** After a commit. */
  attached(refs: readonly string[]): void;
  /** Deletes what was released an hour ago, or uploaded a day ago and never attached (by a process that died). */
  sweep(): Promise<void>;
}

/** @param small Contents up to this many bytes are held in memory until they are attached. */
export const postgresBytes = (pool: Pool, schema: string, small: number): PostgresBytes => {
  const pending = new Map<string, Buffer | undefined>();
  const nextRef = refSource();

  const insertChunk = (client: Pool | PoolClient, ref: string, number: number, data: Buffer) =>
    client.query(`insert into ${schema}.chunks (ref, number, data) values ($1, $2, $3)`, [ref, number, data]);
  const remove = (ref: string): Promise<void> =>
    inTransaction(pool, "begin", async (client) => {
      await client.query(`delete from ${schema}.chunks where ref = $1`, [ref]);
      await client.query(`delete from ${schema}.contents where ref = $1`, [ref]);
    });

  const chunkSink = async (ref: string): Promise<Sink> => {
    await pool.query(`insert into ${schema}.contents (ref, size, attached) values ($1, 0, false)`, [ref]);
    let gathered: Uint8Array[] = [];
    let size = 0;
    let total = 0;
    let number = 0;
    /** Writes the full chunks, or with `all` the rest as well. */
    const write = async (all: boolean): Promise<void> => {
      const bytes = Buffer.concat(gathered, size);
      const end = all ? size : size - (size % CHUNK);
      for (let at = 0; at < end; at += CHUNK) await insertChunk(pool, ref, number++, bytes.subarray(at, at + CHUNK));
      gathered = [bytes.subarray(end)];
      size -= end;
    };
    return {
      write: async (chunk) => {
        gathered.push(chunk);
        size += chunk.byteLength;
        total += chunk.byteLength;
        if (size >= CHUNK) await write(false);
      },
      finish: async () => {
        if (size > 0) await write(true);
        await pool.query(`update ${schema}.contents set size = $2 where ref = $1`, [ref, total]);
      },
      abort: () => remove(ref),
    };
  };

  /** Size of a stored content. */
  const sizeOf = async (ref: string, evenReleased = false): Promise<number | undefined> => {
    const found = await pool.query<{ size: string }>(
      `select size from ${schema}.contents where ref = $1 and attached and ($2 or released is null)`,
      [ref, evenReleased],
    );
    return found.rows[0] && Number(found.rows[0].size);
  };
  const chunkOf = async (ref: string, number: number): Promise<Buffer> => {
    const found = await pool.query<{ data: Buffer }>(
      `select data from ${schema}.chunks where ref = $1 and number = $2`,
      [ref, number],
    );
    if (!found.rows[0]) throw new Error(`The content ${ref} ended early: it was released more than an hour ago.`);
    return found.rows[0].data;
  };
  async function* bytesOf(ref: string, sizing: Promise<number | undefined>, start: number, wanted: number | undefined) {
    const size = await sizing;
    if (size === undefined) throw new Error(`There is no content ${ref}: it was released.`);
    const end = Math.min(wanted ?? size, size);
    for (let at = start; at < end;) {
      const number = Math.floor(at / CHUNK);
      const from = number * CHUNK;
      const chunk = await chunkOf(ref, number);
      yield chunk.subarray(at - from, end - from);
      at = from + CHUNK;
    }
  }

  async function* joined(parts: readonly Part[]) {
    // Released or not: what was named a moment ago stays for an hour.
    for (const { ref, start = 0, end } of parts) yield* bytesOf(ref, sizeOf(ref, true), start, end);
  }

  return {
    receive: async (source, { limit = Number.POSITIVE_INFINITY } = {}) => {
      const ref = nextRef();
      const { data, ...upload } = await receive(source, ref, { limit, small, openSink: () => chunkSink(ref) });
      pending.set(ref, data);
      return upload;
    },
    read: (ref, start = 0, end) => {
      // Looked up now: a later release leaves the bytes for an hour, and this reader goes on.
      const sizing = sizeOf(ref);
      sizing.catch(() => {});
      return Readable.from(bytesOf(ref, sizing, start, end), { objectMode: false });
    },
    join: (parts) => Readable.from(joined(parts), { objectMode: false }),
    inline: async (ref) => {
      const size = await sizeOf(ref);
      if (size === undefined || size > small) return undefined;
      return size === 0 ? Buffer.alloc(0) : chunkOf(ref, 0);
    },
    discard: async (ref) => {
      if (!pending.has(ref)) return;
      const stored = pending.get(ref) === undefined;
      pending.delete(ref);
      if (stored) await remove(ref);
    },
    attach: async (client, ref) => {
      if (!pending.has(ref)) throw new Error(`There is no upload ${ref}: it was attached before, or discarded.`);
      const data = pending.get(ref);
      if (data === undefined) {
        await client.query(`update ${schema}.contents set attached = true where ref = $1`, [ref]);
        return;
      }
      await client.query(`insert into ${schema}.contents (ref, size, attached) values ($1, $2, true)`, [
        ref,
        data.length,
      ]);
      if (data.length > 0) await insertChunk(client, ref, 0, data);
    },
    release: async (client, ref) => {
      await client.query(`update ${schema}.contents set released = now() where ref = $1 and released is null`, [ref]);
    },
    attached: (refs) => {
      for (const ref of refs) pending.delete(ref);
    },
    sweep: async () => {
      const old = await pool.query<{ ref: string }>(
        `select ref from ${schema}.contents
         where released < now() - interval '1 hour' or (not attached and created < now() - interval '1 day')`,
      );
      for (const { ref } of old.rows) await remove(ref);
    },
  };
};
