import { nameOf, parentOf } from "../../arm/resource-id.ts";

/** What a connection leads to. Ids as written in `targetService.id` (app-service.md 5.1). */
export type Target =
  | { readonly kind: "postgres"; readonly resourceId: string; readonly server: string; readonly database: string }
  | { readonly kind: "storage"; readonly resourceId: string; readonly account: string; readonly service: StorageKind }
  | { readonly kind: "vault"; readonly resourceId: string; readonly vault: string };

export type StorageKind = "blob" | "queue" | "table";

const database = /\/providers\/Microsoft\.DBforPostgreSQL\/flexibleServers\/[^/]+\/databases\/[^/]+$/i;
const storage = /\/providers\/Microsoft\.Storage\/storageAccounts\/[^/]+\/(blob|queue|table)Services\/default$/i;

const vault = /\/providers\/Microsoft\.KeyVault\/vaults\/[^/]+$/i;

/**
 * Reads a target id; undefined when it is no kind of target that Lanyard connects to. Paths of operations are made of it,
 * some of them later and on another's authority: text that would end the path early is no id.
 */
export const targetOf = (id: string): Target | undefined => {
  if (/[?#]/.test(id)) return undefined;
  if (database.test(id))
    return { kind: "postgres", resourceId: id, server: nameOf(parentOf(id)), database: nameOf(id) };
  if (vault.test(id)) return { kind: "vault", resourceId: id, vault: nameOf(id) };
  const service = storage.exec(id)?.[1]?.toLowerCase();
  if (service === undefined) return undefined;
  const account = parentOf(id);
  return { kind: "storage", resourceId: account, account: nameOf(account), service: service as StorageKind };
};

/** Two connections of one source to the same kind need the connection's name in their settings' names. */
export const targetType = (target: Target): string => {
  switch (target.kind) {
    case "postgres":
      return "POSTGRESQL";
    case "storage":
      return `STORAGE${target.service.toUpperCase()}`;
    case "vault":
      return "KEYVAULT";
  }
};
