/** The change feed: every item once, at its latest version, in the order of those versions (cosmos.md 10). */
import { setImmediate as turn } from "node:timers/promises";
import { type Engine, isExpired, lsnOf, nowSeconds, type Place } from "./engine.ts";
import { type Extent, inExtent } from "./feed.ts";
import { lastLsn, markKey, markSpec } from "./lsn.ts";
import { containerPartition, itemSpec, type JsonObject } from "./records.ts";

export interface ChangePage {
  readonly documents: readonly JsonObject[];
  /** Where the next page goes on. */
  readonly lsn: number;
}

/** The LSN of now: a write of its own tells it, so that it holds among all processes. */
export const currentLsn = async (engine: Engine, { account, container }: Place): Promise<number> =>
  (
    await engine.store
      .collection(markSpec)
      .put(containerPartition(account, container), markKey, { at: nowSeconds(engine) })
  ).sequence;

/** Whether the container has come as far as an LSN that a client was told, here or by another process. */
export const sawLsn = async (engine: Engine, { account, container }: Place, lsn: number): Promise<boolean> =>
  lsn <= lsnOf(engine, container) || lsn <= (await lastLsn(engine.store, containerPartition(account, container)));

export const readChanges = async (
  engine: Engine,
  place: Place,
  from: { readonly lsn: number; readonly extent: Extent; readonly limit: number; readonly since: number | undefined },
): Promise<ChangePage> => {
  const partition = containerPartition(place.account, place.container);
  const within = inExtent(from.extent, place);
  const now = nowSeconds(engine);
  const documents: JsonObject[] = [];
  let { lsn } = from;
  for (;;) {
    const limit = Math.max(100, from.limit);
    const changes = await engine.store.changes(itemSpec, partition, lsn, limit);
    for (const { key, value, sequence } of changes) {
      if (documents.length >= from.limit) return { documents, lsn };
      lsn = sequence;
      if (value === undefined || !within(key) || isExpired(value, place.container, now)) continue;
      if (from.since !== undefined && Number(value.doc["_ts"]) < from.since) continue;
      documents.push({ ...value.doc, _lsn: sequence });
    }
    if (changes.length < limit) return { documents, lsn };
    await turn();
  }
};
