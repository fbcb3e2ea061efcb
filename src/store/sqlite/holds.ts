/** Contents that a reader still needs. A release of one waits until the last holder lets go. */
export interface Holds {
  has(ref: string): boolean;
  /** Holds contents until the returned function is called. */
  take(refs: readonly string[]): () => void;
  /** Notes that a held content was released, to be told when it can go. */
  released(ref: string): void;
}

/** @param free Called with contents that were released and that nobody holds any more */
export const holds = (free: (refs: readonly string[]) => void): Holds => {
  const holders = new Map<string, number>();
  const waiting = new Set<string>();
  return {
    has: (ref) => holders.has(ref),
    take: (refs) => {
      for (const ref of refs) holders.set(ref, (holders.get(ref) ?? 0) + 1);
      let over = false;
      return () => {
        if (over) return;
        over = true;
        const freed: string[] = [];
        for (const ref of refs) {
          const left = (holders.get(ref) ?? 0) - 1;
          if (left > 0) holders.set(ref, left);
          else holders.delete(ref);
          if (left <= 0 && waiting.delete(ref)) freed.push(ref);
        }
        if (freed.length > 0) free(freed);
      };
    },
    released: (ref) => {
      waiting.add(ref);
    },
  };
};
