/** What happens to containers without anybody asking: expired items and old versions leave the store. */
import { setTimeout as rest } from "node:timers/promises";
import { Fault } from "../../../kernel/fault.ts";
import { listContainers } from "./catalog.ts";
import type { Engine, Place } from "./engine.ts";
import { sweepExpired } from "./sweep.ts";
import { pruneVersions, retentionOf } from "./versions.ts";

export interface Upkeep {
  /** From now on the account's containers are looked after. */
  add(account: string): void;
  close(): Promise<void>;
}

/** Wall-clock time between two looks at the tenant's clock. */
const every = 2_000;
/** Between two pages: whoever waits for an answer comes first. */
const pause = 5;

/** Brings one container up to the tenant's time. @param stopped asked between two pages */
export const keepUp = async (engine: Engine, place: Place, stopped: () => boolean = () => false): Promise<void> => {
  const { container, account } = place;
  while (!stopped() && (await sweepExpired(engine, place))) await rest(pause);
  if (retentionOf(engine, account, container) === undefined) return;
  while (!stopped() && (await pruneVersions(engine, place))) await rest(pause);
};

export const openUpkeep = (engine: Engine, onError: (error: unknown) => void): Upkeep => {
  const accounts = new Set<string>();
  let closed = false;
  let running: Promise<void> | undefined;
  const run = async (): Promise<void> => {
    for (const account of accounts)
      for (const container of await listContainers(engine, account)) {
        if (closed) return;
        try {
          await keepUp(engine, { account, container }, () => closed);
        } catch (error) {
          // Somebody deleted the container meanwhile.
          if (!(error instanceof Fault)) throw error;
        }
      }
  };
  const timer = setInterval(() => {
    running ??= run()
      .catch(onError)
      .finally(() => {
        running = undefined;
      });
  }, every).unref();
  return {
    add: (account) => void accounts.add(account),
    close: async () => {
      closed = true;
      clearInterval(timer);
      await running;
    },
  };
};
