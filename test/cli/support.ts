/** Starts the real CLI in processes of its own, with a state and a runtime folder that end with the test. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

const root = join(import.meta.dirname, "..", "..");
const launcher = join(import.meta.dirname, "lanyard.ts");

export interface Finished {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly err: string;
}

export interface Running {
  readonly child: ChildProcess;
  readonly pid: number;
  out(): string;
  err(): string;
  readonly finished: Promise<Finished>;
  /** Waits until standard output (or error) holds a text. */
  says(text: string): Promise<void>;
}

export interface Sandbox {
  readonly folder: string;
  readonly state: string;
  readonly env: Readonly<Record<string, string>>;
  start(
    args: readonly string[],
    options?: {
      readonly cwd?: string;
      readonly state?: string;
      readonly env?: Readonly<Record<string, string>>;
    },
  ): Running;
  /** Runs a command to its end. */
  lanyard(...args: string[]): Promise<Finished>;
  close(): Promise<void>;
}

/** npm's variables would have the CLI watch the npm that runs these tests. */
const cleanEnvironment = (): Record<string, string> =>
  Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) =>
      value === undefined || /^(?:npm_|VITEST|NODE_OPTIONS|LANYARD_|AZURE_)/.test(name) ? [] : [[name, value]],
    ),
  );

export const openSandbox = (): Sandbox => {
  const folder = mkdtempSync(join(tmpdir(), "lanyard-cli-"));
  const state = join(folder, "state");
  const env = {
    ...cleanEnvironment(),
    XDG_RUNTIME_DIR: folder,
    XDG_STATE_HOME: join(folder, "states"),
    // Compiled once, not by each of some seventy processes: a third of the time.
    NODE_COMPILE_CACHE: join(root, "node_modules", ".cache", "lanyard-tests"),
  };
  const started: ChildProcess[] = [];
  const start: Sandbox["start"] = (args, options = {}) => {
    // After the command's name: what follows a `--` is a program's.
    const [name = "", ...rest] = args;
    const child = spawn(process.execPath, [launcher, name, "--state", options.state ?? state, ...rest], {
      env: { ...env, ...options.env },
      cwd: options.cwd ?? folder,
      stdio: ["ignore", "pipe", "pipe"],
    });
    started.push(child);
    return running(child);
  };
  return {
    folder,
    state,
    env,
    start,
    lanyard: (...args) => start(args).finished,
    close: async () => {
      await start(["down"]).finished;
      for (const child of started) if (child.exitCode === null) child.kill("SIGKILL");
      rmSync(folder, { recursive: true, force: true });
    },
  };
};

export const running = (child: ChildProcess): Running => {
  let out = "";
  let err = "";
  child.stdout?.setEncoding("utf8").on("data", (chunk: string) => (out += chunk));
  child.stderr?.setEncoding("utf8").on("data", (chunk: string) => (err += chunk));
  const finished = new Promise<Finished>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve({ code, signal, out, err }));
  });
  return {
    child,
    pid: child.pid ?? 0,
    out: () => out,
    err: () => err,
    finished,
    says: (text) =>
      until(() => {
        if (out.includes(text) || err.includes(text)) return true;
        if (child.exitCode !== null) throw new Error(`It ended without saying "${text}":\n${out}\n${err}`);
        return false;
      }),
  };
};

/** Waits for something to become true. */
export const until = async (holds: () => boolean, milliseconds = 15_000): Promise<void> => {
  const end = performance.now() + milliseconds;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`It did not happen within ${milliseconds} ms: ${holds.toString()}`);
    await delay(20);
  }
};

/** A process that runs, zombies not counted. */
export const isAlive = (pid: number): boolean => {
  try {
    return !/^\d+ \(.*\) [ZX]/s.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
};

/** Processes whose command line names a text. */
export const processesNaming = (text: string): number[] =>
  readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) return [];
    try {
      return readFileSync(`/proc/${name}/cmdline`, "utf8").includes(text) && isAlive(Number(name))
        ? [Number(name)]
        : [];
    } catch {
      return [];
    }
  });
