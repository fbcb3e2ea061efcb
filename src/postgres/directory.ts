/** The tenant's principals as a file on the cluster, for `pgaadauth_create_principal`, which looks up by name. */
import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { directoryFile } from "./role-sql.ts";
import type { ServerUser } from "./server-user.ts";

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
  user: ServerUser,
  dataDirectory: string,
  read: () => Directory | Promise<Directory>,
): (() => Promise<void>) => {
  let written = "";
  let queue: Promise<void> = Promise.resolve();
  const write = async (): Promise<void> => {
    const { tenantId, principals } = await read();
    const text = JSON.stringify({ tenantId, principals });
    if (text === written) return;
    const file = join(dataDirectory, directoryFile);
    // Only the superuser's functions read it; renamed into place, since they may read at any moment.
    await writeFile(`${file}.new`, text, { mode: 0o600 });
    await user.give(`${file}.new`);
    await rename(`${file}.new`, file);
    written = text;
  };
  return async () => {
    queue = queue.catch(() => {}).then(write);
    return queue;
  };
};
