/** A folder per runtime with `node`, `npm` and `npx` for builds and start scripts, and nothing else of ours in PATH. */
import { chmod, copyFile, cp, link, lstat, mkdir, rm, symlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Runtime } from "./runtimes.ts";

const linkOnce = async (target: string, path: string): Promise<void> => {
  await rm(path, { force: true });
  await symlink(target, path);
};

/** @returns the folder, to be put first in PATH. Others may read it, nobody else may write. */
export const prepareTools = async (runtime: Runtime, directory: string): Promise<string> => {
  const bin = join(directory, "tools", `${runtime.language}-${runtime.version}`);
  await mkdir(bin, { recursive: true, mode: 0o755 });
  const links =
    runtime.language === "node"
      ? { node: runtime.executable, npm: runtime.npm, npx: runtime.npm && join(dirname(runtime.npm), "npx-cli.js") }
      : { python: runtime.executable, python3: runtime.executable };
  for (const [name, target] of Object.entries(links)) {
    if (target !== undefined && target !== "") await linkOnce(target, join(bin, name));
  }
  return bin;
};

const exists = (path: string) =>
  lstat(path).then(
    () => true,
    () => false,
  );

/** Puts a Node that lies in a closed folder (root's home) where every user can run it: a link if possible, else a copy. */
export const publishRuntime = async (runtime: Runtime, directory: string): Promise<Runtime> => {
  const top = join(directory, "runtimes", `node-${runtime.version}`);
  const executable = join(top, "bin/node");
  await mkdir(dirname(executable), { recursive: true, mode: 0o755 });
  if (!(await exists(executable))) {
    await link(runtime.executable, executable).catch(() => copyFile(runtime.executable, executable));
    await chmod(executable, 0o755);
  }
  if (runtime.npm === undefined) return { ...runtime, executable };
  const packageFolder = dirname(dirname(runtime.npm));
  const copy = join(top, "lib/node_modules", basename(packageFolder));
  if (!(await exists(copy))) await cp(packageFolder, copy, { recursive: true, dereference: true });
  return { ...runtime, executable, npm: join(copy, "bin/npm-cli.js") };
};
