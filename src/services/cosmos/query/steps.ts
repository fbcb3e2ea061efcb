/** Work that takes long, in steps of a few milliseconds: whoever runs it gives others a turn in between, or does not. */
export type Steps<T> = Generator<void, T>;

/** Cheap things done between two steps. */
export const stepSize = 4096;

/** All steps at once. */
export const finished = <T>(work: Steps<T>): T => {
  for (;;) {
    const step = work.next();
    if (step.done === true) return step.value;
  }
};

const merged = function* <T>(a: readonly T[], b: readonly T[], compare: (a: T, b: T) => number): Steps<readonly T[]> {
  const all: T[] = [];
  let left = 0;
  let right = 0;
  while (left < a.length && right < b.length) {
    const first = a[left] as T;
    const second = b[right] as T;
    if (compare(first, second) <= 0) {
      all.push(first);
      left += 1;
    } else {
      all.push(second);
      right += 1;
    }
    if (all.length % stepSize === 0) yield;
  }
  for (; left < a.length; left++) {
    all.push(a[left] as T);
    if (all.length % stepSize === 0) yield;
  }
  for (; right < b.length; right++) {
    all.push(b[right] as T);
    if (all.length % stepSize === 0) yield;
  }
  return all;
};

/** A stable sort: equal ones keep their order. */
export const sorted = function* <T>(values: readonly T[], compare: (a: T, b: T) => number): Steps<readonly T[]> {
  let runs: (readonly T[])[] = [];
  for (let at = 0; at < values.length; at += stepSize) {
    runs.push(values.slice(at, at + stepSize).sort(compare));
    yield;
  }
  while (runs.length > 1) {
    const next: (readonly T[])[] = [];
    for (let at = 0; at < runs.length; at += 2) next.push(yield* merged(runs[at] ?? [], runs[at + 1] ?? [], compare));
    runs = next;
  }
  return runs[0] ?? [];
};
