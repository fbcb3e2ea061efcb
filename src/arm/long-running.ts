import type { Clock } from "../kernel/clock.ts";
import type { Ids } from "../kernel/ids.ts";
import { Fault } from "../kernel/fault.ts";
import type { CollectionSpec, Store } from "../store/store.ts";

export interface LongOperation {
  readonly id: string;
  readonly status: "InProgress" | "Succeeded" | "Failed";
  readonly resourceId: string;
  /** Object id of who started it; polls are for the starter. */
  readonly startedBy: string;
  /** Milliseconds, tenant clock. */
  readonly started: number;
  readonly ended?: number;
  readonly error?: { readonly code: string; readonly message: string };
}

const spec: CollectionSpec<LongOperation> = { name: "long-operations", indexes: { status: (value) => value.status } };
const partition = "operations";

/** How long a poll is held open for the end of the work (management-sdks.md 3.4: spares clients their 1-30 s waits). */
const holdMilliseconds = 20_000;

/** Long-running operations: durable, never forgotten; what a crash interrupted is failed at the next start. */
export interface LongRunning {
  /** Runs `work` in the background; headers for the 202/201 that announces it. */
  start(what: {
    resourceId: string;
    startedBy: string;
    work: () => Promise<void>;
  }): Promise<Readonly<Record<string, string>>>;
  /** The operation, if it was started by this caller (an object id); waits for its end up to 20 s. */
  poll(id: string, startedBy: string): Promise<LongOperation | undefined>;
  /** Marks operations of an earlier process as failed. Call once at start, before resumed work is started again. */
  recover(): Promise<void>;
  /** Resolves when no work is under way. */
  idle(): Promise<void>;
}

export const longRunning = (options: {
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly subscriptionId: string;
  readonly onError: (error: unknown) => void;
}): LongRunning => {
  const { store, clock, ids, subscriptionId } = options;
  const collection = store.collection(spec);
  const running = new Map<string, Promise<void>>();

  const finish = async (operation: LongOperation, work: () => Promise<void>): Promise<void> => {
    let outcome: Pick<LongOperation, "status" | "error"> = { status: "Succeeded" };
    try {
      await work();
    } catch (error) {
      if (!(error instanceof Fault)) options.onError(error);
      outcome = {
        status: "Failed",
        error:
          error instanceof Fault
            ? { code: error.code, message: error.message }
            : { code: "InternalServerError", message: "Lanyard failed to complete the operation." },
      };
    }
    await collection.put(partition, operation.id, { ...operation, ...outcome, ended: clock.now() });
  };

  return {
    start: async ({ resourceId, startedBy, work }) => {
      const operation: LongOperation = {
        id: ids.guid(),
        status: "InProgress",
        resourceId,
        startedBy,
        started: clock.now(),
      };
      await collection.put(partition, operation.id, operation);
      const done = finish(operation, work)
        .catch(options.onError)
        .finally(() => running.delete(operation.id));
      running.set(operation.id, done);
      const base = `https://management.azure.com/subscriptions/${subscriptionId}`;
      return {
        location: `${base}/operationresults/${operation.id}?api-version=2022-12-01`,
        "azure-asyncoperation": `${base}/operationstatuses/${operation.id}?api-version=2022-12-01`,
      };
    },
    poll: async (id, startedBy) => {
      // Decided before the wait: whoever started nothing is told so at once.
      if ((await collection.get(partition, id))?.value.startedBy !== startedBy) return undefined;
      const work = running.get(id);
      if (work !== undefined) {
        const timer = Promise.withResolvers<void>();
        const timeout = setTimeout(timer.resolve, holdMilliseconds);
        await Promise.race([work, timer.promise]);
        clearTimeout(timeout);
      }
      return (await collection.get(partition, id))?.value;
    },
    recover: async () => {
      for (const { key, value } of await collection.find(partition, "status", "InProgress"))
        await collection.put(partition, key, {
          ...value,
          status: "Failed",
          ended: clock.now(),
          error: { code: "OperationInterrupted", message: "The tenant was stopped while the operation ran." },
        });
    },
    idle: async () => {
      await Promise.all(running.values());
    },
  };
};
