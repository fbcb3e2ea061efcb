import { randomBytes } from "node:crypto";
import { setImmediate as turn } from "node:timers/promises";
import { expect, it } from "vitest";
import { storeOver } from "../collections.ts";
import { sealerOf } from "../seal.ts";
import type { CollectionSpec, Store } from "../store.ts";
import { openDatabase } from "./schema.ts";
import { sqliteDriver } from "./store.ts";

const things: CollectionSpec<{ readonly n: number }> = { name: "things" };

/** A store whose syncs end when the test says so. */
const held = (): { readonly store: Store; readonly syncs: PromiseWithResolvers<void>[] } => {
  const syncs: PromiseWithResolvers<void>[] = [];
  const sync = (): Promise<void> => {
    const one = Promise.withResolvers<void>();
    syncs.push(one);
    return one.promise;
  };
  const path = ":memory:";
  const driver = sqliteDriver(openDatabase(path), { path, contents: undefined, small: 1 << 20, sync });
  return { store: storeOver(driver, sealerOf(randomBytes(32))), syncs };
};

const turns = async (): Promise<void> => {
  for (let count = 0; count < 5; count += 1) await turn();
};

it("no write is acknowledged before the sync that covers it has ended", async () => {
  const { store, syncs } = held();
  const done: number[] = [];
  const put = (n: number): Promise<unknown> =>
    store
      .collection(things)
      .put("p", String(n), { n })
      .then(() => done.push(n));
  const writes = [put(1)];
  await turns();
  expect([syncs.length, done]).toEqual([1, []]);
  // Committed while the first sync runs, which may have begun too early for it.
  writes.push(put(2), put(3));
  await turns();
  syncs[0]?.resolve();
  await turns();
  expect([syncs.length, done]).toEqual([2, [1]]);
  syncs[1]?.resolve();
  await Promise.all(writes);
  expect([syncs.length, done]).toEqual([2, [1, 2, 3]]);
});

it("after a failed sync the writes it covers and all later ones fail", async () => {
  const { store, syncs } = held();
  const first = store.collection(things).put("p", "1", { n: 1 });
  await turns();
  syncs[0]?.reject(new Error("EIO"));
  await expect(first).rejects.toThrow("EIO");
  await expect(store.collection(things).put("p", "2", { n: 2 })).rejects.toThrow("EIO");
});
