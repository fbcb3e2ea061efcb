/** Takes turns by name within this process: first come, first served, one at a time per name. */
export interface Gates {
  /** Waits for all names; the returned function lets the next one in. Names are taken in one order: no deadlock. */
  enter(names: readonly string[]): Promise<() => void>;
}

export const gates = (): Gates => {
  const last = new Map<string, Promise<void>>();
  const enterOne = async (name: string): Promise<() => void> => {
    const before = last.get(name);
    const { promise, resolve } = Promise.withResolvers<void>();
    last.set(name, promise);
    await before;
    return () => {
      if (last.get(name) === promise) last.delete(name);
      resolve();
    };
  };
  return {
    enter: async (names) => {
      const leaves: (() => void)[] = [];
      for (const name of [...new Set(names)].sort()) leaves.push(await enterOne(name));
      return () => {
        for (const leave of leaves) leave();
      };
    },
  };
};
