/**
 * The operating system user that PostgreSQL runs as. PostgreSQL refuses uid 0, so for root there are two ways:
 *
 * 1. `dedicated`: uid `nobody` (initdb and single-user mode need a passwd entry) with a **group of our own** that no
 *    other process has. The folders above the data are `root:<group> 0710`, so other processes of `nobody` cannot reach
 *    it. Needs every folder above to be passable for others.
 * 2. `namespace`: `unshare -U --map-user`, for states below a closed folder such as /root. The files stay root's.
 *    Containers with the usual seccomp profile refuse it.
 *
 * Everybody else runs it as themselves, or in such a namespace where their uid has no name (containers).
 */
import { spawn } from "node:child_process";
import { chmod, chown, lchown, mkdir, readFile, stat } from "node:fs/promises";
import { userInfo } from "node:os";
import { dirname } from "node:path";

export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  /** For `spawn`; Node clears supplementary groups when these are set. */
  readonly ids: { readonly uid?: number; readonly gid?: number };
}

export interface ServerUser {
  readonly mode: "self" | "dedicated" | "namespace";
  command(file: string, args: readonly string[]): Command;
  /** Creates a folder that only this product enters (0700; for `dedicated` 0710 for root and our group). */
  createGate(folder: string): Promise<void>;
  /** Creates a folder that PostgreSQL owns, 0700. */
  createOwned(folder: string): Promise<void>;
  /** Gives a file of ours, in a folder of ours, to PostgreSQL. */
  give(file: string): Promise<void>;
}

/** No distribution assigns it: above the ranges of people and static daemons, below systemd's nobody and containers. */
const ownGroup = 61_543;

const nobody = async (): Promise<number> => {
  const lines = (await readFile("/etc/passwd", "utf8")).split("\n");
  const entry = lines.map((line) => line.split(":")).find(([name]) => name === "nobody");
  const uid = Number(entry?.[2]);
  if (!Number.isInteger(uid) || uid <= 0) {
    throw new Error(
      "PostgreSQL refuses to run as root and as a user without a name, and this machine has no user nobody to run it as. Start Lanyard as an ordinary user.",
    );
  }
  return uid;
};

const ancestors = (path: string): readonly string[] => {
  const above = dirname(path);
  return above === path ? [path] : [path, ...ancestors(above)];
};

const passable = async (folder: string): Promise<boolean> => ((await stat(folder)).mode & 0o001) !== 0;

const allPassable = async (folders: readonly string[]): Promise<boolean> =>
  (await Promise.all(folders.map(passable))).every(Boolean);

/** Can another uid walk down to this (existing) folder, once the folder itself was opened for passing through? */
const reachable = async (folder: string): Promise<boolean> => allPassable(ancestors(dirname(folder)));

const succeeds = async (command: string, args: readonly string[]): Promise<boolean> =>
  new Promise((done) => {
    const child = spawn(command, args, { stdio: "ignore" });
    child.once("error", () => done(false));
    child.once("exit", (code) => done(code === 0));
  });

const mapping = (uid: number): readonly string[] => ["-U", `--map-user=${uid}`, `--map-group=${uid}`];

const self: ServerUser = {
  mode: "self",
  command: (file, args) => ({ file, args, ids: {} }),
  createGate: async (folder) => {
    await mkdir(folder, { recursive: true, mode: 0o700 });
  },
  createOwned: async (folder) => {
    await mkdir(folder, { recursive: true, mode: 0o700 });
  },
  give: async () => {},
};

const dedicated = (uid: number): ServerUser => ({
  mode: "dedicated",
  command: (file, args) => ({ file, args, ids: { uid, gid: ownGroup } }),
  createGate: async (folder) => {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await chown(folder, 0, ownGroup);
    await chmod(folder, 0o710);
  },
  createOwned: async (folder) => {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    // Not through a link: the folder above may belong to PostgreSQL already.
    await lchown(folder, uid, ownGroup);
  },
  give: (file) => lchown(file, uid, ownGroup),
});

const namespaced = (uid: number): ServerUser => ({
  ...self,
  mode: "namespace",
  command: (file, args) => ({ file: "unshare", args: [...mapping(uid), file, ...args], ids: {} }),
});

/** initdb and single-user mode want the user's name; containers often run under a number that has none. */
const isNamed = (): boolean => {
  try {
    return userInfo().username !== "";
  } catch {
    return false;
  }
};

const ordinary = async (): Promise<ServerUser> => {
  if (process.platform === "win32" || isNamed()) return self;
  const uid = await nobody();
  if (await succeeds("unshare", [...mapping(uid), "true"])) return namespaced(uid);
  throw new Error(
    `PostgreSQL needs a user with a name, and uid ${process.getuid?.()} has no entry in /etc/passwd. ` +
      "Add one, or run Lanyard as a user that has one.",
  );
};

/**
 * Chooses the user. For `dedicated` the tops (the tenant's state and runtime folders, which exist) become 0711: others may
 * pass through, not list.
 * @param tops existing folders of ours that hold everything PostgreSQL needs, apart from its programs.
 * @param programs a folder that must be reachable as well.
 */
export const chooseServerUser = async (tops: readonly string[], programs: string): Promise<ServerUser> => {
  if (process.getuid?.() !== 0) return ordinary();
  const uid = await nobody();
  const open = (await Promise.all(tops.map(reachable))).every(Boolean) && (await allPassable(ancestors(programs)));
  if (open) {
    for (const top of tops) {
      const { mode } = await stat(top);
      if ((mode & 0o001) === 0) await chmod(top, (mode & 0o7777) | 0o011);
    }
    return dedicated(uid);
  }
  if (process.platform === "linux" && (await succeeds("unshare", [...mapping(uid), "true"]))) return namespaced(uid);
  throw new Error(
    `PostgreSQL refuses to run as root. Lanyard would run it as another user, but that user cannot reach ${tops.join(" or ")} ` +
      `or ${programs}, and this system allows no user namespace (unshare -U). Start Lanyard as an ordinary user, or with ` +
      "--state in a folder that others may pass through, such as /var/lib/lanyard.",
  );
};
