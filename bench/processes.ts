/** Child processes of the benchmark: started, waited for, and all ended with it. */
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";

export interface Running extends AsyncDisposable {
  readonly pid: number;
  /** What it wrote to standard output until it was ready. */
  readonly output: string;
  /** Milliseconds from the start of the process until it said so. */
  readonly readyAfter: number;
  stop(): Promise<void>;
}

export interface StartOptions {
  /** Ready when its standard output matches. */
  readonly ready: RegExp;
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
}

const alive = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of alive) child.kill("SIGKILL");
});

/** The Node that runs the benchmark runs everything in it. */
export const node = process.execPath;

/** Nothing of npm's environment: a process starts as a person would start it. */
export const cleanEnvironment = (more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => ({
  ...Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^(?:npm_|NODE_(?!EXTRA_CA_CERTS)|AZURE_|LANYARD_|INIT_CWD)/i.test(name),
    ),
  ),
  ...more,
});

const ended = (child: ChildProcess): Promise<void> =>
  new Promise((done) => {
    if (child.exitCode !== null || child.signalCode !== null) done();
    else child.once("exit", () => done());
  });

export const start = async (file: string, args: readonly string[], options: StartOptions): Promise<Running> => {
  const began = performance.now();
  const child = spawn(file, args, {
    stdio: ["ignore", "pipe", "pipe"],
    env: options.env ?? cleanEnvironment(),
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  alive.add(child);
  child.once("exit", () => alive.delete(child));
  let output = "";
  let errors = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    errors = (errors + text).slice(-4000);
  });
  const readyAfter = await new Promise<number>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`${file} ${args.join(" ")} ended with ${code}: ${errors}${output}`)));
    const listen = (text: string): void => {
      output += text;
      if (!options.ready.test(output)) return;
      resolve(performance.now() - began);
      // What it says from now on is read and thrown away.
      child.stdout.off("data", listen).resume();
    };
    child.stdout.setEncoding("utf8").on("data", listen);
  });
  const stop = async (): Promise<void> => {
    child.kill("SIGTERM");
    const late = setTimeout(() => child.kill("SIGKILL"), 60_000);
    await ended(child);
    clearTimeout(late);
  };
  return { pid: child.pid ?? 0, output, readyAfter, stop, [Symbol.asyncDispose]: stop };
};

/** Runs a program to its end. @returns its standard output. @throws with its standard error when it fails */
export const run = (
  file: string,
  args: readonly string[],
  options: {
    readonly env?: NodeJS.ProcessEnv;
    readonly cwd?: string;
    readonly input?: string;
    /** Milliseconds; a program that hangs must not hang the benchmark. */
    readonly timeout?: number;
  } = {},
): Promise<string> =>
  new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      stdio: ["pipe", "pipe", "pipe"],
      env: options.env ?? cleanEnvironment(),
      timeout: options.timeout ?? 300_000,
      killSignal: "SIGKILL",
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    });
    alive.add(child);
    let [output, errors] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text));
    child.stdin.on("error", () => undefined);
    child.stdin.end(options.input ?? "");
    child.once("error", reject);
    child.once("close", (code) => {
      alive.delete(child);
      if (code === 0) resolve(output);
      else
        reject(new Error(`${file} ${args.join(" ")} ended with ${code}: ${errors.slice(-4000)}${output.slice(-2000)}`));
    });
  });

export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });

/** Resident memory of a process in MB (10^6 bytes); Linux. */
export const residentMegabytes = (pid: number): number => {
  const kibibytes = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return (Number(kibibytes) * 1024) / 1e6;
};

/** User and system time of a process so far, all threads, in seconds; Linux. */
export const processorSeconds = (pid: number): number => {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  // Ticks of a hundredth of a second, whatever the kernel's own: USER_HZ.
  return (Number(fields[11]) + Number(fields[12])) / 100;
};
