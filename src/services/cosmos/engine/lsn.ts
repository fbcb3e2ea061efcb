/** Where a container's LSNs go on after a restart. */
import type { CollectionSpec, Store } from "../../../store/store.ts";
import { itemSpec, versionSpec } from "./records.ts";

/** The LSN of the last write to a container's items: none that was told before a restart is higher. */
export const lastLsn = async (store: Store, partition: string): Promise<number> => {
  const specs = [itemSpec, versionSpec] as readonly CollectionSpec<unknown>[];
  return Math.max(...(await Promise.all(specs.map((spec) => lastSequence(store, spec, partition)))));
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
