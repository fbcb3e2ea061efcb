/** Large contents, a file each, named by reference. A file that no row names is an orphan: see `collectOrphans`. */
import { closeSync, fsyncSync, openSync } from "node:fs";
import { open, readdir, unlink, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import type { Sink } from "../receive.ts";

/** Bytes gathered before they are written: fewer, larger writes that overlap with the reading of the next ones. */
const BUFFERED = 1 << 20;

/** Makes a directory's entries durable. Windows does that by itself and refuses to open directories. */
export const syncDirectory = (path: string): void => {
  if (process.platform === "win32") return;
  const descriptor = openSync(path, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
};

const syncDirectoryLater = async (path: string): Promise<void> => {
  if (process.platform === "win32") return;
  const directory = await open(path, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
};

const writeAll = async (file: FileHandle, chunks: readonly Uint8Array[], size: number): Promise<void> => {
  const { bytesWritten } = await file.writev(chunks);
  // A short write is rare (disk nearly full): the rest then goes in one piece, and fails with the true reason.
  if (bytesWritten < size) await file.writeFile(Buffer.concat(chunks).subarray(bytesWritten));
};

export const removeFile = async (path: string): Promise<void> => {
  try {
    await unlink(path);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
  }
};

/** A sink into a new file. The name carries no meaning until a row names it, so no rename is needed. */
export const fileSink = async (directory: string, ref: string): Promise<Sink> => {
  const path = join(directory, ref);
  const file = await open(path, "wx", 0o600);
  let gathered: Uint8Array[] = [];
  let size = 0;
  let writing: Promise<void> = Promise.resolve();
  const write = async (): Promise<void> => {
    const [chunks, length] = [gathered, size];
    gathered = [];
    size = 0;
    await writing;
    writing = writeAll(file, chunks, length);
    // Reported by the next `await writing`.
    writing.catch(() => {});
  };
  return {
    write: (chunk) => {
      gathered.push(chunk);
      size += chunk.byteLength;
      return size >= BUFFERED ? write() : undefined;
    },
    finish: async () => {
      if (size > 0) await write();
      await writing;
      await file.datasync();
      await file.close();
      await syncDirectoryLater(directory);
    },
    abort: async () => {
      await writing.catch(() => {});
      await file.close().catch(() => {});
      await removeFile(path);
    },
  };
};

/**
 * Removes the files that a crash left between file and row, or between row and unlink.
 * @param before Only references older than this are looked at: those of this opening are at work.
 */
export const collectOrphans = async (
  directory: string,
  before: string,
  isNamed: (ref: string) => boolean,
  stopped: () => boolean,
): Promise<void> => {
  for (const ref of await readdir(directory)) {
    if (stopped()) return;
    if (ref < before && !isNamed(ref)) await removeFile(join(directory, ref));
  }
};
