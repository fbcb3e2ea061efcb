/** Brings running apps to what their records say: one at a time per site, in the background, in the order of changes. */
import { idKey } from "../../arm/resource-id.ts";
import type { Resources } from "../../arm/resources.ts";
import { openTurns } from "../../arm/turns.ts";
import type { SiteRunner } from "./runner.ts";
import { setupOf, siteOf, siteType } from "./site.ts";

export interface SiteSync {
  /**
   * Brings the site in line in the background; several requests before it begins count as one. A site without content
   * costs nothing until somebody asks for it.
   */
  soon(id: string): void;
  /** The same, and waits for it. */
  now(id: string): Promise<void>;
  restart(id: string): Promise<void>;
  /** Ends the app of a site that is being deleted and removes its files and secrets. */
  end(id: string): Promise<void>;
  /** Runs work for a site between two alignments, its settings being in effect. */
  during<R>(id: string, work: () => Promise<R>): Promise<R>;
  /** Resolves when the site is in line; aligns it first if that never happened in this process. */
  settled(id: string): Promise<void>;
  /** Starts every site that has content and is wanted running. */
  resume(): Promise<void>;
}

export const siteSync = (
  resources: Resources,
  runner: SiteRunner,
  hasContent: (id: string) => Promise<boolean>,
  onError: (error: unknown) => void,
): SiteSync => {
  /** Sites whose next alignment has not begun. */
  const due = new Map<string, Promise<void>>();
  const aligned = new Set<string>();

  const turns = openTurns();
  const enqueue = <R>(id: string, work: () => Promise<R>): Promise<R> => turns(idKey(id), work);

  const remove = (id: string): Promise<void> => {
    aligned.delete(idKey(id));
    return runner.remove(id);
  };

  const align = async (id: string): Promise<void> => {
    const record = await resources.get(id);
    if (record?.type !== siteType) return remove(id);
    const site = siteOf(record);
    await runner.setUp(await setupOf(site, resources));
    aligned.add(idKey(id));
    await (site.running ? runner.start(id) : runner.stop(id));
  };

  const now = (id: string): Promise<void> => {
    const key = idKey(id);
    const waiting = due.get(key);
    if (waiting !== undefined) return waiting;
    const next = enqueue(id, () => {
      due.delete(key);
      return align(id);
    });
    due.set(key, next);
    return next;
  };

  const soon = (id: string): void => {
    if (aligned.has(idKey(id)) || due.has(idKey(id))) now(id).catch(onError);
    else
      hasContent(id)
        .then((yes) => (yes ? now(id) : undefined))
        .catch(onError);
  };

  return {
    soon,
    now,
    restart: async (id) => {
      await now(id);
      await enqueue(id, () => runner.restart(id));
    },
    end: (id) => enqueue(id, () => remove(id)),
    during: async (id, work) => {
      await now(id);
      return work();
    },
    settled: async (id) => {
      const key = idKey(id);
      if (!aligned.has(key)) return now(id);
      await (due.get(key) ?? enqueue(id, () => Promise.resolve()));
    },
    resume: async () => {
      const sites = await resources.ofType(resources.subscriptionId, siteType);
      for (const site of sites) if (siteOf(site).running) soon(site.id);
    },
  };
};
