/**
 * No app outlives us, whatever ends us, `kill -9` included. One small shell holds the reading end of a pipe whose only
 * writer is this process: when we are gone it reads end-of-file and kills every process group (and, where apps have
 * users of their own, every process of those users) that it was told about. It runs in its own session with an empty
 * environment, and as us, so that an app with its own user cannot touch it.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { readFile, readdir, stat } from "node:fs/promises";
import type { AppUser, Isolation } from "./isolation.ts";

/** Kills all processes of one uid. The check keeps a failed switch of users from killing as root. */
const sweepScript = '[ "$(id -u)" = "$1" ] && kill -s KILL -- -1';

const script = `
trap '' TERM INT HUP QUIT
groups=$KNOWN_GROUPS; users=$KNOWN_USERS
without() { kept=; for each in $1; do [ "$each" = "$2" ] || kept="$kept $each"; done; }
while read -r verb id; do
  case $verb in
    group) groups="$groups $id" ;;
    forget-group) without "$groups" "$id"; groups=$kept ;;
    user) users="$users $id" ;;
    forget-user) without "$users" "$id"; users=$kept ;;
  esac
done
for id in $groups; do kill -s KILL -- "-$id"; done
for id in $users; do
  "$SETPRIV" --reuid="$id" --regid="$id" --clear-groups /bin/sh -c '${sweepScript}' sweep "$id"
done
`;

export interface Reaper extends AsyncDisposable {
  /** Called before an app with its own user starts. */
  readonly guardUser: (user: AppUser) => void;
  readonly guardGroup: (group: number) => void;
  readonly releaseGroup: (group: number) => void;
  /** Ends every process of an app's user, those that left its process group included. */
  readonly sweep: (user: AppUser) => Promise<void>;
}

const signalGroup = (group: number): void => {
  try {
    process.kill(-group, "SIGKILL");
  } catch {
    // Already gone.
  }
};

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Is a process of this user left that is not only waiting to be collected by its parent? */
const livesOn = async ({ uid }: AppUser): Promise<boolean> => {
  for (const pid of await readdir("/proc").catch((): string[] => [])) {
    if (!/^\d+$/.test(pid)) continue;
    const owner = await stat(`/proc/${pid}`).catch(() => undefined);
    if (owner?.uid !== uid) continue;
    const line = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
    if (!/^[ZX]?$/.test(line.slice(line.lastIndexOf(")") + 2, line.lastIndexOf(")") + 3))) return true;
  }
  return false;
};

export const startReaper = (isolation: Isolation): Reaper => {
  const groups = new Set<number>();
  const users = new Set<number>();
  let closed = false;
  let child: ChildProcess;

  const send = (verb: string, id: number) => {
    if (child.stdin?.writable === true) child.stdin.write(`${verb} ${id}\n`);
  };
  const launch = () => {
    child = spawn("/bin/sh", ["-c", script], {
      detached: true,
      stdio: ["pipe", "ignore", "ignore"],
      cwd: "/",
      env: {
        PATH: "/usr/bin:/bin",
        SETPRIV: isolation.setpriv ?? "",
        KNOWN_GROUPS: [...groups].join(" "),
        KNOWN_USERS: [...users].join(" "),
      },
    });
    child.unref();
    // A reaper that somebody killed is replaced at once, by one that knows everything from its first moment.
    child.once("exit", () => {
      if (closed) return;
      launch();
    });
    child.once("error", () => undefined);
    child.stdin?.on("error", () => undefined);
    if (child.stdin !== null && "unref" in child.stdin && typeof child.stdin.unref === "function") child.stdin.unref();
  };
  launch();

  const kill = (user: AppUser) =>
    new Promise<void>((resolve) => {
      const sweeper = spawn("/bin/sh", ["-c", sweepScript, "sweep", String(user.uid)], {
        uid: user.uid,
        gid: user.uid,
        cwd: "/",
        stdio: "ignore",
        env: { PATH: "/usr/bin:/bin" },
      });
      sweeper.once("error", () => resolve());
      sweeper.once("exit", () => resolve());
    });

  const sweep = async (user: AppUser) => {
    await kill(user);
    // A killed process is still there until the kernel has taken it down; a stop that has ended must have ended all.
    for (let tries = 0; tries < 100 && (await livesOn(user)); tries += 1) await pause(10);
  };

  return {
    guardUser: (user) => {
      if (users.has(user.uid)) return;
      users.add(user.uid);
      send("user", user.uid);
    },
    guardGroup: (group) => {
      groups.add(group);
      send("group", group);
    },
    releaseGroup: (group) => {
      groups.delete(group);
      send("forget-group", group);
    },
    sweep,
    [Symbol.asyncDispose]: async () => {
      closed = true;
      for (const group of groups) signalGroup(group);
      for (const uid of users) await sweep({ uid });
      await new Promise<void>((resolve) => {
        if (child.exitCode !== null || child.signalCode !== null) return resolve();
        child.once("exit", () => resolve());
        child.ref();
        child.stdin?.end();
      });
    },
  };
};
