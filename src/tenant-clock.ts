import {
  changedClock,
  type Clock,
  type ClockChange,
  type ClockSetting,
  tenantTime,
  unchanged,
} from "./kernel/clock.ts";
import type { CollectionSpec, Store } from "./store/store.ts";

/** A tenant's own clock: it keeps its offset over restarts, and everything in the tenant reads it. */
export interface TenantClock extends Clock {
  readonly setting: ClockSetting;
  /** Resolves when the change is on disk; only then does the clock show it. Changes run one after the other. */
  change(change: ClockChange): Promise<void>;
  /** Tells of changes, for whoever keeps something outside the tenant fresh (files that clients read). */
  onChange(listener: () => void): void;
}

const spec: CollectionSpec<ClockSetting> = { name: "clock" };
const partition = "tenant";
const key = "clock";

/** @param base what the offset is added to: the machine's clock, or a test's */
export const openTenantClock = async (store: Store, base: Clock): Promise<TenantClock> => {
  const collection = store.collection(spec);
  let setting = (await collection.get(partition, key))?.value ?? unchanged;
  let last: Promise<void> = Promise.resolve();
  const listeners: (() => void)[] = [];
  const apply = async (change: ClockChange): Promise<void> => {
    const next = changedClock(setting, change, base.now());
    await collection.put(partition, key, next);
    setting = next;
    for (const listener of listeners) listener();
  };
  return {
    now: () => tenantTime(setting, base.now()),
    wall: () => base.wall(),
    get setting() {
      return setting;
    },
    change: (change) => {
      const done = last.then(() => apply(change));
      last = done.catch(() => undefined);
      return done;
    },
    onChange: (listener) => void listeners.push(listener),
  };
};
