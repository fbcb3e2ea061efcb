/** Running again what PostgreSQL asks to have run again. */
import { randomInt } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * serialization_failure and deadlock_detected: the transaction was rolled back and may be tried again. The others are
 * what two processes get that create the same table at once (`if not exists` does not look under another's lock).
 */
const AGAIN = new Set(["40001", "40P01", "23505", "42710", "42P06", "42P07", "XX000"]);
const TRANSACTION_AGAIN = new Set(["40001", "40P01"]);
const ATTEMPTS = 20;

const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";

const repeat = async <R>(work: () => Promise<R>, again: ReadonlySet<string>): Promise<R> => {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (attempt === ATTEMPTS || !again.has(codeOf(error))) throw error;
      await sleep(randomInt(1, 2 + Math.min(100, 2 ** attempt)));
    }
  }
};

/** For idempotent statements that make tables. */
export const retried = <R>(work: () => Promise<R>): Promise<R> => repeat(work, AGAIN);

/** For whole transactions. */
export const retriedTransaction = <R>(work: () => Promise<R>): Promise<R> => repeat(work, TRANSACTION_AGAIN);
