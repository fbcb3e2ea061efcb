import type { JsonObject } from "./records.ts";

/** An item in memory. */
export interface Row {
  /** The item's key in the store. */
  readonly key: string;
  readonly epk: string;
  readonly order: number;
  readonly size: number;
  readonly doc: JsonObject;
}

/** By effective partition key, then in order of creation: the order of feeds. */
export const compareRows = (a: Row, b: Row): number =>
  a.epk < b.epk ? -1 : a.epk > b.epk ? 1 : a.order - b.order || (a.key < b.key ? -1 : a.key > b.key ? 1 : 0);
