import type { ResourceRecord } from "../../arm/record.ts";
import type { Resources } from "../../arm/resources.ts";
import type { CollectionSpec } from "../../store/store.ts";
import type { Engine } from "./engine.ts";
import { retentionOf, vaultOf, vaultType } from "./vault.ts";

/** A deleted vault: what it was, and when (milliseconds, tenant clock) it was deleted and will be purged. */
export interface DeletedVault {
  readonly record: ResourceRecord;
  readonly at: number;
  readonly purgeAt: number;
}

const spec: CollectionSpec<DeletedVaultRow> = { name: "deleted-vaults", sealed: ["record"] };
type DeletedVaultRow = DeletedVault;
const partition = "deleted-vaults";

/** Vaults in their soft-delete period, by name. Their objects stay where they are. */
export interface Graveyard {
  bury(record: ResourceRecord): Promise<void>;
  find(name: string): Promise<DeletedVault | undefined>;
  all(): Promise<readonly DeletedVault[]>;
  /** The vault lives again: only the entry goes. */
  release(name: string): Promise<void>;
  /** The vault and all its objects are gone after this. */
  purge(name: string): Promise<void>;
}

export const openGraveyard = (engine: Engine, resources: Pick<Resources, "named">): Graveyard => {
  const rows = engine.store.collection(spec);
  const key = (name: string): string => name.toLowerCase();

  const drop = async (name: string, { record }: DeletedVault): Promise<void> => {
    await engine.drop(vaultOf(record).uid);
    await rows.delete(partition, key(name));
  };

  /** What counts of an entry: a process that died between two steps leaves the vault in both places, and then it lives. */
  const standing = async (name: string, vault: DeletedVault): Promise<DeletedVault | undefined> => {
    const live = await resources.named(vaultType, name);
    if (live !== undefined && vaultOf(live).uid === vaultOf(vault.record).uid) return undefined;
    if (vault.purgeAt > engine.clock.now()) return vault;
    await drop(name, vault);
    return undefined;
  };

  return {
    bury: async (record) => {
      const at = engine.clock.now();
      await rows.put(partition, key(record.name), {
        record,
        at,
        purgeAt: at + retentionOf(record.properties) * 86_400_000,
      });
    },
    find: async (name) => {
      const found = (await rows.get(partition, key(name)))?.value;
      return found === undefined ? undefined : standing(name, found);
    },
    all: async () => {
      const found: DeletedVault[] = [];
      for (const { key, value } of await rows.list(partition, { limit: 10_000 })) {
        const vault = await standing(key, value);
        if (vault !== undefined) found.push(vault);
      }
      return found;
    },
    release: async (name) => {
      await rows.delete(partition, key(name));
    },
    purge: async (name) => {
      const found = (await rows.get(partition, key(name)))?.value;
      if (found !== undefined) await drop(name, found);
    },
  };
};
