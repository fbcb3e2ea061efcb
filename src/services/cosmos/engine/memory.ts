/** How much memory the thread of queries may take: V8 would end the whole process beyond its limit. */
import { getHeapStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { badRequest } from "../faults.ts";
import type { MemoryGuard } from "./slices.ts";

/** Milliseconds between two looks: one costs some microseconds. */
const lookEvery = 4;
/** What is still there after a collection must leave room for more than the next look. */
const mostAfter = 0.8;

let collector: (() => void) | undefined;

/** Collects this thread's garbage. Node offers that to those who ask at its start, and V8 to any context that is made later. */
export const collectGarbage = (): void => {
  if (collector === undefined) {
    setFlagsFromString("--expose-gc");
    collector = runInNewContext("gc") as () => void;
  }
  collector();
};

/** @param bytes of the thread's heap @param shed lets go of what can be read again */
export const memoryGuard = (bytes: number, shed: () => void): MemoryGuard => {
  let looked = 0;
  return {
    check: () => {
      const now = performance.now();
      if (now - looked < lookEvery) return;
      looked = now;
      if (getHeapStatistics().used_heap_size <= bytes) return;
      // Much of it may be garbage.
      collectGarbage();
      if (getHeapStatistics().used_heap_size <= bytes * mostAfter) return;
      shed();
      throw badRequest(
        "The SQL query is too complex: it takes too much memory. Use TOP, a filter, or select less of each document.",
      );
    },
  };
};
