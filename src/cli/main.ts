/** The command line: finds the command, reads its arguments, and turns what is thrown into words and an exit code. */
import { Problem } from "../control/problem.ts";
import { locate, thisMachine } from "../control/state-folder.ts";
import { type Command, helpText, type Invocation, numberOf, readArguments, stringOf, usageProblem } from "./command.ts";
import { exitCodeOf, exitCodes } from "./exit-codes.ts";
import { jsonOutput, type Output, processStreams, textOutput } from "./output.ts";

/** One file per command, loaded only when it is asked for: loading is most of a short command's time. */
const commands: Readonly<Record<string, () => Promise<{ readonly command: Command }>>> = {
  up: () => import("./commands/up.ts"),
  down: () => import("./commands/down.ts"),
  status: () => import("./commands/status.ts"),
  run: () => import("./commands/run.ts"),
  env: () => import("./commands/env.ts"),
  az: () => import("./commands/az.ts"),
  clock: () => import("./commands/clock.ts"),
  identity: () => import("./commands/identity.ts"),
  logs: () => import("./commands/logs.ts"),
  open: () => import("./commands/open.ts"),
  start: () => import("./commands/start.ts"),
};

/** Runs one command. @returns the exit code (exit-codes.ts) */
export const main = async (argv: readonly string[]): Promise<number> => {
  const json = argv.slice(0, argv.includes("--") ? argv.indexOf("--") : undefined).includes("--json");
  let output: Output = (json ? jsonOutput : textOutput)(processStreams(false));
  // A reader that has seen enough (`| head`) is no failure.
  for (const stream of [process.stdout, process.stderr])
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EPIPE") process.exit(process.exitCode ?? exitCodes.ok);
    });
  try {
    const [first = "up", ...others] = argv;
    if (first === "--version" || first === "-v" || first === "version") return await printVersion(output);
    if (first === "--help" || first === "-h" || first === "help") {
      const [about] = others;
      return await printHelp(about?.startsWith("-") === true ? undefined : about, output);
    }
    const [name, args] = first.startsWith("-") ? ["up", argv] : [first, others];
    const command = await find(name);
    const { values, rest } = readArguments(command, args);
    if (values["help"] === true) return await printHelp(name, output);
    output = (values["json"] === true ? jsonOutput : textOutput)(processStreams(command.rest === "program"));
    const machine = thisMachine();
    const invocation: Invocation = {
      values,
      rest,
      output,
      machine,
      place: locate(machine, stringOf(values, "state")),
      port: numberOf(values, "port", 0, 65_535),
    };
    return await command.run(await onPort(invocation, name));
  } catch (error) {
    const problem = problemOf(error);
    output.emit({ type: "problem", problem });
    return exitCodeOf(problem);
  } finally {
    // All is closed by now; should something still hold the event loop, it does not hold the person up.
    setTimeout(() => process.exit(), 3000).unref();
  }
};

/** `--port N` without `--state` names a running tenant of another project, for every command that joins one. */
const onPort = async (invocation: Invocation, name: string): Promise<Invocation> => {
  const { port, place, values } = invocation;
  if (port === undefined || port === 0 || values["state"] !== undefined || name === "up" || name === "start")
    return invocation;
  const { holderOf, runningTenants } = await import("../control/lock.ts");
  if (holderOf(place) !== undefined) return invocation;
  const other = runningTenants(place).find((holder) => holder.port === port);
  return other === undefined ? invocation : { ...invocation, place: locate(invocation.machine, other.state) };
};

const find = async (name: string): Promise<Command> => {
  const load = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (load === undefined)
    throw usageProblem(`There is no command "${name}". Commands: ${Object.keys(commands).join(", ")}.`);
  return (await load()).command;
};

const printVersion = async (output: Output): Promise<number> => {
  const { version } = await import("../control/version.ts");
  output.emit({ type: "result", value: { version: version() }, text: `${version()}\n` });
  return exitCodes.ok;
};

const printHelp = async (name: string | undefined, output: Output): Promise<number> => {
  const text = name === undefined ? await overview() : helpText(await find(name));
  output.emit({ type: "result", value: { help: text }, text });
  return exitCodes.ok;
};

const overview = async (): Promise<string> => {
  const all = await Promise.all(Object.keys(commands).map(find));
  const rows = all.map((command) => `  ${command.name.padEnd(7)} ${command.summary}`);
  return [
    "Lanyard: a local Azure tenant for passwordless apps.",
    "",
    "Usage: lanyard [COMMAND] [OPTIONS]        (without a command: up)",
    "",
    ...rows,
    "",
    "lanyard COMMAND --help tells more. Every command takes --state DIR, --port N and --json.",
    "",
  ].join("\n");
};

/** Anything but a Problem is a defect of ours: its stack goes along. */
const problemOf = (error: unknown): Problem => {
  if (error instanceof Problem) return error;
  if (error instanceof Error && error.name === "StateUnusable")
    return new Problem({ code: "state-unusable", what: error.message });
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return new Problem({ code: "internal", what: "Lanyard failed in a way it should not.", why: stack, cause: error });
};
