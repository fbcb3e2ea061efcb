/**
 * What Kudu has Oryx do with a pushed archive: `oryx build SRC -o OUT --platform ... --platform-version ...`. The build
 * happens in the folder that the app later runs from, so nothing is compressed or moved afterwards; messages and the
 * manifest are Oryx's (reference: Oryx, BuildScriptGenerator; doc/hosts/appservice.md).
 */
import { join } from "node:path";
import type { Stack } from "../stack.ts";
import { readRegular } from "../safe-files.ts";
import { readPackageJson } from "../start-command.ts";
import { type BuildContext, BuildFailed, type Built, must, trueLike } from "./context.ts";
import { buildNode } from "./node.ts";
import { buildPython, bareEnvironment } from "./python.ts";

/**
 * Zip deploy copies files unless SCM_DO_BUILD_DURING_DEPLOYMENT asks for a build (docs: "Deploy files to App Service,
 * enable build automation"). ENABLE_ORYX_BUILD is on in the built-in images and may be switched off.
 */
export const buildWanted = (settings: Readonly<Record<string, string>>): boolean =>
  trueLike(settings["SCM_DO_BUILD_DURING_DEPLOYMENT"]) && trueLike(settings["ENABLE_ORYX_BUILD"] ?? "true");

/** `build.env` in the root may hold the same settings as the app (one KEY=value a line). */
const withBuildEnv = async (folder: string, settings: Readonly<Record<string, string>>) => {
  const text = (await readRegular(join(folder, "build.env"))) ?? "";
  const lines = text.split(/\r?\n/).flatMap((line) => {
    const [, name, value] = /^\s*([A-Za-z_]\w*)=(.*)$/.exec(line) ?? [];
    return name === undefined || value === undefined ? [] : [[name, value.trim().replaceAll(/^["']|["']$/g, "")]];
  });
  return { ...settings, ...Object.fromEntries(lines) } as Record<string, string>;
};

const hook = async (context: BuildContext, when: "PRE" | "POST") => {
  const line = context.settings[`${when}_BUILD_COMMAND`];
  const path = context.settings[`${when}_BUILD_SCRIPT_PATH`];
  const env = { SOURCE_DIR: context.folder, DESTINATION_DIR: context.folder };
  if (line === undefined && path === undefined) return;
  context.log("info", `Executing ${when.toLowerCase()}-build command...`);
  if (line !== undefined) await must(context, `${when}_BUILD_COMMAND`, ["/bin/sh", "-ec", line], env);
  else if (path !== undefined) {
    const script = 'chmod +x "$1" 2>/dev/null; case $1 in /*) "$1";; *) "./$1";; esac';
    await must(context, `${when}_BUILD_SCRIPT_PATH`, ["/bin/sh", "-ec", script, "hook", path], env);
  }
};

/** Detection of the one platform that Kudu passes; only needed to fail as Oryx does when its files are missing. */
const detected = async (context: BuildContext): Promise<boolean> => {
  const names = await context.run(
    context.stack.language === "node"
      ? ["/bin/sh", "-c", "ls package.json package-lock.json yarn.lock server.js app.js 2>/dev/null | grep -q ."]
      : [
          "/bin/sh",
          "-c",
          'test -e requirements.txt -o -e pyproject.toml -o -e setup.py -o -e uv.lock -o -n "$CUSTOM_REQUIREMENTSTXT_PATH" || find . -name "*.py" -o -name "*.ipynb" | grep -q .',
        ],
  );
  return names.code === 0;
};

const platformName = (stack: Stack): string => (stack.language === "node" ? "nodejs" : "python");

/** Says which interpreter is used, and that it is another one than asked for. */
const announce = ({ stack, choice, log }: BuildContext) => {
  log("info", "Detected following platforms:");
  log("info", `  ${platformName(stack)}: ${choice.runtime.version}`);
  if (!choice.exact) {
    log(
      "warning",
      `${stack.language === "node" ? "Node" : "Python"} ${stack.version} is not installed on this machine; ` +
        `using ${choice.runtime.version}, the nearest installed version (${choice.runtime.executable}).`,
    );
  }
};

/** Builds in place. @throws BuildFailed */
export const buildApp = async (input: BuildContext, now: () => number): Promise<Built> => {
  const started = now();
  const context = { ...input, settings: await withBuildEnv(input.folder, input.settings) };
  const { stack, log, folder } = context;
  if (!(await detected(context))) {
    const text = `Couldn't detect a version for the platform '${platformName(stack)}' in the repo.`;
    log("error", text);
    throw new BuildFailed(text);
  }
  announce(context);
  await hook(context, "PRE");
  const built =
    stack.language === "node" ? await buildNode(context, await readPackageJson(folder)) : await buildPython(context);
  await hook(context, "POST");
  log("info", `Total execution done in ${Math.round((now() - started) / 1000)} sec(s).`);
  return built;
};

/** Files are used as they are. A Python app still gets a virtual environment with gunicorn, which Azure's image has. */
export const prepareWithoutBuild = async (context: BuildContext): Promise<Built> => {
  if (!context.choice.exact) announce(context);
  return context.stack.language === "python" ? bareEnvironment(context) : { manifest: {} };
};
