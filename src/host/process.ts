/** One child process in a process group of its own, ended with all its descendants. Used for apps and for builds. */
import { type ChildProcess, spawn } from "node:child_process";
import type { AppUser, Isolation } from "./isolation.ts";
import type { Reaper } from "./reaper.ts";

export interface ProcessPlan {
  readonly argv: readonly string[];
  readonly cwd: string;
  /** The whole environment: nothing of ours is inherited. */
  readonly env: Readonly<Record<string, string>>;
  readonly user: AppUser | undefined;
  readonly onOutput: (source: "stdout" | "stderr", chunk: Buffer) => void;
  readonly signal?: AbortSignal;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Why it could not even be started. */
  readonly error?: string;
}

export interface GuardedProcess {
  /** Also the id of its process group; undefined when it could not be started. */
  readonly pid: number | undefined;
  /** Settles once the process has ended and the rest of its group was killed. */
  readonly exited: Promise<Exit>;
  /** SIGTERM to the group, SIGKILL after `graceMs`. */
  readonly stop: (graceMs: number) => Promise<Exit>;
}

export const describeExit = (exit: Exit): string => {
  if (exit.error !== undefined) return `could not be started: ${exit.error}`;
  return exit.signal === null ? `exit code: ${exit.code}` : `signal: ${exit.signal}`;
};

const signalGroup = (group: number, signal: NodeJS.Signals): void => {
  try {
    process.kill(-group, signal);
  } catch {
    // Already gone.
  }
};

/** Output that was written just before the end is still taken in, but a descendant that keeps the pipe open is not waited for. */
const drained = (child: ChildProcess, ms: number) =>
  new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms);
    child.once("close", () => {
      clearTimeout(timer);
      resolve();
    });
  });

/**
 * Starts a process. libuv switches to the app's user between fork and exec, so no program of ours ever runs as us with
 * the app's environment (LD_PRELOAD in an app setting would run as root otherwise).
 */
export const startProcess = (plan: ProcessPlan, isolation: Isolation, reaper: Reaper): GuardedProcess => {
  const { user } = plan;
  if (user !== undefined) reaper.guardUser(user);
  const argv =
    user !== undefined && isolation.setpriv !== undefined
      ? [isolation.setpriv, "--no-new-privs", "--", ...plan.argv]
      : plan.argv;
  const [file, ...args] = argv;
  if (file === undefined) throw new Error("A process needs a command.");
  const child = spawn(file, args, {
    cwd: plan.cwd,
    env: plan.env,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    ...(user === undefined ? {} : { uid: user.uid, gid: user.uid }),
  });
  const { pid } = child;
  if (pid !== undefined) reaper.guardGroup(pid);
  child.stdout.on("data", (chunk: Buffer) => plan.onOutput("stdout", chunk));
  child.stderr.on("data", (chunk: Buffer) => plan.onOutput("stderr", chunk));

  const ended = new Promise<Exit>((resolve) => {
    child.once("error", (error) => resolve({ code: null, signal: null, error: error.message }));
    child.once("exit", (code, signal) => resolve({ code, signal }));
  });
  const exited = ended.then(async (exit) => {
    if (pid !== undefined) {
      signalGroup(pid, "SIGKILL");
      reaper.releaseGroup(pid);
      await drained(child, 300);
    }
    child.stdout.destroy();
    child.stderr.destroy();
    return exit;
  });

  const stop = async (graceMs: number): Promise<Exit> => {
    if (pid === undefined) return exited;
    signalGroup(pid, "SIGTERM");
    const timer = setTimeout(() => signalGroup(pid, "SIGKILL"), graceMs);
    try {
      return await exited;
    } finally {
      clearTimeout(timer);
    }
  };
  if (plan.signal?.aborted === true) void stop(0);
  else plan.signal?.addEventListener("abort", () => void stop(1000), { once: true });
  return { pid, exited, stop };
};
