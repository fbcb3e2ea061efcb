import type { Resources } from "../../arm/resources.ts";
import { type Vault, vaultOf, vaultType } from "./vault.ts";

/** Vaults as the data plane sees them, by name in any letter case; in memory until their resource changes. */
export interface Vaults {
  named(name: string): Promise<Vault | undefined>;
  /** The resource was written or deleted: settings and policies take effect with the next request. */
  changed(name: string): void;
}

const remembered = 1000;

export const openVaults = (resources: Pick<Resources, "named">): Vaults => {
  const kept = new Map<string, Vault>();
  let changes = 0;
  return {
    named: async (name) => {
      const key = name.toLowerCase();
      const known = kept.get(key);
      if (known !== undefined) return known;
      const before = changes;
      const record = await resources.named(vaultType, key);
      if (record === undefined) return undefined;
      const vault = vaultOf(record);
      // What was read while somebody wrote may be the old one.
      if (changes === before) {
        if (kept.size >= remembered) kept.delete(kept.keys().next().value ?? "");
        kept.set(key, vault);
      }
      return vault;
    },
    changed: (name) => {
      changes++;
      kept.delete(name.toLowerCase());
    },
  };
};
