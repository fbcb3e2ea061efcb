/**
 * The folders of one app and the record of its releases.
 *
 *     <apps>/<name-hash>/   ours, others may pass (0711)
 *       app.json            ours alone: user, releases, which one is active
 *       releases/<key>/     a deployed and built tree; the app's
 *       home/ tmp/ cache/   the app's
 *       logs/               ours: an app must not plant links where we write
 */
import { createHash } from "node:crypto";
import { chmod, chown, lstat, mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { AppUser, Isolation } from "./isolation.ts";
import { giveTree, writeDurably } from "./safe-files.ts";

export interface Release {
  readonly key: string;
  readonly contentHash: string;
  readonly built: boolean;
  readonly runtimeVersion: string;
  readonly virtualEnvironment?: string;
  readonly modulesKey?: string;
}

export interface AppRecord {
  readonly id: string;
  readonly uid?: number;
  readonly active?: string;
  readonly releases: readonly Release[];
}

export interface AppFolder {
  readonly user: AppUser | undefined;
  readonly home: string;
  readonly temporary: string;
  readonly cache: string;
  readonly logs: string;
  readonly releaseFolder: (key: string) => string;
  readonly record: () => AppRecord;
  readonly activeRelease: () => Release | undefined;
  /** On disk when it resolves. */
  readonly save: (record: AppRecord) => Promise<void>;
  readonly remove: () => Promise<void>;
}

const folderName = (app: string): string => {
  const name = (app.split("/").at(-1) ?? "")
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]/g, "-")
    .slice(0, 24);
  return `${name}-${createHash("sha256").update(app.toLowerCase()).digest("hex").slice(0, 12)}`;
};

const readRecord = async (path: string): Promise<AppRecord | undefined> => {
  const text = await readFile(path, "utf8").catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as AppRecord);
};

/** Uids that apps of this folder already have. */
export const takenUids = async (appsDir: string): Promise<Set<number>> => {
  const taken = new Set<number>();
  for (const name of await readdir(appsDir).catch(() => [])) {
    const record = await readRecord(join(appsDir, name, "app.json"));
    if (record?.uid !== undefined) taken.add(record.uid);
  }
  return taken;
};

const own = async (path: string, user: AppUser | undefined): Promise<void> => {
  await mkdir(path, { recursive: true, mode: 0o700 });
  const info = await lstat(path);
  if (!info.isDirectory()) throw new Error(`${path} is no folder.`);
  if (user !== undefined && info.uid !== user.uid) {
    // It was another user's before: we run as root now and did not then.
    await giveTree(path, user);
    await chown(path, user.uid, user.uid);
  }
};

/** Opens or makes an app's folder, and removes what a crash left half-built. */
export const openAppFolder = async (
  appsDir: string,
  app: string,
  isolation: Isolation,
  taken: Set<number>,
): Promise<AppFolder> => {
  const top = join(appsDir, folderName(app));
  const recordPath = join(top, "app.json");
  let record: AppRecord = (await readRecord(recordPath)) ?? { id: app, releases: [] };
  const others = new Set(taken);
  if (record.uid !== undefined) others.delete(record.uid);
  const user =
    isolation.setpriv === undefined
      ? undefined
      : record.uid === undefined
        ? isolation.userFor(app, others)
        : { uid: record.uid };
  if (user !== undefined) taken.add(user.uid);

  const releases = join(top, "releases");
  await mkdir(releases, { recursive: true, mode: 0o711 });
  for (const path of [top, releases]) await chmod(path, 0o711);
  for (const path of ["home", "tmp", "cache"]) await own(join(top, path), user);
  await mkdir(join(top, "logs"), { recursive: true, mode: 0o700 });

  const save = async (next: AppRecord) => {
    await writeDurably(recordPath, JSON.stringify(next, null, 2));
    record = next;
  };
  if (record.uid !== user?.uid && user !== undefined) {
    for (const { key } of record.releases) await giveTree(join(releases, key), user);
  }
  await save({ ...record, ...(user === undefined ? {} : { uid: user.uid }) });
  const known = new Set(record.releases.map(({ key }) => key));
  // Node and npm look for a package.json in the folders above an app; here the search ends.
  await writeFile(join(releases, "package.json"), "{}\n", { mode: 0o644 });
  for (const name of await readdir(releases)) {
    if (name !== "package.json" && !known.has(name)) await rm(join(releases, name), { recursive: true, force: true });
  }
  return {
    user,
    home: join(top, "home"),
    temporary: join(top, "tmp"),
    cache: join(top, "cache"),
    logs: join(top, "logs"),
    releaseFolder: (key) => join(releases, key),
    record: () => record,
    activeRelease: () => record.releases.find(({ key }) => key === record.active),
    save,
    remove: () => rm(top, { recursive: true, force: true }),
  };
};
