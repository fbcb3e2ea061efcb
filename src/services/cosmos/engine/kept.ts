/** Results that are kept for their next pages; one that was let go is computed again. */
import type { Ids } from "../../../kernel/ids.ts";

export interface Kept<T> {
  /** @param rid of the container @param purpose what it may be found for again @returns its name */
  keep(rid: string, purpose: string, value: T, bytes: number): string;
  find(name: string | undefined, purpose: string): T | undefined;
  forget(rid: string): void;
  clear(): void;
}

const mostResults = 64;
const mostBytes = 64 * 1024 * 1024;

/** 64 results and 64 MB, or one that is larger. */
export const openKept = <T>(ids: Ids): Kept<T> => {
  const kept = new Map<string, { rid: string; purpose: string; value: T; bytes: number }>();
  return {
    keep: (rid, purpose, value, bytes) => {
      let total = [...kept.values()].reduce((sum, each) => sum + each.bytes, bytes);
      for (const [oldest, each] of kept) {
        if (kept.size < mostResults && total <= mostBytes) break;
        kept.delete(oldest);
        total -= each.bytes;
      }
      const name = ids.bytes(9).toString("base64url");
      kept.set(name, { rid, purpose, value, bytes });
      return name;
    },
    find: (name, purpose) => {
      if (name === undefined) return undefined;
      const found = kept.get(name);
      // Clients can write tokens of their own: what another query left is not theirs, whatever rights they have here.
      if (found?.purpose !== purpose) return undefined;
      kept.delete(name);
      kept.set(name, found);
      return found.value;
    },
    clear: () => kept.clear(),
    forget: (rid) => {
      for (const [name, each] of kept) if (each.rid === rid) kept.delete(name);
    },
  };
};
