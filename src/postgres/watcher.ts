/**
 * Ends a cluster when this process dies, however it dies: a small shell holds the reading end of a pipe whose writing end
 * is ours alone, so it wakes when we are gone, and then asks the postmaster to shut down. The commits that clients
 * were told of are on disk anyway; the watcher is there so that no process outlives the tenant.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { readFile, readlink } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { ServerUser } from "./server-user.ts";

/**
 * `$1` is the data directory. The pid is read from it, not passed, so that the watcher can start before the postmaster,
 * and cannot hit a stranger that got the pid later. INT is a fast shutdown, QUIT an immediate one.
 */
const script = `
trap '' INT TERM HUP
cat >/dev/null
tries=0
while [ $tries -lt 20 ]; do
  pid=$(head -n 1 "$1/postmaster.pid" 2>/dev/null) && [ -n "$pid" ] && break
  tries=$((tries + 1)); sleep 0.1
done
[ -n "$pid" ] || exit 0
kill -INT "$pid" 2>/dev/null || exit 0
tries=0
while [ $tries -lt 100 ]; do
  [ "$(head -n 1 "$1/postmaster.pid" 2>/dev/null)" = "$pid" ] || exit 0
  kill -0 "$pid" 2>/dev/null || exit 0
  tries=$((tries + 1)); sleep 0.1
done
kill -QUIT "$pid" 2>/dev/null
`;

export interface Watcher {
  /** Ends the watcher; for a cluster that has stopped. */
  release(): void;
}

/** It runs as PostgreSQL's user, who may signal no more than PostgreSQL, whatever stands in the pid file. */
export const watch = (user: ServerUser, dataDirectory: string): Watcher => {
  const command = user.command("sh", ["-c", script, "sh", dataDirectory]);
  const child: ChildProcess = spawn(command.file, command.args, {
    ...command.ids,
    cwd: "/",
    env: { PATH: process.env["PATH"] ?? "/usr/bin:/bin" },
    stdio: ["pipe", "ignore", "ignore"],
    // Own session: a signal to our process group must not reach it.
    detached: true,
  });
  // Without a watcher the cluster still works, and the next start stops it.
  child.on("error", () => {});
  child.stdin?.on("error", () => {});
  child.unref();
  return {
    release: () => {
      child.kill("SIGKILL");
    },
  };
};

const readPid = async (dataDirectory: string): Promise<number | undefined> => {
  try {
    const pid = Number((await readFile(join(dataDirectory, "postmaster.pid"), "utf8")).split("\n")[0]);
    return Number.isInteger(pid) && pid > 1 ? pid : undefined;
  } catch {
    return undefined;
  }
};

/** `kill -0` says yes to zombies, which hold no lock; on Linux /proc knows better. */
const isRunning = async (pid: number): Promise<boolean> => {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  if (process.platform !== "linux") return true;
  try {
    const status = await readFile(`/proc/${pid}/stat`, "utf8");
    return !/^[ZX]/.test(status.slice(status.lastIndexOf(")") + 2));
  } catch {
    return false;
  }
};

/** Is the process the postmaster of this directory (its working directory is), or a stranger that got the pid? */
const owns = async (pid: number, dataDirectory: string): Promise<boolean> => {
  if (process.platform !== "linux") return true;
  try {
    return (await readlink(`/proc/${pid}/cwd`)) === dataDirectory;
  } catch {
    return false;
  }
};

const waitForEnd = async (pid: number, milliseconds: number): Promise<boolean> => {
  const end = performance.now() + milliseconds;
  while (await isRunning(pid)) {
    if (performance.now() > end) return false;
    await delay(20);
  }
  return true;
};

/**
 * Stops a postmaster that an earlier process of ours left on this directory. It is not adopted: the superuser's password
 * was in that process's memory.
 */
export const stopLeftOver = async (dataDirectory: string): Promise<void> => {
  const pid = await readPid(dataDirectory);
  if (pid === undefined || !(await isRunning(pid)) || !(await owns(pid, dataDirectory))) return;
  for (const signal of ["SIGINT", "SIGQUIT", "SIGKILL"] as const) {
    try {
      process.kill(pid, signal);
    } catch {
      return;
    }
    if (await waitForEnd(pid, 10_000)) return;
  }
  throw new Error(`A PostgreSQL server (pid ${pid}) still runs on ${dataDirectory} and could not be stopped.`);
};
