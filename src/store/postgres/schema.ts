/**
 * Tables of the PostgreSQL driver. Plain SQL that distributed engines of the same dialect know too: the partition comes
 * first in every key, so that a partition lives in one place; text compares by bytes (`collate "C"`); no sequences,
 * triggers, advisory locks or extensions.
 */
import type { Pool } from "pg";
import { StateUnusable } from "../store.ts";
import { retried } from "./retry.ts";

const SCHEMA_VERSION = 1;

const tables = (schema: string): string[] => {
  const text = `text collate "C" not null`;
  return [
    `create schema if not exists ${schema}`,
    `create table if not exists ${schema}.meta (name text primary key, value text not null)`,
    `create table if not exists ${schema}.partitions (partition ${text} primary key, sequence bigint not null)`,
    `create table if not exists ${schema}.rows (
      partition ${text}, collection ${text}, key ${text},
      value text not null, etag text not null, sequence bigint not null,
      primary key (partition, collection, key))`,
    `create index if not exists rows_by_sequence on ${schema}.rows (partition, collection, sequence)`,
    `create table if not exists ${schema}.tombstones (
      partition ${text}, collection ${text}, key ${text}, sequence bigint not null,
      primary key (partition, collection, key))`,
    `create index if not exists tombstones_by_sequence on ${schema}.tombstones (partition, collection, sequence)`,
    `create table if not exists ${schema}.entries (
      partition ${text}, collection ${text}, name ${text}, value ${text}, key ${text},
      primary key (partition, collection, name, value, key))`,
    `create index if not exists entries_by_key on ${schema}.entries (partition, collection, key)`,
    `create table if not exists ${schema}.indexes (collection ${text} primary key, names text not null)`,
    `create table if not exists ${schema}.contents (
      ref ${text} primary key, size bigint not null, attached boolean not null,
      created timestamptz not null default now(), released timestamptz)`,
    `create table if not exists ${schema}.chunks (
      ref ${text}, number integer not null, data bytea not null, primary key (ref, number))`,
    `insert into ${schema}.meta (name, value) values ('schema version', '${SCHEMA_VERSION}') on conflict (name) do nothing`,
  ];
};

/** Makes what is missing. Several processes may do so at once. @throws StateUnusable */
export const migrate = async (pool: Pool, schema: string): Promise<void> => {
  const encoding = await pool.query<{ server_encoding: string }>("show server_encoding");
  if (!/^utf-?8$/i.test(encoding.rows[0]?.server_encoding ?? "")) {
    throw new StateUnusable("The PostgreSQL database is not encoded in UTF8. Create one with ENCODING 'UTF8'.");
  }
  for (const statement of tables(schema)) await retried(() => pool.query(statement));
  const found = await pool.query<{ value: string }>(`select value from ${schema}.meta where name = 'schema version'`);
  const version = Number(found.rows[0]?.value);
  if (version > SCHEMA_VERSION) {
    throw new StateUnusable(
      `The PostgreSQL schema "${schema}" has version ${version}, and this Lanyard knows up to ${SCHEMA_VERSION}: a newer ` +
        "Lanyard wrote it. Use that version, or another schema.",
    );
  }
};
