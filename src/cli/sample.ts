/**
 * Deploys the sample with its own deploy script, as anybody would: as a program of the developer's, in the environment
 * that `lanyard run` gives. The script itself sends the code only when it has changed.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Control } from "../control/client.ts";
import { environmentFor } from "../control/environment.ts";
import { Problem } from "../control/problem.ts";
import { packageFolder } from "../control/version.ts";
import { type RunningChild, startChild } from "./child.ts";
import type { Invocation } from "./command.ts";

const folder = join(packageFolder, "samples", "restaurant-reviews", "deploy");

export interface SampleDeployment {
  readonly done: Promise<void>;
  /** Ends the script and waits for its end. */
  stop(): Promise<void>;
}

export const deploySample = (invocation: Invocation, control: Control): SampleDeployment => {
  let current: RunningChild | undefined;
  let stopped = false;
  const step = async (what: string, argv: readonly string[], env: Readonly<Record<string, string>>): Promise<void> => {
    if (stopped) return;
    const lines: string[] = [];
    current = startChild(argv, {
      env,
      cwd: folder,
      sweep: true,
      onLine: (line) => {
        lines.push(line);
        if (line.trim() !== "") invocation.output.emit({ type: "notice", text: line });
      },
    });
    const code = await current.exited;
    current = undefined;
    if (code === 0 || stopped) return;
    throw new Problem({
      code: "sample-failed",
      what: `${what} failed (exit code ${code}).`,
      // All of it was shown as it came.
      ...(lines.length === 0 ? {} : { why: lines.at(-1) ?? "" }),
      help: ["lanyard logs --denied", "lanyard up starts the tenant without the sample"],
    });
  };
  const work = async (): Promise<void> => {
    if (!existsSync(folder))
      throw new Problem({
        code: "no-sample",
        what: `${folder} does not exist: the sample comes with a checkout, not with the installed package.`,
        help: ["lanyard up"],
      });
    await install(invocation, step);
    const grant = await control.environment({ create: false });
    const env = await environmentFor(grant, invocation.machine.env, "node");
    await step("Deploying the sample", [process.execPath, "deploy.ts"], env);
  };
  const done = work();
  return {
    done,
    stop: async () => {
      stopped = true;
      current?.signal("SIGTERM");
      await done.catch(() => {});
    },
  };
};

type Step = (what: string, argv: readonly string[], env: Readonly<Record<string, string>>) => Promise<void>;

/** The script's own packages, when they are not there already: a second start needs no network. */
const install = async (invocation: Invocation, step: Step): Promise<void> => {
  if (isInstalled()) return;
  invocation.output.emit({ type: "notice", text: "installing the packages of the sample's deploy script (once)" });
  const npm = invocation.machine.env["npm_execpath"];
  const command = npm?.endsWith(".js") === true ? [process.execPath, npm] : ["npm"];
  await step(
    "Installing the packages of the sample's deploy script",
    [...command, "ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
    withoutNpm(invocation.machine.env),
  );
};

interface Lockfile {
  readonly packages: Readonly<
    Record<string, { readonly integrity?: string; readonly dev?: boolean; readonly optional?: boolean }>
  >;
}

/** npm's record of what it installed agrees with the lockfile. */
const isInstalled = (): boolean => {
  const read = (...path: string[]): Lockfile["packages"] =>
    (JSON.parse(readFileSync(join(folder, ...path), "utf8")) as Lockfile).packages;
  try {
    const installed = read("node_modules", ".package-lock.json");
    return Object.entries(read("package-lock.json")).every(
      ([path, wanted]) =>
        path === "" ||
        wanted.dev === true ||
        wanted.optional === true ||
        installed[path]?.integrity === wanted.integrity,
    );
  } catch {
    return false;
  }
};

/** npm hands its settings down as `npm_*`, the folder to work in among them. */
const withoutNpm = (env: Readonly<Record<string, string | undefined>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) =>
      value === undefined || /^npm_(?:package|lifecycle|config_local_prefix|command)/.test(name) ? [] : [[name, value]],
    ),
  );
