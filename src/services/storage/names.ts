import { storageFault } from "./faults.ts";

const special = new Set(["$root", "$web", "$logs", "$blobchangefeed"]);
const longestBlobName = 1024;

/**
 * Names of containers and blobs (storage.md 2;
 * https://learn.microsoft.com/rest/api/storageservices/naming-and-referencing-containers--blobs--and-metadata).
 * @throws Fault 400 OutOfRangeInput, InvalidResourceName, InvalidUri
 */
export const checkNames = (container: string, blob: string | undefined): void => {
  if (!special.has(container)) {
    if (container.length < 3 || container.length > 63) throw storageFault("outOfRangeInput");
    if (!/^[a-z0-9](?!.*--)[a-z0-9-]{1,61}[a-z0-9]$/.test(container)) throw storageFault("invalidResourceName");
  }
  if (blob === undefined) return;
  if (blob.length > longestBlobName) throw storageFault("outOfRangeInput");
  if (blob.includes("\0") || !blob.isWellFormed()) throw storageFault("invalidUri");
};
