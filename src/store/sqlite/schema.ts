/** Opening the database file: modes, durability, schema version, and errors that say what to do. */
import { closeSync, openSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { StateUnusable } from "../store.ts";

/** Version of the tables below, in `user_version`. */
const SCHEMA_VERSION = 1;
/** "LNYD": tells our files from other SQLite databases. */
const APPLICATION_ID = 0x4c4e5944;

// Text compares by its UTF-8 bytes: SQLite's BINARY collation is memcmp. `entries` repeats what an entry is found by,
// so that replacing it finds the old index rows without a second index. A deleted key's tombstone stays behind when
// the key comes back; `changes` leaves it out, which spares every insert a look-up. `parked` names contents that were
// released while a reader held them: they go when it closes, or at the next opening.
const TABLES = `
  create table rows (
    collection text not null, partition text not null, key text not null,
    value text not null, etag text not null, sequence integer not null, entries text,
    primary key (collection, partition, key)
  ) without rowid;
  create index rows_by_sequence on rows (collection, partition, sequence);
  create table tombstones (
    collection text not null, partition text not null, key text not null, sequence integer not null,
    primary key (collection, partition, key)
  ) without rowid;
  create index tombstones_by_sequence on tombstones (collection, partition, sequence);
  create table entries (
    collection text not null, partition text not null, name text not null, value text not null, key text not null,
    primary key (collection, partition, name, value, key)
  ) without rowid;
  create table indexes (collection text primary key, names text not null) without rowid;
  create table partitions (partition text primary key, sequence integer not null) without rowid;
  create table contents (ref text primary key, data blob not null);
  create table files (ref text primary key) without rowid;
  create table parked (ref text primary key) without rowid;
`;

const pragma = (database: DatabaseSync, name: string): unknown =>
  Object.values(database.prepare(`pragma ${name}`).get() ?? {})[0];

const migrate = (database: DatabaseSync, path: string): void => {
  const version = Number(pragma(database, "user_version"));
  if (version === SCHEMA_VERSION && pragma(database, "application_id") === APPLICATION_ID) return;
  if (version > SCHEMA_VERSION) {
    throw new StateUnusable(
      `${path} has schema version ${version}, and this Lanyard knows up to ${SCHEMA_VERSION}: a newer Lanyard wrote ` +
        "it. Use that version, or another state folder.",
    );
  }
  if (version !== 0 || Number(database.prepare("select count(*) as n from sqlite_schema").get()?.["n"]) > 0) {
    throw new StateUnusable(`${path} is an SQLite database of something else. Use another state folder.`);
  }
  // One transaction: a crash leaves either nothing or all of it.
  database.exec(
    `begin immediate; ${TABLES} pragma application_id = ${APPLICATION_ID}; pragma user_version = ${SCHEMA_VERSION}; commit`,
  );
};

/** SQLite's primary result code of an error (11 = SQLITE_CORRUPT), or 0. */
const resultCode = (error: unknown): number =>
  error instanceof Error && "errcode" in error && typeof error.errcode === "number" ? error.errcode & 0xff : 0;

/** Says what a failure of SQLite means for the person who runs the tenant. */
export const explained = (error: unknown, path: string): unknown => {
  const reason = error instanceof Error ? error.message : String(error);
  switch (resultCode(error)) {
    case 11: // SQLITE_CORRUPT
    case 26: // SQLITE_NOTADB
      return new StateUnusable(
        `${path} is damaged (${reason}). Restore it from a copy, or move the state folder away to start anew.`,
        { cause: error },
      );
    case 13: // SQLITE_FULL
      return new StateUnusable(`The disk that holds ${path} is full: nothing more can be written. Free some space.`, {
        cause: error,
      });
    default:
      return error;
  }
};

/** Opens or creates the database. `":memory:"` keeps it in memory. @throws StateUnusable or an error of SQLite */
export const openDatabase = (path: string): DatabaseSync => {
  // SQLite gives its -wal and -shm files the mode of the database file.
  if (path !== ":memory:") closeSync(openSync(path, "a", 0o600));
  const database = new DatabaseSync(path);
  try {
    // A checkpoint every 500 pages stalls shorter than rarer ones do, and costs no throughput (docs/adr/0003-store.md).
    // NORMAL syncs around checkpoints, which keeps the file whole whatever happens; the sync that makes a commit durable
    // is ours (group-commit.ts). fullfsync makes macOS sync down to the medium.
    // In a table without rowid a row of more than a quarter of a page goes on in pages of its own: rows of 1 to 2 KB, such as
    // items, then cost two thirds of the page writes (docs/adr/0003-store.md). Databases that exist keep their page size.
    database.exec(
      "pragma page_size = 8192; pragma journal_mode = wal; pragma synchronous = full; pragma fullfsync = on; pragma wal_autocheckpoint = 500; " +
        "pragma cache_size = -16384; pragma trusted_schema = off",
    );
    migrate(database, path);
    database.exec("pragma synchronous = normal");
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
};
