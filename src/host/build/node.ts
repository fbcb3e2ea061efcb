/** The Node part of an Oryx build: `npm install` (never `npm ci`), `npm run build`, `npm run build:azure`. */
import { createHash } from "node:crypto";
import { join } from "node:path";
import type { readPackageJson } from "../start-command.ts";
import { isFolder, isRegular, readRegular } from "../safe-files.ts";
import { type BuildContext, BuildFailed, type Built, must, trueLike } from "./context.ts";

type PackageJson = Awaited<ReturnType<typeof readPackageJson>>;

const dependencyKeys = [
  "dependencies",
  "devDependencies",
  "optionalDependencies",
  "peerDependencies",
  "overrides",
  "workspaces",
  "engines",
  "bundleDependencies",
] as const;

/** What an installed node_modules depends on; equal keys need no new installation. */
const modulesKeyOf = async (context: BuildContext, found: NonNullable<PackageJson>): Promise<string> => {
  const hash = createHash("sha256");
  hash.update(`${process.platform} ${process.arch} ${context.choice.runtime.version.split(".")[0]}\n`);
  for (const key of dependencyKeys) hash.update(`${key}=${JSON.stringify(found.all[key] ?? null)}\n`);
  for (const name of ["package-lock.json", "npm-shrinkwrap.json", "yarn.lock", ".npmrc", ".yarnrc.yml"]) {
    hash.update(`${name}=${(await readRegular(join(context.folder, name), 64 * 1024 * 1024)) ?? ""}\n`);
  }
  hash.update(`prune=${trueLike(context.settings["PRUNE_DEV_DEPENDENCIES"])}`);
  return hash.digest("hex").slice(0, 32);
};

/** `--prefix`: npm would otherwise look into the folders above for a workspace that this app might belong to. */
const npm = (context: BuildContext, ...args: readonly string[]): string[] => [
  "npm",
  ...args,
  `--prefix=${context.folder}`,
];

/** Takes over the previous release's modules when they were installed from the same lists. */
const reuseModules = async (context: BuildContext, key: string): Promise<boolean> => {
  const { previous, folder } = context;
  if (previous?.modulesKey !== key || (await isFolder(join(folder, "node_modules")))) return false;
  const source = join(previous.folder, "node_modules");
  if (!(await isFolder(source))) return false;
  return (await context.run(["cp", "-a", source, join(folder, "node_modules")])).code === 0;
};

const hasYarn = async (context: BuildContext): Promise<boolean> => {
  if (!(await isRegular(join(context.folder, "yarn.lock")))) return false;
  if ((await context.run(["/bin/sh", "-c", "command -v yarn >/dev/null"])).code === 0) return true;
  context.log("warning", "yarn.lock found, but yarn is not installed on this machine; using npm install.");
  return false;
};

export const buildNode = async (context: BuildContext, found: PackageJson): Promise<Built> => {
  const { settings, log, choice, folder } = context;
  const manifest = { PlatformName: "nodejs", NodeVersion: choice.runtime.version };
  log("info", `Using Node version: v${choice.runtime.version}`);
  const custom = settings["CUSTOM_BUILD_COMMAND"];
  if (custom !== undefined) {
    log("info", `Running '${custom}'...`);
    await must(context, "CUSTOM_BUILD_COMMAND", ["/bin/sh", "-ec", custom]);
    return { manifest };
  }
  // Without a package.json npm would take one from a folder above.
  if (found === undefined) {
    if (await isRegular(join(folder, "package.json"))) {
      throw new BuildFailed("package.json is no valid JSON object.");
    }
    log("info", "No package.json; nothing to install.");
    return { manifest };
  }
  const yarn = await hasYarn(context);
  const key = await modulesKeyOf(context, found);
  if (await reuseModules(context, key))
    log("info", "Dependencies are unchanged; using those of the previous deployment.");
  log("info", `Running '${yarn ? "yarn install --prefer-offline" : "npm install"}'...`);
  await must(
    context,
    yarn ? "yarn install" : "npm install",
    yarn ? ["yarn", "install", "--prefer-offline"] : npm(context, "install", "--prefer-offline"),
  );
  const runBuild = settings["RUN_BUILD_COMMAND"];
  if (runBuild !== undefined) {
    log("info", `Running '${runBuild}'...`);
    await must(context, "RUN_BUILD_COMMAND", ["/bin/sh", "-ec", runBuild]);
  } else {
    for (const script of ["build", "build:azure"]) {
      if (typeof found.scripts[script] !== "string") continue;
      log("info", `Running '${yarn ? "yarn" : "npm"} run ${script}'...`);
      await must(context, `npm run ${script}`, yarn ? ["yarn", "run", script] : npm(context, "run", script));
    }
  }
  if (trueLike(settings["PRUNE_DEV_DEPENDENCIES"])) {
    log("info", "Running 'npm prune --omit=dev'...");
    await must(context, "npm prune", npm(context, "prune", "--omit=dev"));
  }
  return { manifest, modulesKey: key };
};
