import type { CollectionSpec, Store } from "../../store/store.ts";
import { accountPartition } from "./engine/records.ts";

/** The blob service's own settings, shared by the data plane and by ARM's `blobServices/default`. */
export interface CorsRule {
  readonly origins: readonly string[];
  readonly methods: readonly string[];
  readonly allowedHeaders: readonly string[];
  readonly exposedHeaders: readonly string[];
  readonly maxAge: number;
}

export interface ServiceProperties {
  readonly cors?: readonly CorsRule[];
  readonly defaultServiceVersion?: string;
  readonly staticWebsite?: { readonly enabled: boolean; readonly index?: string; readonly error?: string };
}

const spec: CollectionSpec<ServiceProperties> = { name: "blob-service-properties" };
const key = "default";

export const readServiceProperties = async (store: Store, account: string): Promise<ServiceProperties> =>
  (await store.collection(spec).get(accountPartition(account), key))?.value ?? {};

/** Members that `change` leaves out stay. */
export const changeServiceProperties = (
  store: Store,
  account: string,
  change: ServiceProperties,
): Promise<ServiceProperties> =>
  store.transact([accountPartition(account)], async (tx) => {
    const rows = tx.collection(spec);
    const kept = (await rows.get(accountPartition(account), key))?.value ?? {};
    const changed = { ...kept, ...change };
    await rows.put(accountPartition(account), key, changed);
    return changed;
  });
