/** Brings running containers to what records say: one at a time per app, in the background, in the order of changes. */
import { idKey } from "../../arm/resource-id.ts";
import type { Resources } from "../../arm/resources.ts";
import { appOf, appType, domainOf, servingRevision } from "./app.ts";
import type { AppSetup, ContainerRunner } from "./runner.ts";
import { setupOf } from "./setup.ts";

export interface AppSync {
  /** Brings the app in line in the background. */
  soon(id: string): void;
  /** The same, and waits for it. */
  now(id: string): Promise<void>;
  restart(id: string): Promise<void>;
  /** Resolves when changes that came before are in effect. */
  settled(id: string): Promise<void>;
  /** Starts every app that is wanted running. */
  resume(): Promise<void>;
}

export const appSync = (resources: Resources, runner: ContainerRunner, onError: (error: unknown) => void): AppSync => {
  const queues = new Map<string, Promise<unknown>>();

  const enqueue = <R>(id: string, work: () => Promise<R>): Promise<R> => {
    const key = idKey(id);
    const next = (queues.get(key) ?? Promise.resolve()).then(work, work);
    const tail = next.catch(() => undefined);
    queues.set(key, tail);
    void tail.then(() => {
      if (queues.get(key) === tail) queues.delete(key);
    });
    return next;
  };

  /** Undefined: nothing of it is to run. */
  const wanted = async (id: string): Promise<AppSetup | "gone" | undefined> => {
    const record = await resources.get(id);
    if (record?.type !== appType) return "gone";
    const app = appOf(record);
    const revision = servingRevision(app);
    const failed = record.properties["provisioningState"] === "Failed";
    if (app.stopped || failed || revision === undefined) return undefined;
    return setupOf(app, revision, await domainOf(app, resources));
  };

  const align = async (id: string): Promise<void> => {
    const setup = await wanted(id);
    if (setup === "gone") await runner.remove(id);
    else if (setup === undefined) await runner.stop(id);
    else await runner.run(setup);
  };

  const now = (id: string): Promise<void> => enqueue(id, () => align(id));
  const soon = (id: string): void => void now(id).catch(onError);
  return {
    soon,
    now,
    restart: (id) =>
      enqueue(id, async () => {
        const setup = await wanted(id);
        if (setup !== undefined && setup !== "gone") await runner.restart(setup);
      }),
    settled: async (id) => {
      await queues.get(idKey(id));
    },
    resume: async () => {
      for (const { id } of await resources.ofType(resources.subscriptionId, appType)) soon(id);
    },
  };
};
