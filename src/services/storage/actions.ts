/**
 * The rights of the blob data plane, spelled as role definitions spell them (storage.md 3, 5.2). Container rights are
 * actions; only what lies below `blobs/` is a data action.
 */
const blobServices = "Microsoft.Storage/storageAccounts/blobServices";
const containers = `${blobServices}/containers`;
const blobs = `${containers}/blobs`;

export const actions = {
  serviceRead: `${blobServices}/read`,
  serviceWrite: `${blobServices}/write`,
  accountInfo: `${blobServices}/getInfo/action`,
  delegationKey: `${blobServices}/generateUserDelegationKey/action`,
  containerRead: `${containers}/read`,
  containerWrite: `${containers}/write`,
  containerDelete: `${containers}/delete`,
  getAcl: `${containers}/getAcl/action`,
  setAcl: `${containers}/setAcl/action`,
} as const;

export const dataActions = {
  read: `${blobs}/read`,
  write: `${blobs}/write`,
  add: `${blobs}/add/action`,
  delete: `${blobs}/delete`,
  tagsRead: `${blobs}/tags/read`,
  tagsWrite: `${blobs}/tags/write`,
  filter: `${blobs}/filter/action`,
} as const;

export type BlobAction = (typeof actions)[keyof typeof actions];
export type BlobDataAction = (typeof dataActions)[keyof typeof dataActions];
