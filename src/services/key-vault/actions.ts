/**
 * The rights of the vault data plane: data actions as role definitions spell them, and beside each the permission of an
 * access policy that grants the same (access.md 3.4).
 */
const vaults = "Microsoft.KeyVault/vaults";

export const dataActions = {
  getSecret: `${vaults}/secrets/getSecret/action`,
  readSecretMetadata: `${vaults}/secrets/readMetadata/action`,
  setSecret: `${vaults}/secrets/setSecret/action`,
  updateSecret: `${vaults}/secrets/update/action`,
  deleteSecret: `${vaults}/secrets/delete`,
  backupSecret: `${vaults}/secrets/backup/action`,
  restoreSecret: `${vaults}/secrets/restore/action`,
  recoverSecret: `${vaults}/secrets/recover/action`,
  purgeSecret: `${vaults}/secrets/purge/action`,
  readKey: `${vaults}/keys/read`,
  createKey: `${vaults}/keys/create/action`,
  importKey: `${vaults}/keys/import/action`,
  updateKey: `${vaults}/keys/update/action`,
  deleteKey: `${vaults}/keys/delete`,
  backupKey: `${vaults}/keys/backup/action`,
  restoreKey: `${vaults}/keys/restore/action`,
  recoverKey: `${vaults}/keys/recover/action`,
  purgeKey: `${vaults}/keys/purge/action`,
  encrypt: `${vaults}/keys/encrypt/action`,
  decrypt: `${vaults}/keys/decrypt/action`,
  wrap: `${vaults}/keys/wrap/action`,
  unwrap: `${vaults}/keys/unwrap/action`,
  sign: `${vaults}/keys/sign/action`,
  verify: `${vaults}/keys/verify/action`,
  releaseKey: `${vaults}/keys/release/action`,
  rotateKey: `${vaults}/keys/rotate/action`,
  readRotationPolicy: `${vaults}/keyrotationpolicies/read`,
  writeRotationPolicy: `${vaults}/keyrotationpolicies/write`,
  readCertificate: `${vaults}/certificates/read`,
  createCertificate: `${vaults}/certificates/create/action`,
  importCertificate: `${vaults}/certificates/import/action`,
  updateCertificate: `${vaults}/certificates/update/action`,
  deleteCertificate: `${vaults}/certificates/delete`,
  backupCertificate: `${vaults}/certificates/backup/action`,
  restoreCertificate: `${vaults}/certificates/restore/action`,
  recoverCertificate: `${vaults}/certificates/recover/action`,
  purgeCertificate: `${vaults}/certificates/purge/action`,
  writeContacts: `${vaults}/certificatecontacts/write`,
  readIssuer: `${vaults}/certificatecas/read`,
  writeIssuer: `${vaults}/certificatecas/write`,
  deleteIssuer: `${vaults}/certificatecas/delete`,
} as const;

export type VaultDataAction = (typeof dataActions)[keyof typeof dataActions];

/** Kinds of objects in a vault, spelled as addresses, scopes and access policies spell them. */
export type ObjectKind = "secrets" | "keys" | "certificates";

/** What an access policy must grant: one of these permissions for the kind. */
export interface PolicyNeed {
  readonly kind: ObjectKind;
  readonly anyOf: readonly string[];
}

/** Permissions that a policy may name, by kind; `all` stands for every one of them. */
export const permissions: Readonly<Record<ObjectKind | "storage", readonly string[]>> = {
  secrets: ["all", "get", "list", "set", "delete", "backup", "restore", "recover", "purge"],
  keys: [
    "all",
    "encrypt",
    "decrypt",
    "wrapkey",
    "unwrapkey",
    "sign",
    "verify",
    "get",
    "list",
    "create",
    "update",
    "import",
    "delete",
    "backup",
    "restore",
    "recover",
    "purge",
    "release",
    "rotate",
    "getrotationpolicy",
    "setrotationpolicy",
  ],
  certificates: [
    "all",
    "get",
    "list",
    "delete",
    "create",
    "import",
    "update",
    "managecontacts",
    "getissuers",
    "listissuers",
    "setissuers",
    "deleteissuers",
    "manageissuers",
    "recover",
    "purge",
    "backup",
    "restore",
  ],
  storage: [
    "all",
    "get",
    "list",
    "delete",
    "set",
    "update",
    "regeneratekey",
    "recover",
    "purge",
    "backup",
    "restore",
    "setsas",
    "listsas",
    "getsas",
    "deletesas",
  ],
};
