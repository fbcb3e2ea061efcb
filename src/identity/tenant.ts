import type { Ids } from "../kernel/ids.ts";
import { type CollectionSpec, ConditionFailed, type Store } from "../store/store.ts";

/** The identity of a tenant: made once, at the first start on a state folder. */
export interface TenantInfo {
  readonly tenantId: string;
  readonly domain: string;
  readonly displayName: string;
  readonly subscriptionId: string;
  readonly subscriptionName: string;
  /** The seeded developer: a user, and the service principal that the developer's shell signs in with. */
  readonly developerUserId: string;
  readonly developerAppId: string;
  readonly developerServicePrincipalId: string;
}

const spec: CollectionSpec<TenantInfo> = { name: "tenant" };
const partition = "tenant";
const key = "this";

/** Reads the tenant's identity, or makes it. */
export const openTenantInfo = async (store: Store, ids: Ids): Promise<TenantInfo> => {
  const collection = store.collection(spec);
  const known = await collection.get(partition, key);
  if (known !== undefined) return known.value;
  const info: TenantInfo = {
    tenantId: ids.guid(),
    domain: "lanyard.onmicrosoft.com",
    displayName: "Lanyard",
    subscriptionId: ids.guid(),
    subscriptionName: "Lanyard",
    developerUserId: ids.guid(),
    developerAppId: ids.guid(),
    developerServicePrincipalId: ids.guid(),
  };
  try {
    await collection.put(partition, key, info, { ifNoneMatch: "*" });
    return info;
  } catch (error) {
    if (!(error instanceof ConditionFailed)) throw error;
    return openTenantInfo(store, ids);
  }
};
