import { createHash } from "node:crypto";
import type { Ids } from "../kernel/ids.ts";
import { type CollectionSpec, ConditionFailed, type Store } from "../store/store.ts";

interface AppSecret {
  readonly resourceId: string;
  readonly hash: string;
  readonly secret: string;
}

const spec: CollectionSpec<AppSecret> = {
  name: "app-secrets",
  indexes: { hash: (value) => value.hash },
  sealed: ["secret"],
};
const partition = "app-secrets";

/**
 * The secret that each app's environment holds as IDENTITY_HEADER (and as its proxy credential): it says which resource
 * asks, and is worth nothing for another one. Looked up by digest, so that comparing takes no secret-dependent time.
 */
export interface AppSecrets {
  /** The secret of a resource; made when first asked for. */
  of(resourceId: string): Promise<string>;
  /** The resource that a secret belongs to. */
  resourceOf(secret: string): Promise<string | undefined>;
  /** Makes a new secret; the old one is worthless at once. */
  rotate(resourceId: string): Promise<string>;
  forget(resourceId: string): Promise<void>;
}

export const openAppSecrets = (store: Store, ids: Ids): AppSecrets => {
  const collection = store.collection(spec);
  const known = new Map<string, string>();
  const keyOf = (resourceId: string): string => resourceId.toLowerCase();
  const make = (resourceId: string): AppSecret => {
    const secret = ids.bytes(32).toString("hex");
    return { resourceId, secret, hash: digest(secret) };
  };
  const of = async (resourceId: string): Promise<string> => {
    const entry = await collection.get(partition, keyOf(resourceId));
    if (entry !== undefined) return entry.value.secret;
    const made = make(resourceId);
    try {
      await collection.put(partition, keyOf(resourceId), made, { ifNoneMatch: "*" });
      return made.secret;
    } catch (error) {
      if (!(error instanceof ConditionFailed)) throw error;
      return of(resourceId);
    }
  };
  return {
    of,
    resourceOf: async (secret) => {
      const hash = digest(secret);
      const cached = known.get(hash);
      if (cached !== undefined) return cached;
      const [entry] = await collection.find(partition, "hash", hash, { limit: 1 });
      if (entry !== undefined) known.set(hash, entry.value.resourceId);
      return entry?.value.resourceId;
    },
    rotate: async (resourceId) => {
      known.clear();
      const made = make(resourceId);
      await collection.put(partition, keyOf(resourceId), made);
      return made.secret;
    },
    forget: async (resourceId) => {
      known.clear();
      await collection.delete(partition, keyOf(resourceId));
    },
  };
};

const digest = (secret: string): string => createHash("sha256").update(secret).digest("base64url");
