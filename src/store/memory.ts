/** The driver for tests: the SQLite driver on a database in memory, contents included. Nothing survives `close`. */
import { randomBytes } from "node:crypto";
import { storeOver } from "./collections.ts";
import { sealerOf } from "./seal.ts";
import { openDatabase } from "./sqlite/schema.ts";
import { sqliteDriver } from "./sqlite/store.ts";
import type { Store } from "./store.ts";

/** @param options.key 32 bytes for sealed members; default: random, since nothing is kept */
export const openMemoryStore = ({ key = randomBytes(32) }: { readonly key?: Uint8Array } = {}): Store => {
  const path = ":memory:";
  const options = { path, contents: undefined, small: Number.POSITIVE_INFINITY, sync: undefined };
  const driver = sqliteDriver(openDatabase(path), options);
  return storeOver(driver, sealerOf(key));
};
