/**
 * When items expire is noted beside them and found by the minute, so that nobody looks through a container for what has
 * expired.
 * https://learn.microsoft.com/azure/cosmos-db/nosql/time-to-live
 */
import type { CollectionSpec } from "../../../store/store.ts";
import { expiryOf, type Scene } from "./engine.ts";
import type { ItemRecord } from "./records.ts";

interface ExpiryRecord {
  /** Seconds, tenant clock. */
  readonly at: number;
}

export const minuteOf = (seconds: number): number => Math.floor(seconds / 60);

/** By the item's key; only containers with a time to live have any. */
export const expirySpec: CollectionSpec<ExpiryRecord> = {
  name: "cosmosExpiries",
  indexes: { minute: ({ at }) => String(minuteOf(at)) },
};

/** Notes when an item that was just written expires. */
export const noteExpiry = async (
  { tx, partition, container }: Scene,
  key: string,
  record: ItemRecord,
): Promise<void> => {
  if (typeof container.definition["defaultTtl"] !== "number") return;
  const at = expiryOf(record, container);
  const notes = tx.collection(expirySpec);
  if (at === undefined) await notes.delete(partition, key);
  else await notes.put(partition, key, { at });
};

export const forgetExpiry = async ({ tx, partition, container }: Scene, key: string): Promise<void> => {
  if (typeof container.definition["defaultTtl"] === "number") await tx.collection(expirySpec).delete(partition, key);
};
