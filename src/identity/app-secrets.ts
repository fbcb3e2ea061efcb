import { createHash, createHmac, hash } from "node:crypto";
import type { Ids } from "../kernel/ids.ts";
import { type CollectionSpec, type Condition, ConditionFailed, type Store } from "../store/store.ts";

interface AppSecret {
  readonly resourceId: string;
  readonly hash: string;
  readonly secret: string;
}

const spec: CollectionSpec<AppSecret> = {
  name: "app-secrets",
  sealed: ["secret"],
};
const partition = "app-secrets";

/**
 * The secret that each app's environment holds as IDENTITY_HEADER and as its proxy credential: it says which resource
 * asks, and is worth nothing for another one. Looked up by digest, so that comparing takes no secret-dependent time.
 * All of them stand in memory: there is one per app.
 */
export interface AppSecrets {
  /** The secret of a resource; made when first asked for. */
  of(resourceId: string): Promise<string>;
  /** The resource that a secret belongs to. */
  resourceOf(secret: string): string | undefined;
  /**
   * A second secret, derived from the first: part of the address where the app finds its identity by protocols that
   * send no secret (Cloud Shell, Arc). Who sees the address does not know the header.
   */
  address(resourceId: string): Promise<string>;
  resourceOfAddress(address: string): string | undefined;
  /** The proxy user name of a resource. */
  accountName(resourceId: string): string;
  /** The secret and the resource behind a proxy user name. */
  account(name: string): { readonly secret: string; readonly resourceId: string } | undefined;
  /** Makes a new secret; the old one is worthless at once. */
  rotate(resourceId: string): Promise<string>;
  forget(resourceId: string): Promise<void>;
}

export const openAppSecrets = async (store: Store, ids: Ids): Promise<AppSecrets> => {
  const collection = store.collection(spec);
  const byResource = new Map<string, AppSecret>();
  const byHash = new Map<string, AppSecret>();
  const byAccount = new Map<string, AppSecret>();
  const byAddress = new Map<string, AppSecret>();
  const forget = (resourceId: string): void => {
    const known = byResource.get(keyOf(resourceId));
    if (known === undefined) return;
    byResource.delete(keyOf(resourceId));
    byHash.delete(known.hash);
    byAccount.delete(accountName(resourceId));
    byAddress.delete(digest(addressOf(known.secret)));
  };
  const remember = (made: AppSecret): void => {
    forget(made.resourceId);
    byResource.set(keyOf(made.resourceId), made);
    byHash.set(made.hash, made);
    byAccount.set(accountName(made.resourceId), made);
    byAddress.set(digest(addressOf(made.secret)), made);
  };
  for (const { value } of await collection.list(partition, { limit: 1_000_000 })) remember(value);

  const make = async (resourceId: string, condition?: Condition): Promise<string> => {
    const secret = ids.bytes(32).toString("hex");
    const made = { resourceId, secret, hash: digest(secret) };
    await collection.put(partition, keyOf(resourceId), made, condition);
    remember(made);
    return secret;
  };
  const of = async (resourceId: string): Promise<string> => {
    const known = byResource.get(keyOf(resourceId));
    if (known !== undefined) return known.secret;
    try {
      return await make(resourceId, { ifNoneMatch: "*" });
    } catch (error) {
      if (!(error instanceof ConditionFailed)) throw error;
      // Somebody else made it meanwhile; its copy in memory follows the write.
      const entry = await collection.get(partition, keyOf(resourceId));
      if (entry === undefined) return of(resourceId);
      remember(entry.value);
      return entry.value.secret;
    }
  };
  return {
    of,
    resourceOf: (secret) => byHash.get(digest(secret))?.resourceId,
    address: async (resourceId) => addressOf(await of(resourceId)),
    resourceOfAddress: (address) => byAddress.get(digest(address))?.resourceId,
    accountName,
    account: (name) => byAccount.get(name),
    rotate: (resourceId) => make(resourceId),
    forget: async (resourceId) => {
      forget(resourceId);
      await collection.delete(partition, keyOf(resourceId));
    },
  };
};

const keyOf = (resourceId: string): string => resourceId.toLowerCase();

const digest = (secret: string): string => hash("sha256", secret, "base64url");

const addressOf = (secret: string): string => createHmac("sha256", secret).update("identity address").digest("hex");

/** Readable and unambiguous: resources of several types may share a name. */
const accountName = (resourceId: string): string => {
  const mark = createHash("sha256").update(keyOf(resourceId)).digest("hex").slice(0, 8);
  return `${resourceId.slice(resourceId.lastIndexOf("/") + 1)}-${mark}`;
};
