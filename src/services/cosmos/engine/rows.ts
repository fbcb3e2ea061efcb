import type { JsonObject } from "./records.ts";

/** A place in the order of feeds. */
export interface FeedPlace {
  readonly epk: string;
  /** Order of creation. */
  readonly order: number;
}

/** An item in memory. */
export interface Row extends FeedPlace {
  /** The item's key in the store. */
  readonly key: string;
  readonly size: number;
  readonly doc: JsonObject;
}

export const comparePlaces = (a: FeedPlace, b: FeedPlace): number =>
  a.epk < b.epk ? -1 : a.epk > b.epk ? 1 : a.order - b.order;

/** By effective partition key, then in order of creation: the order of feeds. */
export const compareRows = (a: Row, b: Row): number =>
  comparePlaces(a, b) || (a.key < b.key ? -1 : a.key > b.key ? 1 : 0);

/** Where the rows after a place begin; rows are in feed order. */
export const indexAfter = (rows: readonly Row[], place: FeedPlace): number => {
  let [low, high] = [0, rows.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (comparePlaces(rows[middle] as Row, place) <= 0) low = middle + 1;
    else high = middle;
  }
  return low;
};
