import type { Clock } from "../../../kernel/clock.ts";
import type { Ids } from "../../../kernel/ids.ts";

/**
 * Unique etags that grow even while the tenant clock stands still or goes back: `0x8D`, a counter that follows the clock,
 * and four digits of this process. Clients expect at least 15 hexadecimal digits (storage.md 2).
 */
export const etagSource = (clock: Clock, ids: Ids): (() => string) => {
  const own = ids.bytes(2).toString("hex").toUpperCase();
  let last = 0;
  return () => {
    last = Math.max(last + 1, Math.floor(clock.now()) * 1000);
    return `0x8D${last.toString(16).toUpperCase().padStart(13, "0")}${own}`;
  };
};
