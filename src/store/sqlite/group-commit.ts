/**
 * Group commit: everything asked for in one turn of the event loop shares one transaction, and everything committed
 * while a sync of the log runs shares the next sync. Syncs run beside the event loop; nobody hears of a commit before
 * its sync has ended.
 * @see docs/adr/0003-store.md for the figures, and for why this is not in a worker thread
 */
import type { DatabaseSync } from "node:sqlite";
import type { Outcome } from "../driver.ts";
import { rollBack, type ReadyCommit, type Rows } from "./rows.ts";

interface Waiting {
  readonly commit: ReadyCommit;
  readonly resolve: (outcome: Outcome) => void;
  readonly reject: (error: unknown) => void;
}

export interface GroupCommit {
  /** Resolves when the commit is on disk. */
  submit(commit: ReadyCommit): Promise<Outcome>;
  /** Commits what is waiting now; resolves when it is on disk. */
  flush(): Promise<void>;
}

/** One sync at a time. @returns resolves when what was committed before the call is on disk */
const syncs = (sync: () => Promise<void>): (() => Promise<void>) => {
  let next: PromiseWithResolvers<void> | undefined;
  let running = false;
  const run = async (): Promise<void> => {
    running = true;
    while (next !== undefined) {
      const { resolve, reject } = next;
      next = undefined;
      await sync().then(resolve, reject);
    }
    running = false;
  };
  return () => {
    next ??= Promise.withResolvers();
    const { promise } = next;
    if (!running) void run();
    return promise;
  };
};

const writes = ({ writes: rows, attach, release }: ReadyCommit): boolean =>
  rows.length + attach.length + release.length > 0;

/**
 * @param sync Brings the database's log to the disk; undefined for a database in memory
 * @param explain Turns a database error into one worth telling
 */
export const groupCommit = (
  database: DatabaseSync,
  rows: Rows,
  sync: (() => Promise<void>) | undefined,
  explain: (error: unknown) => unknown,
): GroupCommit => {
  const durable = sync === undefined ? undefined : syncs(sync);
  // After a failed sync nobody knows what is on disk, and the system reports the failure once only.
  let broken: Error | undefined;
  const begin = database.prepare("begin immediate");
  const commit = database.prepare("commit");
  let waiting: Waiting[] = [];

  const applyAll = (group: readonly Waiting[]): Outcome[] => {
    // Checks alone need no transaction: nothing else writes during this turn.
    if (!group.some((one) => writes(one.commit))) return group.map((one) => rows.apply(one.commit));
    begin.run();
    try {
      const outcomes = group.map((one) => rows.apply(one.commit));
      rows.settle();
      commit.run();
      return outcomes;
    } catch (error) {
      rows.forget();
      rollBack(database);
      throw error;
    }
  };
  const process = (group: readonly Waiting[]): void => {
    let outcomes: Outcome[];
    try {
      outcomes = applyAll(group);
    } catch (error) {
      // One bad commit must not fail its neighbours: then each goes alone.
      if (group.length > 1) for (const one of group) process([one]);
      else for (const one of group) one.reject(explain(error));
      return;
    }
    const acknowledge = (): void => {
      for (const [i, outcome] of outcomes.entries()) group[i]?.resolve(outcome);
    };
    if (durable === undefined || !group.some((one) => writes(one.commit))) acknowledge();
    else
      durable().then(acknowledge, (error: unknown) => {
        broken = error instanceof Error ? error : new Error(String(error));
        for (const one of group) one.reject(broken);
      });
  };
  const flush = (): void => {
    const group = waiting;
    waiting = [];
    if (group.length > 0) process(group);
  };
  return {
    submit: (ready) =>
      new Promise((resolve, reject) => {
        if (broken !== undefined) reject(broken);
        else if (waiting.push({ commit: ready, resolve, reject }) === 1) setImmediate(flush);
      }),
    flush: async () => {
      flush();
      await durable?.();
    },
  };
};
