/** Feeds of items. */
import { badRequest } from "../faults.ts";
import { type Engine, nowSeconds, type Place } from "./engine.ts";
import { isExpired } from "./expiry.ts";
import { inExtent } from "./extent.ts";
import { scanPrefix } from "./partition-key.ts";
import { containerPartition, type KeyValues } from "./records.ts";
import type { Row } from "./rows.ts";
import { walk } from "./walk.ts";

export { type Extent, inExtent } from "./extent.ts";

/** Live items of a key, a few at a time, straight from the store. */
export const itemsOfKey = async function* (
  engine: Engine,
  { account, container }: Place,
  key: KeyValues,
): AsyncGenerator<readonly Row[]> {
  const within = inExtent({ key, range: undefined }, { container });
  const source = engine.sources(containerPartition(account, container));
  for await (const rows of walk(source, {
    prefix: scanPrefix(key, container.partitionKey),
    range: undefined,
    from: undefined,
  })) {
    const now = nowSeconds(engine);
    yield rows.filter((row) => within(row.key) && !isExpired(row, container, now));
  }
};

/** How many a page holds: 100 unless the client says otherwise (cosmos.md 9). @throws 400 */
export const pageSizeOf = (header: string | undefined): number => {
  if (header === undefined || header === "" || header === "-1") return 100;
  const size = Number(header);
  if (!Number.isInteger(size) || size < 1)
    throw badRequest("The value of x-ms-max-item-count must be -1 or a positive number.");
  return Math.min(size, 10_000);
};
