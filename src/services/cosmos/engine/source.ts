/** Where items come from, as texts: the store, or in the thread of queries the thread that has the store. */
import { setImmediate as turn } from "node:timers/promises";
import type { Store, StoredText } from "../../../store/store.ts";
import { epkOfKey } from "./partition-key.ts";
import { itemSpec, type ItemRecord } from "./records.ts";
import type { Row } from "./rows.ts";

export interface ItemRange {
  readonly prefix: string;
  readonly after: string | undefined;
  readonly limit: number;
}

/** The items of one container. Every answer is of one moment. */
export interface ItemSource {
  /** In key order. */
  list(range: ItemRange): Promise<readonly StoredText[]>;
  /** Those of the keys that are there. */
  get(keys: readonly string[]): Promise<readonly StoredText[]>;
  /** Oldest first, the last change of a key only. */
  changes(after: number, limit: number): Promise<readonly StoredText[]>;
  /** LSN of the last write. */
  sequence(): Promise<number>;
}

/** @param partition of the store */
export type ItemSources = (partition: string) => ItemSource;

/** After a read that is not the last others get a turn. */
export const storeSources =
  ({ texts }: Store): ItemSources =>
  (partition) => ({
    list: async ({ prefix, after, limit }) => {
      const found = await texts.list(itemSpec, partition, {
        prefix,
        limit,
        ...(after === undefined ? {} : { after }),
      });
      if (found.length === limit) await turn();
      return found;
    },
    // Not `get`: what is read once would push out of memory what every request reads.
    get: async (keys) => {
      const found = await Promise.all(
        keys.map(async (wanted) =>
          (await texts.list(itemSpec, partition, { prefix: wanted, limit: 1 })).filter(({ key }) => key === wanted),
        ),
      );
      return found.flat();
    },
    changes: async (after, limit) => {
      const found = await texts.changes(itemSpec, partition, after, limit);
      if (found.length === limit) await turn();
      return found;
    },
    sequence: () => texts.sequence(partition),
  });

export const rowOf = ({ key, json }: StoredText): Row => ({
  key,
  epk: epkOfKey(key),
  ...(JSON.parse(json ?? "") as ItemRecord),
});

/** A read holds up whoever has the store for a few milliseconds. */
const readBytes = 512 * 1024;
const mostRows = 512;
const fewRows = 32;

/** How many rows to ask for next, so that a read stays small whatever their size. */
export interface Pace {
  readonly limit: () => number;
  readonly took: (texts: readonly StoredText[]) => number;
}

export const openPace = (): Pace => {
  let limit = fewRows;
  return {
    limit: () => limit,
    took: (texts) => {
      const bytes = texts.reduce((sum, { json }) => sum + (json?.length ?? 0), 0);
      const fitting = Math.floor((readBytes / Math.max(1, bytes)) * texts.length);
      limit = Math.max(1, Math.min(mostRows, limit * 2, texts.length === 0 ? limit : fitting));
      return bytes;
    },
  };
};
