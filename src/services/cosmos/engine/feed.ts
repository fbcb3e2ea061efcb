/** Feeds of items. */
import { badRequest } from "../faults.ts";
import { type Engine, nowSeconds, type Place } from "./engine.ts";
import { isExpired } from "./ttl.ts";
import { type Extent, inExtent } from "./extent.ts";
import { scanPrefix } from "./partition-key.ts";
import { containerPartition, type KeyValues } from "./records.ts";
import type { Row } from "./rows.ts";
import { walk } from "./walk.ts";

export { type Extent, inExtent } from "./extent.ts";

/** Live items of an extent in feed order, a few at a time, straight from the store: nothing is held. */
export const batchesOf = async function* (
  engine: Engine,
  { account, container }: Place,
  extent: Extent,
): AsyncGenerator<readonly Row[]> {
  const { key, range } = extent;
  const within = inExtent(extent, { container });
  const source = engine.sources(containerPartition(account, container));
  const prefix = key === undefined ? "" : scanPrefix(key, container.partitionKey);
  for await (const rows of walk(source, { prefix, range, from: undefined })) {
    const now = nowSeconds(engine);
    yield rows.filter((row) => within(row.key) && !isExpired(row, container, now));
  }
};

/** Live items of a key, all of them: for those who change or search one logical partition. */
export const rowsOf = async (
  engine: Engine,
  place: Place,
  extent: Extent & { readonly key: KeyValues },
): Promise<{ readonly rows: readonly Row[] }> => {
  const found: Row[] = [];
  for await (const rows of batchesOf(engine, place, extent)) found.push(...rows);
  return { rows: found };
};

/** How many a page holds: 100 unless the client says otherwise (cosmos.md 9). @throws 400 */
export const pageSizeOf = (header: string | undefined): number => {
  if (header === undefined || header === "" || header === "-1") return 100;
  const size = Number(header);
  if (!Number.isInteger(size) || size < 1)
    throw badRequest("The value of x-ms-max-item-count must be -1 or a positive number.");
  return Math.min(size, 10_000);
};
