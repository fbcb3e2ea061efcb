/** Which items a query, read feed or change feed is about: all, those of a key or of a beginning of one, or an EPK range. */
import { belongsTo, epkOfKey } from "./partition-key.ts";
import type { ContainerRecord, KeyValues } from "./records.ts";

export interface Extent {
  readonly key: KeyValues | undefined;
  /** [start, end) of effective partition keys. */
  readonly range: { readonly start: string; readonly end: string } | undefined;
}

export const inExtent = (
  { key, range }: Extent,
  { container }: { readonly container: ContainerRecord },
): ((itemKey: string) => boolean) => {
  const below = key === undefined ? undefined : belongsTo(key, container.partitionKey);
  return (itemKey) => {
    if (below !== undefined && !below(itemKey)) return false;
    if (range === undefined) return true;
    const epk = epkOfKey(itemKey);
    return epk >= range.start && epk < range.end;
  };
};
