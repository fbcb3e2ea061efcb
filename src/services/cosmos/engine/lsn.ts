/** Where a container's LSNs go on after a restart. */
import type { CollectionSpec, Store } from "../../../store/store.ts";
import { itemSpec, versionSpec } from "./records.ts";

/** A write that takes an LSN of its own: of the moment from which somebody follows the change feed. */
export const markSpec: CollectionSpec<{ readonly at: number }> = { name: "cosmosMarks" };
export const markKey = "now";

/** The LSN of the last write to a container's items, or of the last mark: none that was told before a restart is higher. */
export const lastLsn = async (store: Store, partition: string): Promise<number> => {
  const specs = [itemSpec, versionSpec] as readonly CollectionSpec<unknown>[];
  const mark = await store.collection(markSpec).get(partition, markKey);
  const last = await Promise.all(specs.map((spec) => lastSequence(store, spec, partition)));
  return Math.max(mark?.sequence ?? 0, ...last);
};

/** Sequences grow, and the store tells what comes after one: the last is between two steps of doubling length. */
const lastSequence = async (store: Store, spec: CollectionSpec<unknown>, partition: string): Promise<number> => {
  let last = 0;
  let growing = true;
  for (let step = 1; step >= 1; step = growing ? step * 2 : Math.floor(step / 2)) {
    const found = (await store.changes(spec, partition, last + step - 1, 1))[0]?.sequence;
    last = found ?? last;
    growing &&= found !== undefined;
  }
  return last;
};
