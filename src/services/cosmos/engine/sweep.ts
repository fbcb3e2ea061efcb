/** Items whose time to live has run out are hidden from everybody at once (`isExpired`); here their rows go. */
import type { CollectionSpec } from "../../../store/store.ts";
import { type Engine, expiryOf, inContainer, nowSeconds, type Place, type Scene } from "./engine.ts";
import { expirySpec, minuteOf, noteExpiry } from "./expiry.ts";
import { removeItem } from "./items.ts";
import { containerPartition, itemSpec } from "./records.ts";

/** How far the rows of a container were looked after. */
interface SweepRecord {
  /** The container's defaultTtl that all expiries were noted by. */
  readonly ttl: number;
  /** All minutes up to this one are done. */
  readonly minute: number;
  /** Items up to this LSN have their expiry noted; undefined: all have. */
  readonly lsn?: number;
}
export const sweepSpec: CollectionSpec<SweepRecord> = { name: "cosmosSweeps" };
const sweepKey = "ttl";

const pageSize = 100;
/** So many minutes are looked at in one go. */
const minutesAtOnce = 500;

/**
 * Removes a page of expired items, their unique keys with them. Call again while it answers true.
 * @throws 404 when the container is gone
 */
export const sweepExpired = async (engine: Engine, place: Place): Promise<boolean> => {
  const partition = containerPartition(place.account, place.container);
  const marks = engine.store.collection(sweepSpec);
  const mark = (await marks.get(partition, sweepKey))?.value;
  const ttl = place.container.definition["defaultTtl"];
  if (typeof ttl !== "number") {
    // What is written from now on has no note: noting begins anew when a time to live is set again.
    if (mark !== undefined) await marks.delete(partition, sweepKey);
    return false;
  }
  const now = minuteOf(nowSeconds(engine));
  if (mark === undefined || mark.ttl !== ttl) return note(engine, place, { ttl, minute: now - 1, lsn: 0 });
  if (mark.lsn !== undefined) return note(engine, place, { ...mark, lsn: mark.lsn });
  // The tenant's clock was set back.
  if (mark.minute > now) {
    await marks.put(partition, sweepKey, { ttl, minute: now - 1 });
    return false;
  }
  return sweepMinutes(engine, place, mark, now);
};

/** Notes a page of items that have none, or one by another time to live. */
const note = async (engine: Engine, place: Place, mark: SweepRecord & { readonly lsn: number }): Promise<boolean> => {
  const partition = containerPartition(place.account, place.container);
  const page = await engine.store.changes(itemSpec, partition, mark.lsn, pageSize);
  const more = page.length === pageSize;
  const { ttl, minute } = mark;
  await inContainer(engine, place, async (scene) => {
    for (const { key } of page) await settle(scene, key);
    const next = more ? { ttl, minute, lsn: page.at(-1)?.sequence ?? 0 } : { ttl, minute };
    await scene.tx.collection(sweepSpec).put(partition, sweepKey, next);
  });
  return true;
};

/** Removes an item that has expired, and notes the right time for one that has not. */
const settle = async (scene: Scene, key: string): Promise<void> => {
  const { tx, partition, container, now } = scene;
  const item = await tx.collection(itemSpec).get(partition, key);
  if (item === undefined) {
    await tx.collection(expirySpec).delete(partition, key);
    return;
  }
  const at = expiryOf(item.value, container);
  if (at !== undefined && at <= now) await removeItem(scene, item, true);
  else await noteExpiry(scene, key, item.value);
};

/** Only minutes that are wholly over: whatever is noted for them has expired. */
const sweepMinutes = async (engine: Engine, place: Place, mark: SweepRecord, now: number): Promise<boolean> => {
  const partition = containerPartition(place.account, place.container);
  const notes = engine.store.collection(expirySpec);
  const end = Math.min(now - 1, mark.minute + minutesAtOnce);
  for (let minute = mark.minute + 1; minute <= end; minute++) {
    const page = await notes.find(partition, "minute", String(minute), { limit: pageSize });
    if (page.length === 0) continue;
    await inContainer(engine, place, async (scene) => {
      for (const { key } of page) await settle(scene, key);
      await scene.tx.collection(sweepSpec).put(partition, sweepKey, { ttl: mark.ttl, minute: minute - 1 });
    });
    return true;
  }
  const more = end < now - 1;
  // Looking at an hour's empty minutes again costs less than a write every minute.
  if (more || end - mark.minute >= 60)
    await engine.store.collection(sweepSpec).put(partition, sweepKey, { ttl: mark.ttl, minute: end });
  return more;
};
