/** Rights on a Cosmos account's data, spelled as native role definitions spell them (cosmos.md 14). */
const own = "Microsoft.DocumentDB/databaseAccounts";
const containers = `${own}/sqlDatabases/containers` as const;

export const dataActions = {
  readMetadata: `${own}/readMetadata`,
  executeQuery: `${containers}/executeQuery`,
  readChangeFeed: `${containers}/readChangeFeed`,
  executeStoredProcedure: `${containers}/executeStoredProcedure`,
  manageConflicts: `${containers}/manageConflicts`,
  createItem: `${containers}/items/create`,
  readItem: `${containers}/items/read`,
  replaceItem: `${containers}/items/replace`,
  upsertItem: `${containers}/items/upsert`,
  deleteItem: `${containers}/items/delete`,
} as const;

export type DataAction = (typeof dataActions)[keyof typeof dataActions];

/**
 * What only account keys open on the data plane: a token is refused with 403/5300 whatever its roles. Spelled as the
 * management plane's actions, which is where a token can do the same.
 */
export const keyActions = {
  readThroughput: `${own}/throughputSettings/read`,
  writeThroughput: `${own}/throughputSettings/write`,
  writeDatabase: `${own}/sqlDatabases/write`,
  deleteDatabase: `${own}/sqlDatabases/delete`,
  writeContainer: `${containers}/write`,
  deleteContainer: `${containers}/delete`,
  readScripts: `${containers}/scripts/read`,
  writeScripts: `${containers}/scripts/write`,
  readUsers: `${own}/sqlDatabases/users/read`,
  writeUsers: `${own}/sqlDatabases/users/write`,
  /** Reading one as well: what is read holds a token. */
  managePermissions: `${own}/sqlDatabases/users/permissions/write`,
} as const;

export type KeyAction = (typeof keyActions)[keyof typeof keyActions];

const keyOnly: ReadonlySet<string> = new Set(Object.values(keyActions));

export const isKeyAction = (action: string): boolean => keyOnly.has(action);

/** What `disableKeyBasedMetadataWriteAccess` takes from keys: everything but data, users and permissions. */
export const isMetadataWrite = (action: string): boolean =>
  isKeyAction(action) && !isReadAction(action) && !action.includes("/users/");

/** What read-only keys open. */
export const isReadAction = (action: string): boolean =>
  /\/(?:read|readMetadata|executeQuery|readChangeFeed)$/.test(action);
