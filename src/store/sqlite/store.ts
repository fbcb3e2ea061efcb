/** The default driver: one SQLite database and a folder of large contents. */
import { chmodSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { storeOver } from "../collections.ts";
import type { Driver } from "../driver.ts";
import { sealerOf } from "../seal.ts";
import type { Store } from "../store.ts";
import { sqliteBytes } from "./bytes.ts";
import { syncDirectory } from "./files.ts";
import { groupCommit } from "./group-commit.ts";
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

const DEFAULT_INLINE_LIMIT = 65_536;

/** A driver over an open database. @param contents Folder of large contents; undefined: all in the database. */
export const sqliteDriver = (
  database: DatabaseSync,
  options: { readonly path: string; readonly contents: string | undefined; readonly small: number },
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
  const rows = sqliteRows(database);
  const commits = groupCommit(database, rows, explain);
  const bytes = sqliteBytes(database, { directory: options.contents, small: options.small });
  return {
    get: told(rows.get),
    list: told(rows.list),
    find: told(rows.find),
    sequence: told(rows.sequence),
    changes: told(rows.changes),
    bytes,
    commit: async ({ attach, ...commit }) => {
      const attachments = attach.map((ref) => bytes.attachment(ref));
      const outcome = await commits.submit({ ...commit, attach: attachments });
      if (outcome.kind === "done" && attach.length + commit.release.length > 0) {
        bytes.committed(attachments, commit.release);
      }
      return outcome;
    },
    close: async () => {
      commits.flush();
      await bytes.close();
      database.close();
    },
  };
};

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
  try {
    const path = join(directory, "store.db");
    const database = openDatabase(path);
    syncDirectory(directory);
    const driver = sqliteDriver(database, { path, contents, small: inlineLimit });
    const close = async (): Promise<void> => {
      await driver.close();
      unlock();
    };
    return storeOver({ ...driver, close }, sealer);
  } catch (error) {
    unlock();
    throw error;
  }
};
