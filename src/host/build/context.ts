/** What the steps of a build share. */
import { type Exit, describeExit } from "../process.ts";
import type { Choice } from "../runtimes.ts";
import type { Stack } from "../stack.ts";

export type BuildLevel = "info" | "warning" | "error";
export type BuildLog = (level: BuildLevel, text: string) => void;

/** The build ended with this exit code; everything there is to say is in the log. */
export class BuildFailed extends Error {
  override readonly name = "BuildFailed";
  readonly exitCode: number;
  constructor(message: string, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** A step of the build, run as the app's user in the app's folder; output goes to the log. */
export type RunStep = (argv: readonly string[], env?: Readonly<Record<string, string>>) => Promise<Exit>;

export interface BuildContext {
  readonly folder: string;
  readonly stack: Stack;
  readonly choice: Choice;
  readonly settings: Readonly<Record<string, string>>;
  readonly contentHash: string;
  /** Writable by the app's user; kept between deployments. */
  readonly cache: string;
  /** The release before this one, whose installed modules may fit. */
  readonly previous: { readonly folder: string; readonly modulesKey: string } | undefined;
  readonly run: RunStep;
  readonly log: BuildLog;
}

export interface Built {
  /** Folder of the virtual environment, for Python. */
  readonly virtualEnvironment?: string;
  /** What node_modules was installed from. */
  readonly modulesKey?: string;
  readonly manifest: Readonly<Record<string, string>>;
}

export const trueLike = (text: string | undefined): boolean => /^(true|1)$/i.test(text ?? "");

/** Runs one step. @throws BuildFailed with the tool's exit code (Oryx scripts run with `set -e`). */
export const must = async (
  context: BuildContext,
  what: string,
  argv: readonly string[],
  env?: Record<string, string>,
) => {
  const exit = await context.run(argv, env);
  if (exit.code !== 0) throw new BuildFailed(`${what} failed with ${describeExit(exit)}.`, exit.code ?? 1);
};
