import type { Entry, Store } from "../store/store.ts";
import { groupIdOf, idKey, subscriptionOf } from "./resource-id.ts";
import { type ResourceRecord, resourceSpec } from "./record.ts";

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
  create(record: ResourceRecord): Promise<void>;
  /** Rewrites a record; runs again when somebody else wrote in between. Undefined: it does not exist. */
  update(id: string, change: (record: ResourceRecord) => ResourceRecord): Promise<ResourceRecord | undefined>;
  remove(id: string): Promise<boolean>;
  readonly subscriptionId: string;
}

const all = 1_000_000;

export const openResources = (store: Store, subscriptionId: string): Resources => {
  const collection = store.collection(resourceSpec);
  const partitionOf = (id: string): string => `resources/${(subscriptionOf(id) ?? "tenant").toLowerCase()}`;
  const own = partitionOf(`/subscriptions/${subscriptionId}`);
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
    create: async (record) => {
      await collection.put(partitionOf(record.id), idKey(record.id), record, { ifNoneMatch: "*" });
    },
    update: (id, change) =>
      store.transact([partitionOf(id)], async (tx) => {
        const rows = tx.collection(resourceSpec);
        const found = await rows.get(partitionOf(id), idKey(id));
        if (found === undefined) return undefined;
        return (await rows.put(partitionOf(id), idKey(id), change(found.value))).value;
      }),
    remove: (id) => collection.delete(partitionOf(id), idKey(id)),
  };
};

/** The group that a resource lies in exists? */
export const groupExists = async (resources: Resources, id: string): Promise<boolean> => {
  const group = groupIdOf(id);
  return group === undefined || (await resources.get(group)) !== undefined;
};
