import { type Eventually, onceKnown } from "../kernel/eventually.ts";

/**
 * Values read before, by key. Whoever writes one calls `forget` before answering; a read under way at that moment is not
 * kept, so that nothing old comes back. Bounded; the oldest goes first.
 */
export interface Recent<T> {
  get(key: string): Eventually<T | undefined>;
  forget(key: string): void;
}

export const recent = <T>(limit: number, load: (key: string) => Promise<T | undefined>): Recent<T> => {
  const kept = new Map<string, T>();
  let writes = 0;
  return {
    get: (key) => {
      const known = kept.get(key);
      if (known !== undefined) return known;
      const before = writes;
      return onceKnown(load(key), (found) => {
        if (found !== undefined && writes === before) {
          if (kept.size >= limit) kept.delete(kept.keys().next().value ?? "");
          kept.set(key, found);
        }
        return found;
      });
    },
    forget: (key) => {
      writes++;
      kept.delete(key);
    },
  };
};
