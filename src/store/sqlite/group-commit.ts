/**
 * Group commit: everything asked for while a sync of the log runs shares the next transaction and the next sync. Syncs run
 * beside the event loop; nobody hears of a commit before its sync has ended.
 * @see docs/adr/0003-store.md for the figures, and for why this is not in a worker thread
 */
import { setImmediate as turnEnd } from "node:timers/promises";
import type { DatabaseSync } from "node:sqlite";
import type { Outcome } from "../driver.ts";
import { rollBack, type ReadyCommit, type Rows } from "./rows.ts";

interface Waiting {
  readonly commit: ReadyCommit;
  readonly resolve: (outcome: Outcome) => void;
  readonly reject: (error: unknown) => void;
}

interface Acknowledgement {
  readonly one: Waiting;
  readonly outcome: Outcome;
}

export interface GroupCommit {
  /** Resolves when the commit is on disk. */
  submit(commit: ReadyCommit): Promise<Outcome>;
  /** Resolves when nothing is waiting any more. */
  flush(): Promise<void>;
}

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
  const begin = database.prepare("begin immediate");
  const commit = database.prepare("commit");
  let waiting: Waiting[] = [];
  let working: Promise<void> | undefined;
  // After a failed sync nobody knows what is on disk, and the system reports the failure once only.
  let broken: Error | undefined;

  const applyAll = (group: readonly Waiting[]): Outcome[] => {
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
  /** @returns the acknowledgements of those that were committed; the others have been refused */
  const commitAll = (group: readonly Waiting[]): Acknowledgement[] => {
    try {
      return applyAll(group).map((outcome, i) => ({ outcome, one: group[i] as Waiting }));
    } catch (error) {
      // One bad commit must not fail its neighbours: then each goes alone.
      if (group.length > 1) return group.flatMap((one) => commitAll([one]));
      for (const one of group) one.reject(explain(error));
      return [];
    }
  };
  const work = async (): Promise<void> => {
    // What else this turn of the event loop asks for joins the first group.
    await turnEnd();
    while (waiting.length > 0) {
      const group = waiting;
      waiting = [];
      const committed = commitAll(group);
      try {
        if (committed.length > 0) await sync?.();
        for (const { one, outcome } of committed) one.resolve(outcome);
      } catch (error) {
        broken = error instanceof Error ? error : new Error(String(error));
        for (const one of [...committed.map((each) => each.one), ...waiting.splice(0)]) one.reject(broken);
      }
    }
    working = undefined;
  };
  return {
    submit: async (ready) => {
      if (broken !== undefined) throw broken;
      // Checks alone need no transaction: nothing else writes during this turn.
      if (!writes(ready))
        try {
          return rows.apply(ready);
        } catch (error) {
          throw explain(error);
        }
      return new Promise((resolve, reject) => {
        waiting.push({ commit: ready, resolve, reject });
        working ??= work();
      });
    },
    flush: async () => working,
  };
};
