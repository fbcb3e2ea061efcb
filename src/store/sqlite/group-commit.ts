/**
 * Group commit: everything asked for in one turn of the event loop shares one transaction and so one sync of the log.
 * While a sync blocks, further requests arrive, so groups grow by themselves under load.
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
  /** Commits what is waiting now. */
  flush(): void;
}

const writes = ({ writes: rows, attach, release }: ReadyCommit): boolean =>
  rows.length + attach.length + release.length > 0;

/** @param explain Turns a database error into one worth telling. */
export const groupCommit = (database: DatabaseSync, rows: Rows, explain: (error: unknown) => unknown): GroupCommit => {
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
    for (const [i, outcome] of outcomes.entries()) group[i]?.resolve(outcome);
  };
  const flush = (): void => {
    const group = waiting;
    waiting = [];
    if (group.length > 0) process(group);
  };
  return {
    submit: (ready) =>
      new Promise((resolve, reject) => {
        if (waiting.push({ commit: ready, resolve, reject }) === 1) setImmediate(flush);
      }),
    flush,
  };
};
