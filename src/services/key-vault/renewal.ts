/**
 * What Key Vault does by itself when its time has come: keys are rotated and certificates renewed as their policies say. It is
 * done when somebody next asks the vault for anything, which nobody can tell from a clock that strikes in between; who has
 * moved the tenant's clock over several periods finds one new version.
 */
import { Fault } from "../../kernel/fault.ts";
import { renewalDue, renewDue } from "./certificate-renewal.ts";
import type { Engine, Found } from "./engine.ts";
import { rotateDue, rotationDue } from "./key-rotation.ts";

export interface Renewal {
  /** Does what is due in a vault. Undefined, without a look at the store: nothing is. */
  settle(uid: string): Promise<void> | undefined;
}

const kinds = [
  { kind: "keys", due: rotationDue, renew: rotateDue },
  { kind: "certificates", due: renewalDue, renew: renewDue },
] as const;

/** Nothing renews more often, whatever its policy says: a renewal must not be due again at once. */
const shortest = 86_400;

/** False: its policy asks for what cannot be made. Then it stays as it is, and nobody else's request fails for it. */
const renewed = async (renew: () => Promise<void>): Promise<boolean> => {
  try {
    await renew();
    return true;
  } catch (error) {
    if (error instanceof Fault) return false;
    throw error;
  }
};

export const openRenewal = (engine: Engine): Renewal => {
  /** When a vault needs a look again (seconds), as of a revision of its objects. */
  const planned = new Map<string, { readonly revision: number; readonly at: number }>();
  const running = new Map<string, Promise<void>>();

  const dueAt = (found: Found, due: (found: Found) => number | undefined): number | undefined => {
    const at = due(found);
    return at === undefined ? undefined : Math.max(at, found.version.created + shortest);
  };

  const run = async (uid: string): Promise<void> => {
    const revision = engine.revision(uid);
    const shelf = engine.read(uid);
    let next = Number.POSITIVE_INFINITY;
    for (const { kind, due, renew } of kinds)
      for (const object of await shelf.objects("live", kind, "", 100_000)) {
        if (object.extra === undefined) continue;
        const version = await shelf.version(kind, object.name, object.current);
        const at = version === undefined ? undefined : dueAt({ object, version }, due);
        if (version === undefined || at === undefined) continue;
        if (at > engine.seconds()) next = Math.min(next, at);
        else if (!(await renewed(() => renew(engine, uid, { object, version }))))
          next = Math.min(next, engine.seconds() + shortest);
      }
    // What was renewed has changed the revision: the next caller looks again.
    planned.set(uid, { revision, at: next });
  };

  return {
    settle: (uid) => {
      const plan = planned.get(uid);
      if (plan !== undefined && plan.revision === engine.revision(uid) && engine.seconds() < plan.at) return undefined;
      const going = running.get(uid);
      if (going !== undefined) return going;
      const work = run(uid).finally(() => running.delete(uid));
      running.set(uid, work);
      return work;
    },
  };
};
