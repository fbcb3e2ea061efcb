/** A tenant in a process of its own, started as anybody starts it: for what only a whole process shows. */
import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { controlClient } from "../../src/control/client.ts";
import { environmentFor } from "../../src/control/environment.ts";
import type { Status } from "../../src/control/protocol.ts";
import { locate, thisMachine } from "../../src/control/state-folder.ts";

export interface TenantProcess extends AsyncDisposable {
  readonly pid: number;
  readonly status: Status;
  /** Everything it wrote to standard output and error so far. */
  output(): string;
  /** The environment of a `node` program, as the developer or as an app. */
  environment(as?: string): Promise<Record<string, string>>;
  /** SIGKILL. Resolves when the process is gone. */
  kill(): Promise<void>;
  /** SIGTERM, and the end that it brings. */
  stop(): Promise<void>;
}

export interface TenantProcessOptions {
  readonly state: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  /** Put before the command line: `strace` and the like. */
  readonly under?: readonly string[];
}

const cli = join(import.meta.dirname, "..", "cli", "lanyard.ts");

export const spawnTenant = ({
  state,
  env = process.env,
  cwd = process.cwd(),
  under = [],
}: TenantProcessOptions): ChildProcess => {
  const [file, ...args] = [...under, process.execPath, cli, "up", "--state", state, "--port", "0", "--json"];
  return spawn(file, args, { env, cwd, stdio: ["ignore", "pipe", "pipe"] });
};

export const startTenantProcess = async (options: TenantProcessOptions): Promise<TenantProcess> => {
  const { env = process.env, cwd = process.cwd() } = options;
  const child = spawnTenant(options);
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  let output = "";
  const status = await new Promise<Status>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`The tenant ended with ${code} before it was ready:\n${output}`)));
    child.stderr?.setEncoding("utf8").on("data", (text: string) => (output += text));
    if (child.stdout !== null)
      createInterface({ input: child.stdout }).on("line", (line) => {
        output += `${line}\n`;
        if (line.startsWith('{"type":"ready"')) resolve(JSON.parse(line) as Status);
      });
  });
  const { socket } = locate({ ...thisMachine(), env, cwd }, options.state);
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    // Under `strace` the tenant is not our child itself.
    if (child.exitCode === null && child.signalCode === null) process.kill(status.pid, signal);
    await exited;
  };
  return {
    pid: status.pid,
    status,
    output: () => output,
    environment: async (as) => {
      const grant = await controlClient(socket).environment({ ...(as === undefined ? {} : { as }), create: true });
      return environmentFor(grant, env, "node");
    },
    kill: () => end("SIGKILL"),
    stop: () => end("SIGTERM"),
    [Symbol.asyncDispose]: () => end("SIGKILL"),
  };
};

/** A process and what tells it from a later one of the same number. */
export interface ProcessMark {
  readonly pid: number;
  readonly parent: number;
  readonly started: string;
  readonly command: string;
}

const markOf = (pid: number): ProcessMark | undefined => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (fields[0] === "Z" || fields[0] === "X") return undefined;
    const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
    return { pid, parent: Number(fields[1]), started: fields[19] ?? "", command };
  } catch {
    return undefined;
  }
};

const processes = (): ProcessMark[] =>
  readdirSync("/proc").flatMap((name) => (/^\d+$/.test(name) ? (markOf(Number(name)) ?? []) : []));

/** Every process below one, whatever its group or session. */
export const descendants = (pid: number): readonly ProcessMark[] => {
  const all = processes();
  const below = (parent: number): ProcessMark[] =>
    all.filter((each) => each.parent === parent).flatMap((each) => [each, ...below(each.pid)]);
  return below(pid);
};

/** Processes whose command line or working folder lies in a folder. */
export const processesIn = (folder: string): readonly ProcessMark[] =>
  processes().filter(({ pid, command }) => {
    try {
      return pid !== process.pid && (command.includes(folder) || readlinkSync(`/proc/${pid}/cwd`).startsWith(folder));
    } catch {
      return false;
    }
  });

/** Those that still run after a while. */
export const survivors = async (
  marks: readonly ProcessMark[],
  milliseconds = 10_000,
): Promise<readonly ProcessMark[]> => {
  const end = performance.now() + milliseconds;
  let left = marks;
  do {
    left = left.filter(({ pid, started }) => markOf(pid)?.started === started);
    if (left.length === 0) break;
    await delay(50);
  } while (performance.now() < end);
  return left;
};
