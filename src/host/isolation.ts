/**
 * Whom an app runs as. When we are root on Linux, every app gets a uid of its own: it cannot read the state folder,
 * another app's files, or another app's environment (/proc/<pid>/environ is closed to other uids), and everything it
 * ever started can be ended by that uid. Otherwise apps share our own user, and a warning says so.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { accessSync, chmodSync, constants, mkdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";

export interface AppUser {
  /** Used as group id too. */
  readonly uid: number;
}

export interface Isolation {
  /** A uid for the app that no name in `taken` has; undefined: apps run as our own user. */
  readonly userFor: (app: string, taken: ReadonlySet<number>) => AppUser | undefined;
  /** setpriv of util-linux, when apps have their own users. */
  readonly setpriv: string | undefined;
  /** Why apps share our user, in a sentence for the person who started us. */
  readonly warning: string | undefined;
}

/** True when any user may walk to `path` and, with `read`, read it. Follows links, as the kernel would. */
export const reachableByOthers = (path: string, read = false): boolean => {
  try {
    if (read && (statSync(path).mode & 0o004) === 0) return false;
    for (let folder = dirname(path); ; folder = dirname(folder)) {
      if ((statSync(folder).mode & 0o001) === 0) return false;
      if (folder === dirname(folder)) return true;
    }
  } catch {
    return false;
  }
};

/**
 * Makes and returns the folder for apps of a tenant whose state is in `stateDir`. It lies inside the state, unless we
 * are root and the state lies below a closed folder (root's home is 0700 nearly everywhere), where another uid could
 * not enter its own home. Then it is /var/lib/lanyard/<hash of the state folder>, the platform's place for root's state.
 * When root, the state folder itself is opened for passing (0711): everything in it must be closed by itself.
 */
export const prepareAppsDirectory = (stateDir: string): string => {
  const make = (path: string) => {
    mkdirSync(path, { recursive: true, mode: 0o711 });
    return path;
  };
  const inside = join(stateDir, "apps");
  // First, so that the answer is the same before and after the state was made.
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  if (process.platform !== "linux" || process.getuid?.() !== 0) return make(inside);
  if (reachableByOthers(stateDir)) {
    make(inside);
    chmodSync(stateDir, 0o711);
    return inside;
  }
  const name = createHash("sha256").update(stateDir).digest("hex").slice(0, 16);
  return make(join("/var/lib/lanyard", name, "apps"));
};

const executable = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

interface UidRange {
  readonly base: number;
  readonly size: number;
}

/**
 * Uids that systemd's table of ranges (UIDS-GIDS.md) leaves unused, or, in a user namespace that maps 65536 ids only,
 * those between ordinary users and systemd's dynamic ones.
 */
const uidRange = (map: string): UidRange | undefined => {
  const wide = { base: 0x7000_0000, size: 0x0fff_ffff };
  const narrow = { base: 30_000, size: 29_999 };
  const covers = ({ base, size }: UidRange) =>
    map.split("\n").some((line) => {
      const [inside, , count] = line.trim().split(/\s+/).map(Number);
      return inside !== undefined && count !== undefined && inside <= base && base + size <= inside + count;
    });
  return covers(wide) ? wide : covers(narrow) ? narrow : undefined;
};

const shared = (warning: string | undefined): Isolation => ({ userFor: () => undefined, setpriv: undefined, warning });

/** What this machine allows for apps below `appsDir` (an existing folder). */
export const detectIsolation = (appsDir: string): Isolation => {
  if (process.platform !== "linux" || process.getuid?.() !== 0) {
    return shared(
      "Apps run as your own user: they can read what you can read. (Own users for apps need root on Linux.)",
    );
  }
  const asRoot = (reason: string) => shared(`Apps run as root and can read everything: ${reason}.`);
  if (!reachableByOthers(join(appsDir, "x")))
    return asRoot(`other users cannot enter ${appsDir}; choose another --state`);
  const range = uidRange(readFileSync("/proc/self/uid_map", "utf8"));
  if (range === undefined) return asRoot("this container maps too few user ids");
  const setpriv = ["/usr/bin/setpriv", "/bin/setpriv"].find(executable);
  if (setpriv === undefined) return asRoot("setpriv (package util-linux) is missing");
  const probe = spawnSync(
    setpriv,
    [`--reuid=${range.base}`, `--regid=${range.base}`, "--clear-groups", "--no-new-privs", "/bin/sh", "-c", "id -u"],
    { encoding: "utf8", env: { PATH: "/usr/bin:/bin" } },
  );
  if (probe.stdout?.trim() !== String(range.base)) return asRoot("setpriv could not switch users here");
  const userFor = (app: string, taken: ReadonlySet<number>): AppUser => {
    // Derived from folder and app, so that two tenants on one machine do not pick the same.
    const hash = createHash("sha256").update(`${appsDir}\0${app}`).digest().readUInt32BE();
    for (let step = 0; ; step += 1) {
      const uid = range.base + ((hash + step) % range.size);
      if (!taken.has(uid)) return { uid };
    }
  };
  return { userFor, setpriv, warning: undefined };
};
