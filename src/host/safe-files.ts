/**
 * Reading and writing inside folders that an app owns, while we may be root: never through a link that the app put
 * there, never into a pipe, never more than a limit. Safe for direct children of a folder whose own parents the app
 * cannot change.
 */
import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { chown, lchown, lstat, open, readdir, rename, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { AppUser } from "./isolation.ts";

/** The text of a regular file, or undefined when there is none (a link and a directory count as none). */
export const readRegular = async (path: string, limit = 1024 * 1024): Promise<string | undefined> => {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const info = await file.stat();
      if (!info.isFile() || info.size > limit) return undefined;
      return await file.readFile("utf8");
    } finally {
      await file.close();
    }
  } catch {
    return undefined;
  }
};

export const isRegular = async (path: string): Promise<boolean> =>
  lstat(path).then(
    (info) => info.isFile(),
    () => false,
  );

export const isFolder = async (path: string): Promise<boolean> =>
  lstat(path).then(
    (info) => info.isDirectory(),
    () => false,
  );

/** Names in a folder, sorted; none when it cannot be read. */
export const namesIn = async (folder: string): Promise<string[]> =>
  (await readdir(folder).catch((): string[] => [])).toSorted((a, b) => (a < b ? -1 : 1));

/** Writes a new file in the place of whatever the name is now. */
export const writeRegular = async (path: string, text: string, user?: AppUser, mode = 0o644): Promise<void> => {
  await unlink(path).catch(() => undefined);
  const file = await open(path, "wx", mode);
  try {
    await file.writeFile(text);
    if (user !== undefined) await file.chown(user.uid, user.uid);
  } finally {
    await file.close();
  }
};

/** Replaces a file of our own so that a crash leaves the old or the new one, on disk. */
export const writeDurably = async (path: string, text: string): Promise<void> => {
  const temporary = `${path}.${randomBytes(6).toString("hex")}`;
  const file = await open(temporary, "wx", 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
  const folder = await open(dirname(path), "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
};

/** Hands a tree that only we could write so far to an app's user. */
export const giveTree = async (path: string, user: AppUser | undefined): Promise<void> => {
  if (user === undefined) return;
  for (const item of await readdir(path, { withFileTypes: true })) {
    const child = join(path, item.name);
    if (item.isDirectory()) await giveTree(child, user);
    else await lchown(child, user.uid, user.uid);
  }
  await chown(path, user.uid, user.uid);
};
