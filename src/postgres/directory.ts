/** The tenant's principals as a file on the cluster, for `pgaadauth_create_principal`, which looks up by name. */
import { join } from "node:path";
import { directoryFile } from "./role-sql.ts";
import { writeOwned, type Runner } from "./run.ts";

export interface Directory {
  readonly tenantId: string;
  readonly principals: readonly DirectoryPrincipal[];
}

export interface DirectoryPrincipal {
  /** UPN of a user (guests with `#EXT#`), display name of a group, application or managed identity. */
  readonly name: string;
  readonly objectId: string;
  readonly type: "user" | "group" | "service";
}

/** @returns a function that writes the file when the directory differs from what was written last. */
export const directoryWriter = (
  runner: Runner,
  dataDirectory: string,
  read: () => Directory | Promise<Directory>,
): (() => Promise<void>) => {
  let written = "";
  let queue: Promise<void> = Promise.resolve();
  const write = async (): Promise<void> => {
    const { tenantId, principals } = await read();
    const text = JSON.stringify({ tenantId, principals });
    if (text === written) return;
    // Only the superuser's functions read it; renamed into place, since they may read at any moment.
    await writeOwned(runner, join(dataDirectory, directoryFile), text);
    written = text;
  };
  return async () => {
    queue = queue.catch(() => {}).then(write);
    return queue;
  };
};
