import { directoryPartition, principalSpec, type ServicePrincipal } from "../identity/principals.ts";
import type { Entry, Store, Transaction } from "../store/store.ts";
import { groupIdOf, idKey, subscriptionOf } from "./resource-id.ts";
import { type ResourceRecord, resourceSpec } from "./record.ts";
import { openTurns } from "./turns.ts";

/** A write of one resource with the managed identities that come and go with it: all of it happens, or nothing. */
export interface Commit {
  readonly record: ResourceRecord;
  /** Etag of the record that the change was worked out from; undefined: there must be none yet. */
  readonly etag: string | undefined;
  /** Ids of the group and the parent that a new resource stands in; both must still be there, and not on their way out. */
  readonly within: readonly string[];
  /** Identities that begin with this write. */
  readonly joining: readonly ServicePrincipal[];
  /** Object ids of identities that end with it. */
  readonly leaving: readonly string[];
}

/** What a new resource was to stand in is gone or being deleted. */
export class ScopeGone extends Error {
  readonly id: string;
  constructor(id: string) {
    super(`${id} is gone or being deleted.`);
    this.name = "ScopeGone";
    this.id = id;
  }
}

/** All a tenant's management resources: read by services to find accounts, sites and servers by id or by name. */
export interface Resources {
  get(id: string): Promise<ResourceRecord | undefined>;
  entry(id: string): Promise<Entry<ResourceRecord> | undefined>;
  /** Direct or deeper resources below an id or group, optionally of one type; in id order. */
  below(id: string, type?: string): Promise<readonly ResourceRecord[]>;
  /** All of a type in a subscription. */
  ofType(subscriptionId: string, type: string): Promise<readonly ResourceRecord[]>;
  /** The resource of a type whose name is unique across the tenant (storage accounts, sites, servers, vaults). */
  named(type: string, name: string): Promise<ResourceRecord | undefined>;
  /** Writes a record, `etag` compare-and-set when given. @throws ConditionFailed */
  put(record: ResourceRecord, etag?: string): Promise<void>;
  /** @throws ConditionFailed when somebody else wrote in between; ScopeGone */
  commit(change: Commit): Promise<void>;
  /** Rewrites a record; runs again when somebody else wrote in between. Undefined: it does not exist. */
  update(id: string, change: (record: ResourceRecord) => ResourceRecord): Promise<ResourceRecord | undefined>;
  /** Removes a record and the identities that belong to it. */
  remove(id: string): Promise<boolean>;
  /** Runs changes of one resource one after the other, so that a deletion's effects never meet a successor's. */
  inTurn<R>(id: string, work: () => Promise<R>): Promise<R>;
  readonly subscriptionId: string;
}

const all = 1_000_000;

export const openResources = (store: Store, subscriptionId: string): Resources => {
  const collection = store.collection(resourceSpec);
  const partitionOf = (id: string): string => `resources/${(subscriptionOf(id) ?? "tenant").toLowerCase()}`;
  const own = partitionOf(`/subscriptions/${subscriptionId}`);
  const turns = openTurns();
  const entry = (id: string): Promise<Entry<ResourceRecord> | undefined> => collection.get(partitionOf(id), idKey(id));
  return {
    subscriptionId,
    entry,
    get: async (id) => (await entry(id))?.value,
    below: async (id, type) => {
      const found = await collection.list(partitionOf(id), { prefix: `${idKey(id)}/`, limit: all });
      const wanted = type?.toLowerCase();
      return found
        .map(({ value }) => value)
        .filter((value) => wanted === undefined || value.type.toLowerCase() === wanted);
    },
    ofType: async (subscription, type) =>
      (
        await collection.find(partitionOf(`/subscriptions/${subscription}`), "type", type.toLowerCase(), { limit: all })
      ).map(({ value }) => value),
    named: async (type, name) =>
      (await collection.find(own, "globalName", `${type}/${name}`.toLowerCase(), { limit: 1 }))[0]?.value,
    put: async (record, etag) => {
      await collection.put(
        partitionOf(record.id),
        idKey(record.id),
        record,
        etag === undefined ? undefined : { ifMatch: etag },
      );
    },
    commit: ({ record, etag, within, joining, leaving }) => {
      const partition = partitionOf(record.id);
      const identities = etag === undefined || joining.length > 0 || leaving.length > 0;
      return store.transact(identities ? [partition, directoryPartition] : [partition], async (tx) => {
        const rows = tx.collection(resourceSpec);
        for (const id of within) {
          const around = (await rows.get(partition, idKey(id)))?.value;
          if (around === undefined || around.properties["provisioningState"] === "Deleting") throw new ScopeGone(id);
        }
        const condition = etag === undefined ? ({ ifNoneMatch: "*" } as const) : { ifMatch: etag };
        await rows.put(partition, idKey(record.id), record, condition);
        // A new resource begins without identities, whatever a namesake left.
        if (etag === undefined) await removeIdentities(tx, record.id);
        const principals = tx.collection(principalSpec);
        for (const objectId of leaving) await principals.delete(directoryPartition, objectId);
        for (const each of joining) await principals.put(directoryPartition, each.objectId, each);
      });
    },
    update: (id, change) =>
      store.transact([partitionOf(id)], async (tx) => {
        const rows = tx.collection(resourceSpec);
        const found = await rows.get(partitionOf(id), idKey(id));
        if (found === undefined) return undefined;
        return (await rows.put(partitionOf(id), idKey(id), change(found.value))).value;
      }),
    remove: (id) =>
      store.transact([partitionOf(id), directoryPartition], async (tx) => {
        await removeIdentities(tx, id);
        return tx.collection(resourceSpec).delete(partitionOf(id), idKey(id));
      }),
    inTurn: (id, work) => turns(idKey(id), work),
  };
};

/** The identities of a resource: its system-assigned one, or itself when it is a user-assigned one. */
const removeIdentities = async (tx: Transaction, resourceId: string): Promise<void> => {
  const principals = tx.collection(principalSpec);
  for (const { key } of await principals.find(directoryPartition, "resourceId", resourceId.toLowerCase()))
    await principals.delete(directoryPartition, key);
};

/** The group that a resource lies in exists? */
export const groupExists = async (resources: Resources, id: string): Promise<boolean> => {
  const group = groupIdOf(id);
  return group === undefined || (await resources.get(group)) !== undefined;
};
