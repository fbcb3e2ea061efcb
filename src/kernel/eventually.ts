/**
 * Values that are there already as a rule and come later now and then. What every request passes through is written with
 * these: a promise that waits for nothing still costs an object and a turn of the microtask queue.
 */
export type Eventually<T> = T | Promise<T>;

/** Goes on with a value: at once when it is there. Errors of `work` are thrown then, not rejected. */
export const onceKnown = <T, R>(value: Eventually<T>, work: (value: T) => Eventually<R>): Eventually<R> =>
  value instanceof Promise ? value.then(work) : work(value);
