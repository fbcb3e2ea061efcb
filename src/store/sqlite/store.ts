/** The default driver: one SQLite database and a folder of large contents. */
import { chmodSync, closeSync, fdatasync, mkdirSync, openSync } from "node:fs";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { storeOver } from "../collections.ts";
import type { Commit, Driver } from "../driver.ts";
import { sealerOf } from "../seal.ts";
import { StateUnusable, type Store } from "../store.ts";
import { sqliteBytes } from "./bytes.ts";
import { syncDirectory } from "./files.ts";
import { groupCommit } from "./group-commit.ts";
import { holds } from "./holds.ts";
import { lockState } from "./lock.ts";
import { sqliteRows } from "./rows.ts";
import { explained, openDatabase } from "./schema.ts";

export interface SqliteOptions {
  /** Created with mode 0700 when missing. Holds the database, its log and the large contents. */
  readonly directory: string;
  /** 32 bytes; seals the members that collections declare as sealed. */
  readonly key: Uint8Array;
  /** Contents up to this many bytes live in the database; default 64 KiB. */
  readonly inlineLimit?: number;
}

const nothing: Commit = { checks: [], partitionChecks: [], writes: [], attach: [], release: [] };

const DEFAULT_INLINE_LIMIT = 65_536;

/** A driver over an open database. @param contents Folder of large contents; undefined: all in the database. */
export const sqliteDriver = (
  database: DatabaseSync,
  options: {
    readonly path: string;
    readonly contents: string | undefined;
    readonly small: number;
    readonly sync: (() => Promise<void>) | undefined;
  },
): Driver => {
  const explain = (error: unknown): unknown => explained(error, options.path);
  const told =
    <Arguments extends unknown[], Result>(read: (...given: Arguments) => Result) =>
    (...given: Arguments): Result => {
      try {
        return read(...given);
      } catch (error) {
        throw explain(error);
      }
    };
  const held = holds((refs) => {
    // What cannot be removed now goes at the next opening.
    commit({ ...nothing, release: refs }).catch(() => {});
  });
  const rows = sqliteRows(database, (ref) => held.has(ref));
  const commits = groupCommit(database, rows, options.sync, explain);
  const bytes = sqliteBytes(database, { directory: options.contents, small: options.small, held });
  const commit: Driver["commit"] = async ({ attach, ...rest }) => {
    const attachments = attach.map((ref) => bytes.attachment(ref));
    const outcome = await commits.submit({ ...rest, attach: attachments });
    if (outcome.kind === "done" && attach.length + rest.release.length > 0) {
      bytes.committed(attachments, rest.release);
    }
    return outcome;
  };
  const left = database.prepare("select ref from parked").all();
  if (left.length > 0) void commit({ ...nothing, release: left.map(({ ref }) => String(ref)) }).catch(() => {});
  return {
    get: told(rows.get),
    list: told(rows.list),
    find: told(rows.find),
    sequence: told(rows.sequence),
    changes: told(rows.changes),
    index: told(rows.index),
    bytes,
    commit,
    close: async () => {
      try {
        await commits.flush();
      } finally {
        await bytes.close();
        database.close();
      }
    },
  };
};

/** Syncs an open file, in Node's thread pool. @throws StateUnusable */
const syncer = (file: number, path: string) => (): Promise<void> =>
  new Promise((resolve, reject) => {
    fdatasync(file, (error) => {
      if (error === null) resolve();
      else
        reject(
          new StateUnusable(
            `What was written to ${path} did not reach the disk (${error.message}). Start Lanyard again once the disk works.`,
            { cause: error },
          ),
        );
    });
  });

/**
 * Opens or creates a store on disk. One process at a time; a killed process leaves nothing to clean up by hand.
 * @throws StateUnusable for a damaged, foreign, newer or busy state folder
 */
export const openSqliteStore = ({ directory, key, inlineLimit = DEFAULT_INLINE_LIMIT }: SqliteOptions): Store => {
  const sealer = sealerOf(key);
  const contents = join(directory, "contents");
  for (const folder of [directory, contents]) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    chmodSync(folder, 0o700);
  }
  const unlock = lockState(directory);
  const path = join(directory, "store.db");
  let database: DatabaseSync | undefined;
  let log: number | undefined;
  const release = (): void => {
    if (log !== undefined) closeSync(log);
    unlock();
  };
  try {
    database = openDatabase(path);
    syncDirectory(directory);
    // SQLite made it when the schema was read, and keeps the same file until the database is closed.
    log = openSync(`${path}-wal`, "r+");
    const driver = sqliteDriver(database, { path, contents, small: inlineLimit, sync: syncer(log, path) });
    const close = (): Promise<void> => driver.close().finally(release);
    return storeOver({ ...driver, close }, sealer);
  } catch (error) {
    database?.close();
    release();
    throw explained(error, path);
  }
};
