/** Runs a program in the foreground: signals are passed on, and it ends with us, whatever ends us. */
import { type ChildProcess, spawn } from "node:child_process";
import { constants } from "node:os";
import { hasCode, Problem } from "../control/problem.ts";
import { exitCodes } from "./exit-codes.ts";
import type { Lifetime } from "./lifetime.ts";

/** Waits until the pipe from us breaks, then ends process `$1` (a group, when negative): politely, then for good. */
const watcherScript = `
trap '' INT TERM HUP QUIT
cat >/dev/null
kill -s TERM -- "$1" 2>/dev/null || exit 0
tries=0
while [ $tries -lt 30 ]; do
  kill -s 0 -- "$1" 2>/dev/null || exit 0
  tries=$((tries + 1)); sleep 0.1
done
kill -s KILL -- "$1" 2>/dev/null
`;

export interface RunningChild {
  /** Exit code; 128 + N when signal N ended it. */
  readonly exited: Promise<number>;
  signal(name: NodeJS.Signals): void;
}

export interface ChildOptions {
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** End what the program leaves behind in its process group. */
  readonly sweep?: boolean;
  /** Lines of the program's output; default: it writes to our own standard output and error. */
  readonly onLine?: (line: string) => void;
}

/**
 * On a terminal the program shares our process group, so that it can use the terminal and Ctrl-C reaches it without us.
 * Elsewhere it gets a group of its own, which is ended as a whole.
 */
export const startChild = (argv: readonly string[], options: ChildOptions): RunningChild => {
  const [file = "", ...args] = argv;
  const terminal = process.stdin.isTTY && options.onLine === undefined;
  const child = spawn(file, args, {
    env: options.env,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    stdio: options.onLine === undefined ? "inherit" : ["ignore", "pipe", "pipe"],
    detached: !terminal,
  });
  if (options.onLine !== undefined) eachLine(child, options.onLine);
  const target = child.pid === undefined ? undefined : terminal ? child.pid : -child.pid;
  const watcher = target === undefined ? undefined : watch(target);
  const exited = new Promise<number>((resolve, reject) => {
    child.once("error", (error) => reject(cannotRun(file, error)));
    child.once("exit", (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
  }).finally(() => {
    if (options.sweep === true && target !== undefined && target < 0) send(target, "SIGKILL");
    watcher?.kill("SIGKILL");
  });
  return {
    exited,
    signal: (name) => {
      // The terminal has sent it to the whole group already.
      if (target !== undefined && !(terminal && name === "SIGINT")) send(target, name);
    },
  };
};

/** What a program gets to tidy up when the tenant is told to stop or the npm that started us has died. */
const graceMilliseconds = 10_000;

/** Longer than a terminal or npm takes to deliver one Ctrl-C twice. */
const repeatAfter = 300;

/**
 * Runs a program with the signals of this process, until it ends or `lifetime` does. Afterwards this process only has
 * to tidy up: a signal then ends it at once. @returns the program's exit code
 */
export const runChild = async (argv: readonly string[], lifetime: Lifetime, options: ChildOptions): Promise<number> => {
  if (lifetime.reason !== undefined) return exitCodes.interrupted;
  const child = startChild(argv, options);
  let ended: number | undefined;
  // Before the old handlers go: with none, a signal would end us on the spot.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const)
    process.on(signal, () => {
      if (ended === undefined) child.signal(signal);
      else if (performance.now() - ended > repeatAfter) process.exit(128 + constants.signals[signal]);
    });
  lifetime.leaveSignals();
  void lifetime.ended.then(() => {
    child.signal("SIGTERM");
    setTimeout(() => child.signal("SIGKILL"), graceMilliseconds).unref();
  });
  try {
    return await child.exited;
  } finally {
    ended = performance.now();
  }
};

const watch = (target: number): ChildProcess => {
  const watcher = spawn("/bin/sh", ["-c", watcherScript, "sh", String(target)], {
    stdio: ["pipe", "ignore", "ignore"],
    cwd: "/",
    env: { PATH: "/usr/bin:/bin" },
    detached: true,
  });
  // Without a watcher the program still runs; it only would outlive a `kill -9` of us.
  watcher.on("error", () => {});
  watcher.stdin?.on("error", () => {});
  watcher.unref();
  return watcher;
};

const send = (target: number, signal: NodeJS.Signals): void => {
  try {
    process.kill(target, signal);
  } catch {
    // Already gone.
  }
};

const eachLine = (child: ChildProcess, onLine: (line: string) => void): void => {
  for (const stream of [child.stdout, child.stderr]) {
    let rest = "";
    stream?.setEncoding("utf8").on("data", (chunk: string) => {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) onLine(line);
    });
    stream?.on("end", () => {
      if (rest !== "") onLine(rest);
    });
  }
};

const cannotRun = (file: string, error: Error): Problem =>
  hasCode(error, "ENOENT")
    ? new Problem({ code: "not-found", what: `There is no program "${file}" on PATH.`, cause: error })
    : new Problem({ code: "not-executable", what: `"${file}" could not be started: ${error.message}.`, cause: error });
