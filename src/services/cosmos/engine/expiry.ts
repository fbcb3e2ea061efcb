import type { ContainerRecord, ItemRecord } from "./records.ts";

/** Whether time has run out for an item: it is there no more, for anybody (cosmos.md 7). */
export const isExpired = ({ doc }: Pick<ItemRecord, "doc">, { definition }: ContainerRecord, now: number): boolean => {
  const standard = definition["defaultTtl"];
  if (typeof standard !== "number") return false;
  const own = doc["ttl"];
  const ttl = typeof own === "number" ? own : standard;
  return ttl !== -1 && Number(doc["_ts"]) + ttl <= now;
};
