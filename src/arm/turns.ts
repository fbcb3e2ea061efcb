/** Lets changes of one key happen one after the other, in the order they were asked for; other keys do not wait. */
export type Turns = <R>(key: string, work: () => Promise<R>) => Promise<R>;

export const openTurns = (): Turns => {
  const last = new Map<string, Promise<unknown>>();
  return (key, work) => {
    const next = (last.get(key) ?? Promise.resolve()).then(work, work);
    const tail = next.catch(() => undefined);
    last.set(key, tail);
    void tail.then(() => {
      if (last.get(key) === tail) last.delete(key);
    });
    return next;
  };
};
