/** Keeps one query from holding up the others: turns for them between documents, an end to what takes too long within one. */
import { setImmediate as loopTurn, setTimeout as rest } from "node:timers/promises";
import { badRequest } from "../faults.ts";

/** After so long others get a turn. */
const sliceMilliseconds = 10;
/** So long may one document be worked on, in processor time: no other query gets a turn meanwhile. */
const documentMilliseconds = 200;

/** Processor time of this thread, or where Node does not tell it the time that has passed, in milliseconds. */
const spent = (): number => {
  // From Node 22.19 and 23.9 on.
  if (typeof process.threadCpuUsage !== "function") return performance.now();
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
};

export interface Slices {
  /** Before the first document: a promise when another query has just had its slice. */
  readonly begin: () => Promise<void> | undefined;
  /** After every document: a promise when it is the others' turn. */
  readonly next: () => Promise<void> | undefined;
  /** Whether there is memory for more. @throws 400 */
  readonly memory: () => void;
  /** Called while a document is worked on; answers after how many steps it wants to be called again. @throws 400 */
  readonly checkpoint: () => number;
}

/** What all queries of the process share is the event loop: no two slices come without a turn of it in between. */
let lastTurn: Promise<void> = Promise.resolve();
let crowded = false;
/** A request takes several turns of the loop: after a long slice others get some time, in milliseconds, not one turn. */
let owed = 0;

const turn = (): Promise<void> => {
  lastTurn = lastTurn
    .then(() => (owed > 0 ? rest(owed) : loopTurn()))
    .then(() => {
      crowded = false;
      owed = 0;
    });
  return lastTurn;
};

/** A slice was used up. */
const crowd = (used: number): void => {
  if (used > 5 * sliceMilliseconds) owed = Math.max(owed, used / 2);
  if (crowded) return;
  crowded = true;
  void turn();
};

/** What stops a query that takes too much memory. */
export interface MemoryGuard {
  /** Called every few milliseconds. @throws 400 */
  readonly check: () => void;
}

const unguarded: MemoryGuard = { check: () => undefined };

/** Reading the clock costs as much as a cheap document, so it is read the more seldom the cheaper the work turns out to be. */
export const openSlices = (guard: MemoryGuard = unguarded): Slices => {
  let started = performance.now();
  let checked = started;
  let stepped = started;
  let every = 1;
  let left = 1;
  let steps = 1;
  let over = false;
  let document = 0;
  let inside = -1;
  let insideSince = 0;
  const restart = (): void => {
    started = performance.now();
    checked = started;
    stepped = started;
    over = false;
  };
  return {
    memory: guard.check,
    begin: () => (crowded ? turn().then(restart) : undefined),
    next: () => {
      document++;
      if (!over && --left > 0) return undefined;
      const now = performance.now();
      every = now - checked < 1 ? Math.min(every * 2, 64) : 1;
      left = every;
      checked = now;
      if (every < 64) guard.check();
      if (now - started < sliceMilliseconds) return undefined;
      guard.check();
      crowd(now - started);
      return turn().then(restart);
    },
    checkpoint: () => {
      const now = performance.now();
      steps = now - stepped < 1 ? Math.min(steps * 2, 1024) : Math.max(1, steps >> 3);
      stepped = now;
      guard.check();
      const used = now - started;
      if (used >= sliceMilliseconds) {
        over = true;
        crowd(used);
      }
      if (inside !== document) {
        inside = document;
        insideSince = spent();
      } else if (spent() - insideSince > documentMilliseconds)
        throw badRequest(
          `The SQL query is too complex: it works on one document for more than ${documentMilliseconds} ms. ` +
            "Use fewer JOINs, smaller arrays, or a filter on the arrays within a subquery.",
        );
      return steps;
    },
  };
};

/** Runs a generator to its end, with turns for others in between. @param between every step, may throw */
export const inSlices = async <T>(work: Generator<void, T>, between: () => unknown = () => undefined): Promise<T> => {
  let started = performance.now();
  for (;;) {
    between();
    const step = work.next();
    if (step.done === true) return step.value;
    if (performance.now() - started < sliceMilliseconds) continue;
    await turn();
    started = performance.now();
  }
};
