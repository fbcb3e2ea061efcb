/** A command as data, and the reading of its command line. */
import { parseArgs } from "node:util";
import { Problem } from "../control/problem.ts";
import type { Machine, Place } from "../control/state-folder.ts";
import type { Output } from "./output.ts";

export interface OptionSpec {
  readonly type: "boolean" | "string";
  readonly short?: string;
  readonly multiple?: boolean;
  /** Placeholder of its value in the help. */
  readonly value?: string;
  readonly help: string;
  /** Not in the help: between parts of ours. */
  readonly hidden?: boolean;
}

export type OptionSpecs = Readonly<Record<string, OptionSpec>>;

export type Values = Readonly<Record<string, string | boolean | readonly (string | boolean)[] | undefined>>;

export interface Command {
  readonly name: string;
  readonly summary: string;
  /** The rest of the usage line, e.g. `[options] -- CMD [ARGS]`. */
  readonly usage: string;
  readonly options: OptionSpecs;
  /** `none`: no words besides options. `words`: any. `program`: all from the first word or `--` on, unread. */
  readonly rest: "none" | "words" | "program";
  readonly examples?: readonly string[];
  run(invocation: Invocation): Promise<number>;
}

/** A command line that was understood, and the world it meets. */
export interface Invocation {
  readonly values: Values;
  readonly rest: readonly string[];
  readonly output: Output;
  readonly machine: Machine;
  readonly place: Place;
  /** Value of `--port`, when given. */
  readonly port: number | undefined;
}

export const commonOptions: OptionSpecs = {
  state: { type: "string", value: "DIR", help: "state folder (default: one per project, outside of it)" },
  port: { type: "string", value: "N", help: "port of the tenant; 0: any free one" },
  json: { type: "boolean", help: "output for programs" },
  help: { type: "boolean", short: "h", help: "this text" },
};

export const usageProblem = (what: string, command?: string): Problem =>
  new Problem({ code: "usage", what, help: [command === undefined ? "lanyard --help" : `lanyard ${command} --help`] });

/** Reads a command's arguments; what it does not know is an error. @throws Problem `usage` */
export const readArguments = (
  command: Command,
  args: readonly string[],
): { readonly values: Values; readonly rest: readonly string[] } => {
  const options = { ...commonOptions, ...command.options };
  const cut = command.rest === "program" ? programStart(args, options) : args.length;
  const own = args.slice(0, cut);
  const program = args.slice(args[cut] === "--" ? cut + 1 : cut);
  try {
    const { values, positionals } = parseArgs({
      args: own,
      options: Object.fromEntries(Object.entries(options).map(([name, spec]) => [name, parserOption(spec)])),
      allowPositionals: command.rest === "words",
    });
    return { values, rest: command.rest === "program" ? program : positionals };
  } catch (error) {
    const text = error instanceof Error ? error.message.replace(/\. To specify a positional.*$/s, "") : String(error);
    throw usageProblem(text, command.name);
  }
};

const parserOption = ({ type, short, multiple }: OptionSpec) => ({
  type,
  ...(short === undefined ? {} : { short }),
  ...(multiple === undefined ? {} : { multiple }),
});

/** Index of `--` or of the first word that is neither an option of ours nor the value of one. */
const programStart = (args: readonly string[], options: OptionSpecs): number => {
  for (let index = 0; index < args.length; index += 1) {
    const arg = args[index] ?? "";
    if (arg === "--" || !arg.startsWith("-")) return index;
    const spec = Object.entries(options).find(([name, { short }]) => arg === `--${name}` || arg === `-${short}`)?.[1];
    if (spec?.type === "string") index += 1;
  }
  return args.length;
};

export const stringOf = (values: Values, name: string): string | undefined => {
  const value = values[name];
  return typeof value === "string" ? value : undefined;
};

export const stringsOf = (values: Values, name: string): readonly string[] => {
  const value = values[name];
  return Array.isArray(value) ? value.filter((each): each is string => typeof each === "string") : [];
};

/** A whole number option. @throws Problem `usage` */
export const numberOf = (values: Values, name: string, least: number, most: number): number | undefined => {
  const text = stringOf(values, name);
  if (text === undefined) return undefined;
  const number = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (number >= least && number <= most) return number;
  throw usageProblem(`--${name} wants a number from ${least} to ${most}, not "${text}".`);
};

export const helpText = (command: Command): string => {
  const rows = Object.entries({ ...command.options, ...commonOptions })
    .filter(([, spec]) => spec.hidden !== true)
    .map(([name, spec]) => {
      const short = spec.short === undefined ? "    " : `-${spec.short}, `;
      return [`${short}--${name}${spec.value === undefined ? "" : ` ${spec.value}`}`, spec.help] as const;
    });
  const width = Math.max(...rows.map(([left]) => left.length));
  return [
    `${command.summary}\n`,
    `Usage: lanyard ${command.name} ${command.usage}\n`,
    ...rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`),
    ...(command.examples === undefined ? [] : ["", ...command.examples.map((line) => `  ${line}`)]),
    "",
  ].join("\n");
};
