/** Runs one of PostgreSQL's programs to its end. */
import { spawn } from "node:child_process";
import { rename, writeFile } from "node:fs/promises";
import type { Binaries } from "./binaries.ts";
import type { ServerUser } from "./server-user.ts";

/** What every PostgreSQL program is run with. */
export interface Runner {
  readonly binaries: Binaries;
  readonly user: ServerUser;
}

const outputLimit = 64 * 1024;

/** Nothing of the developer's environment reaches PostgreSQL; messages are in English whatever the locale. */
export const serverEnvironment = (binaries: Binaries): Record<string, string> => ({
  PATH: process.env["PATH"] ?? "/usr/bin:/bin",
  LC_MESSAGES: "C",
  TZ: "UTC",
  ...binaries.environment,
});

/**
 * Runs a program as the server's user and waits for its end.
 * @param input written to its standard input, then closed.
 * @returns what it wrote to standard error (at most 64 KiB). @throws when it cannot start or its exit code is not 0.
 */
export const run = async (
  { binaries, user }: Runner,
  file: string,
  args: readonly string[],
  input = "",
): Promise<string> =>
  new Promise((done, fail) => {
    const command = user.command(file, args);
    const child = spawn(command.file, command.args, {
      ...command.ids,
      cwd: "/",
      env: serverEnvironment(binaries),
      stdio: ["pipe", "ignore", "pipe"],
      timeout: 120_000,
      killSignal: "SIGKILL",
    });
    let text = "";
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
      text = (text + chunk).slice(-outputLimit);
    });
    child.once("error", (error) => fail(new Error(`Could not run ${file}: ${error.message}`, { cause: error })));
    child.once("close", (code, signal) => {
      if (code === 0) done(text);
      else fail(new Error(`${file} ended with ${signal ?? `code ${code}`}: ${text.trim().slice(-2000)}`));
    });
    // A program that ends early closes its input; its exit code says why.
    child.stdin.on("error", () => {});
    child.stdin.end(input);
  });

/**
 * Writes a file in a folder of PostgreSQL's, 0600, at once or not at all. Written as PostgreSQL's user: as root we must
 * not follow what somebody who broke into a server may have put there.
 */
export const writeOwned = async (runner: Runner, file: string, text: string): Promise<void> => {
  if (runner.user.mode === "dedicated") {
    const script = 'umask 077 && cat > "$1.new" && mv -f "$1.new" "$1"';
    await run(runner, "sh", ["-c", script, "sh", file], text);
    return;
  }
  await writeFile(`${file}.new`, text, { mode: 0o600 });
  await rename(`${file}.new`, file);
};

/**
 * Runs SQL against a stopped cluster, in single-user mode: nobody else can be connected and no authentication is involved.
 * Statements are separated by `;` and an empty line. @throws with PostgreSQL's own message when a statement fails.
 */
export const runStopped = async (
  runner: Runner,
  dataDirectory: string,
  database: string,
  statements: readonly string[],
): Promise<void> => {
  const args = ["--single", "-j", "-D", dataDirectory, "-c", "exit_on_error=on", "-c", "allow_system_table_mods=on"];
  // Statements may hold password verifiers, and a failing one would otherwise be quoted in the message.
  const quiet = ["-c", "log_min_error_statement=panic", "-c", "log_min_messages=error"];
  const input = statements.map((statement) => `${statement.trim().replace(/;$/, "")};\n\n`).join("");
  const output = await run(runner, runner.binaries.postgres, [...args, ...quiet, database], input);
  const problem = /(?:ERROR|FATAL|PANIC): .*/.exec(output);
  if (problem !== null) throw new Error(`PostgreSQL refused a statement on ${dataDirectory}: ${problem[0]}`);
};
