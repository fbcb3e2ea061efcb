import { recent } from "../../arm/recent.ts";
import type { Resources } from "../../arm/resources.ts";
import type { Eventually } from "../../kernel/eventually.ts";
import { type Vault, vaultOf, vaultType } from "./vault.ts";

/** Vaults as the data plane sees them, by name in any letter case; in memory until their resource changes. */
export interface Vaults {
  named(name: string): Eventually<Vault | undefined>;
  /** The resource was written or deleted: settings and policies take effect with the next request. */
  changed(name: string): void;
}

export const openVaults = (resources: Pick<Resources, "named">): Vaults => {
  const kept = recent(1000, async (name) => {
    const record = await resources.named(vaultType, name);
    return record === undefined ? undefined : vaultOf(record);
  });
  return { named: (name) => kept.get(name.toLowerCase()), changed: (name) => kept.forget(name.toLowerCase()) };
};
