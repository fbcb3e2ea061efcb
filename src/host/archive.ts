/**
 * Zip archives as deployments send them. The whole directory of the archive is judged before anything is written:
 * what is refused leaves no trace. Kudu extracts to /tmp/zipdeploy/extracted with `chmod -R 777`; we keep the
 * executable bit instead and drop everything else (setuid, group and world write).
 */
import { createHash } from "node:crypto";
import { mkdir, open, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { crc32 } from "node:zlib";
import { type Entry, type ZipFile, getFileNameLowLevel, openPromise } from "yauzl";

/** The archive itself is unacceptable. The message is for the deployment log and names the entry. */
export class ArchiveRefused extends Error {
  override readonly name = "ArchiveRefused";
}

export interface ArchiveLimits {
  readonly entries: number;
  /** Sum of the uncompressed sizes, in bytes. */
  readonly bytes: number;
  /** Uncompressed to compressed size; judged only above `ratioFrom` bytes, so that small text files never trip it. */
  readonly ratio: number;
  readonly ratioFrom: number;
}

/** 2048 MB of zip is Azure's limit for zip deploy; real trees expand by less than ten times, deflate by at most 1032. */
export const archiveLimits: ArchiveLimits = {
  entries: 200_000,
  bytes: 4 * 1024 ** 3,
  ratio: 200,
  ratioFrom: 32 * 1024 ** 2,
};

export interface ArchiveItem {
  /** Normal form: `/` between segments, no leading or trailing slash. */
  readonly path: string;
  readonly directory: boolean;
  readonly executable: boolean;
}

interface Plan extends ArchiveItem {
  readonly entry: Entry;
}

const maxSegmentBytes = 255;
const maxPathBytes = 1024;
const controlCharacters = /\p{Cc}/u;

/**
 * An entry's name in normal form, or undefined for the archive's own root (`./`).
 * @throws ArchiveRefused for names that could leave the folder or mean two things.
 */
export const safePath = (name: string): string | undefined => {
  const refuse = (reason: string): never => {
    throw new ArchiveRefused(`The archive was refused: entry ${JSON.stringify(name.slice(0, 200))} ${reason}.`);
  };
  if (name === "") refuse("has no name");
  if (controlCharacters.test(name)) refuse("has a control character in its name");
  if (name.includes("\\")) refuse("has a backslash in its name; zip it again with forward slashes");
  if (name.startsWith("/") || /^[A-Za-z]:/.test(name)) refuse("has an absolute path");
  const bare = name.endsWith("/") ? name.slice(0, -1) : name;
  const segments = bare.split("/");
  if (segments.includes("..")) refuse("climbs out of the archive with '..'");
  if (segments.includes("")) refuse("has an empty part in its path");
  const kept = segments.filter((segment) => segment !== ".");
  if (kept.length === 0) return undefined;
  const path = kept.join("/");
  if (Buffer.byteLength(path) > maxPathBytes) refuse(`has a path longer than ${maxPathBytes} bytes`);
  if (kept.some((segment) => Buffer.byteLength(segment) > maxSegmentBytes)) {
    refuse(`has a name longer than ${maxSegmentBytes} bytes`);
  }
  return path;
};

/** Two names that some file system takes for one. */
const folded = (path: string): string => path.normalize("NFC").toLowerCase();

const fileTypes: Readonly<Record<number, string>> = {
  0o120000: "is a symbolic link",
  0o020000: "is a character device",
  0o060000: "is a block device",
  0o010000: "is a named pipe",
  0o140000: "is a socket",
};

const planEntry = (entry: Entry): Plan | undefined => {
  const name = getFileNameLowLevel(entry.generalPurposeBitFlag, entry.fileNameRaw, entry.extraFields, true);
  const path = safePath(name);
  if (path === undefined) return undefined;
  const refuse = (reason: string): never => {
    throw new ArchiveRefused(`The archive was refused: entry '${path}' ${reason}.`);
  };
  // Upper 16 bits: Unix mode, whatever system the archive says it was made on (APPNOTE 4.4.15).
  const mode = entry.externalFileAttributes >>> 16;
  const wrong = fileTypes[mode & 0o170000];
  if (wrong !== undefined) refuse(wrong);
  if (entry.isEncrypted()) refuse("is encrypted");
  if (entry.compressionMethod !== 0 && entry.compressionMethod !== 8) {
    refuse(`uses compression method ${entry.compressionMethod}; only stored and deflated entries are read`);
  }
  const directory = name.endsWith("/") || (mode & 0o170000) === 0o040000;
  if (directory && entry.uncompressedSize > 0) refuse("is a directory with content");
  return { entry, path, directory, executable: (mode & 0o111) !== 0 || path.endsWith(".sh") };
};

/** Refuses a second meaning for one path: same name twice, names that differ by case only, a file used as a folder. */
const checkCollisions = (plan: readonly Plan[]): void => {
  const seen = new Map<string, Plan>();
  for (const item of plan) {
    const earlier = seen.get(folded(item.path));
    if (earlier !== undefined) {
      const how = earlier.path === item.path ? "appears twice" : `differs from '${earlier.path}' by case only`;
      throw new ArchiveRefused(`The archive was refused: entry '${item.path}' ${how}.`);
    }
    seen.set(folded(item.path), item);
  }
  const folders = new Map<string, string>();
  for (const item of plan) {
    for (let parent = dirname(item.path); parent !== "."; parent = dirname(parent)) {
      const key = folded(parent);
      const spelled = folders.get(key) ?? seen.get(key)?.path ?? parent;
      if (spelled !== parent) {
        throw new ArchiveRefused(`The archive was refused: folder '${parent}' differs from '${spelled}' by case only.`);
      }
      folders.set(key, parent);
      if (seen.get(key)?.directory === false) {
        throw new ArchiveRefused(`The archive was refused: '${parent}' is both a file and a folder.`);
      }
    }
  }
};

const readPlan = async (zip: ZipFile, zipBytes: number, limits: ArchiveLimits): Promise<Plan[]> => {
  if (zip.entryCount > limits.entries) {
    throw new ArchiveRefused(`The archive was refused: it has more than ${limits.entries} entries.`);
  }
  const plan: Plan[] = [];
  let total = 0;
  let compressed = 0;
  for await (const entry of zip.eachEntry()) {
    total += entry.uncompressedSize;
    compressed += entry.compressedSize;
    if (total > limits.bytes) {
      throw new ArchiveRefused(`The archive was refused: it expands to more than ${limits.bytes} bytes.`);
    }
    const item = planEntry(entry);
    if (item !== undefined) plan.push(item);
  }
  // Entries that share bytes are how small archives expand without bound (David Fifield, "A better zip bomb").
  if (compressed > zipBytes) throw new ArchiveRefused("The archive was refused: its entries overlap.");
  if (total > limits.ratioFrom && total > limits.ratio * zipBytes) {
    throw new ArchiveRefused(`The archive was refused: it expands to more than ${limits.ratio} times its size.`);
  }
  checkCollisions(plan);
  return plan;
};

/** Every failure of the zip reader is a fault of the archive; failures of the disk are not. */
const asRefusal = (error: unknown): unknown => {
  if (error instanceof ArchiveRefused || (error instanceof Error && "syscall" in error)) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new ArchiveRefused(`The archive was refused: it is no readable zip file (${reason}).`);
};

const withArchive = async <R>(path: string, limits: ArchiveLimits, use: (zip: ZipFile, plan: Plan[]) => Promise<R>) => {
  const { size } = await stat(path);
  let zip: ZipFile | undefined;
  try {
    zip = await openPromise(path, { lazyEntries: true, autoClose: false, decodeStrings: false });
    return await use(zip, await readPlan(zip, size, limits));
  } catch (error) {
    throw asRefusal(error);
  } finally {
    zip?.close();
  }
};

/** What an archive holds, judged by the same rules as extraction, without writing. @throws ArchiveRefused */
export const inspectArchive = (path: string, limits: ArchiveLimits = archiveLimits): Promise<ArchiveItem[]> =>
  withArchive(path, limits, async (_zip, plan) =>
    plan.map(({ path: itemPath, directory, executable }) => ({ path: itemPath, directory, executable })),
  );

const writeEntry = async (zip: ZipFile, item: Plan, target: string): Promise<string> => {
  const hash = createHash("sha256");
  let sum = 0;
  const file = await open(target, "wx", item.executable ? 0o755 : 0o644);
  try {
    for await (const chunk of await zip.openReadStreamPromise(item.entry)) {
      const bytes = chunk as Buffer;
      hash.update(bytes);
      sum = crc32(bytes, sum);
      await file.writeFile(bytes);
    }
    await file.chmod(item.executable ? 0o755 : 0o644);
  } finally {
    await file.close();
  }
  if (sum !== item.entry.crc32) {
    throw new ArchiveRefused(`The archive was refused: the content of '${item.path}' does not match its checksum.`);
  }
  return hash.digest("hex");
};

export interface Extracted {
  /** SHA-256 over paths, executable bits and contents in path order: equal for equal trees, however they were zipped. */
  readonly contentHash: string;
  readonly files: number;
}

/**
 * Extracts into an existing folder that holds nothing else and that only we can write.
 * @param path the zip file. @throws ArchiveRefused before the first write, save for broken contents.
 */
export const extractArchive = (
  path: string,
  folder: string,
  limits: ArchiveLimits = archiveLimits,
): Promise<Extracted> =>
  withArchive(path, limits, async (zip, plan) => {
    const lines: string[] = [];
    const made = new Set<string>();
    const makeFolder = async (relative: string) => {
      if (made.has(relative)) return;
      await mkdir(join(folder, relative), { recursive: true, mode: 0o755 });
      made.add(relative);
    };
    for (const item of plan) {
      if (item.directory) {
        await makeFolder(item.path);
        continue;
      }
      await makeFolder(dirname(item.path));
      const digest = await writeEntry(zip, item, join(folder, item.path));
      lines.push(`${item.path}\0${item.executable ? "x" : "-"}\0${digest}`);
    }
    lines.sort();
    return { contentHash: createHash("sha256").update(lines.join("\n")).digest("hex"), files: lines.length };
  });
