import { createCipheriv, createDecipheriv } from "node:crypto";
import { objectOf } from "../../arm/record.ts";
import type { CollectionSpec } from "../../store/store.ts";
import type { ObjectKind } from "./actions.ts";
import type { Engine, ObjectRecord, VersionRecord } from "./engine.ts";
import { vaultFault } from "./faults.ts";

/** What a backup holds: the object with all its versions, for certificates their keys and secrets too. */
export interface Backup {
  readonly objects: readonly ObjectRecord[];
  readonly versions: readonly VersionRecord[];
}

const spec: CollectionSpec<{ readonly key: string }> = { name: "vault-backup-keys", sealed: ["key"] };
const partition = "vault-backup";

/** The key that backups are sealed with: one for the tenant, so that they restore into any of its vaults and nowhere else. */
const backupKey = async ({ store, ids }: Engine): Promise<Buffer> => {
  const key = await store.transact([partition], async (tx) => {
    const rows = tx.collection(spec);
    const known = await rows.get(partition, "key");
    return (known ?? (await rows.put(partition, "key", { key: ids.bytes(32).toString("base64") }))).value.key;
  });
  return Buffer.from(key, "base64");
};

/** The opaque, sealed blob of a backup (AES-256-GCM), bound to its kind. */
export const sealBackup = async (engine: Engine, kind: ObjectKind, backup: Backup): Promise<string> => {
  const nonce = engine.ids.bytes(12);
  const cipher = createCipheriv("aes-256-gcm", await backupKey(engine), nonce);
  cipher.setAAD(Buffer.from(kind));
  const sealed = [nonce, cipher.update(JSON.stringify(backup), "utf8"), cipher.final(), cipher.getAuthTag()];
  return Buffer.concat(sealed).toString("base64url");
};

/** @throws Fault 400 for anything but a backup of this kind from this tenant */
export const openBackup = async (engine: Engine, kind: ObjectKind, blob: string): Promise<Backup> => {
  const bytes = Buffer.from(blob, "base64url");
  const key = await backupKey(engine);
  try {
    const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(0, 12), { authTagLength: 16 });
    decipher.setAAD(Buffer.from(kind));
    decipher.setAuthTag(bytes.subarray(-16));
    const text = decipher.update(bytes.subarray(12, -16), undefined, "utf8") + decipher.final("utf8");
    // Sealed by us, so it has the shape that we gave it.
    return objectOf(JSON.parse(text)) as unknown as Backup;
  } catch {
    throw vaultFault("badBackup");
  }
};
