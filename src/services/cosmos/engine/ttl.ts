import type { ContainerRecord, ItemRecord } from "./records.ts";

/** When time runs out for an item, in seconds; undefined: never. */
export const expiryOf = ({ doc }: Pick<ItemRecord, "doc">, { definition }: ContainerRecord): number | undefined => {
  const standard = definition["defaultTtl"];
  if (typeof standard !== "number") return undefined;
  const own = doc["ttl"];
  const ttl = typeof own === "number" ? own : standard;
  return ttl === -1 ? undefined : Number(doc["_ts"]) + ttl;
};

/** Whether time has run out for an item: it is there no more, for anybody (cosmos.md 7). */
export const isExpired = (record: Pick<ItemRecord, "doc">, container: ContainerRecord, now: number): boolean =>
  (expiryOf(record, container) ?? Infinity) <= now;
