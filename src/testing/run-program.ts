import { spawn } from "node:child_process";
import type { IdentityProtocol } from "../control/identity-protocols.ts";

export interface RunOptions {
  /** Whom the program acts as; see `EnvironmentOptions.as`. */
  readonly as?: string;
  /** See `EnvironmentOptions.identity`. */
  readonly identity?: IdentityProtocol;
  readonly cwd?: string;
  /** Variables beyond those of the environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Written to the program's standard input. */
  readonly input?: string;
  /** Milliseconds; default 60 000. The program's whole process group is killed then. */
  readonly timeout?: number;
}

export interface Finished {
  /** Undefined when a signal ended the program. */
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

interface Running extends RunOptions {
  readonly base: Readonly<Record<string, string>>;
  /** Aborted when the tenant closes: what still runs ends with it. */
  readonly ended: AbortSignal;
}

export const runProgram = (command: string, args: readonly string[], options: Running): Promise<Finished> =>
  new Promise((resolve, reject) => {
    const { base, ended, timeout = 60_000 } = options;
    if (ended.aborted) {
      reject(new Error(`${command} was not started: the tenant was closed.`));
      return;
    }
    const child = spawn(command, args, {
      env: { ...base, ...options.env },
      stdio: "pipe",
      detached: true,
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    });
    const kill = (why: string): void => {
      if (child.pid !== undefined)
        try {
          process.kill(-child.pid, "SIGKILL");
        } catch {
          // It has just ended by itself.
        }
      settle(() => reject(new Error(`${command} was killed: ${why}. It had written:\n${stdout}${stderr}`)));
    };
    const timer = setTimeout(() => kill(`it did not end in ${timeout} ms`), timeout);
    const onEnded = (): void => kill("the tenant was closed");
    const settle = (finish: () => void): void => {
      clearTimeout(timer);
      ended.removeEventListener("abort", onEnded);
      finish();
    };
    ended.addEventListener("abort", onEnded, { once: true });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    child.stdin.on("error", () => undefined).end(options.input ?? "");
    child.once("error", (error) => settle(() => reject(new Error(`${command} could not be run: ${error.message}`))));
    child.once("close", (code) => settle(() => resolve({ code: code ?? undefined, stdout, stderr })));
  });
