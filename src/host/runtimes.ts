/** Node and Python installations of this machine, and which one an app gets. */
import { execFile } from "node:child_process";
import { constants } from "node:fs";
import { access, readdir, realpath } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { promisify } from "node:util";
import { reachableByOthers } from "./isolation.ts";
import type { Language } from "./stack.ts";

export interface Runtime {
  readonly language: Language;
  /** Full version, e.g. `22.14.0`. */
  readonly version: string;
  /** The interpreter, links resolved for Node only: a Python must be called by the name its libraries are found by. */
  readonly executable: string;
  /** Node only: npm-cli.js. */
  readonly npm?: string;
}

const run = promisify(execFile);

const runnable = (path: string): Promise<boolean> =>
  access(path, constants.X_OK).then(
    () => true,
    () => false,
  );

const children = async (folder: string): Promise<string[]> =>
  (await readdir(folder).catch(() => [])).map((name) => join(folder, name));

const pathFolders = (): string[] => [
  ...new Set([...(process.env["PATH"] ?? "").split(delimiter), "/usr/local/bin", "/usr/bin", "/opt/homebrew/bin"]),
];

const versionOf = async (executable: string): Promise<string | undefined> => {
  try {
    const { stdout } = await run(executable, ["--version"], { timeout: 10_000, env: { PATH: "/usr/bin:/bin" } });
    return /(\d+\.\d+\.\d+)/.exec(stdout)?.[1];
  } catch {
    return undefined;
  }
};

const npmBeside = async (executable: string): Promise<string | undefined> => {
  const fromNpm = process.env["npm_execpath"];
  const candidates = [
    join(dirname(executable), "../lib/node_modules/npm/bin/npm-cli.js"),
    ...(fromNpm !== undefined && fromNpm.endsWith("npm-cli.js") ? [fromNpm] : []),
    ...pathFolders().map((folder) => join(folder, "npm")),
  ];
  for (const candidate of candidates) {
    const real = await realpath(candidate).catch(() => undefined);
    if (real?.endsWith("npm-cli.js") === true) return real;
  }
  return undefined;
};

const nodeCandidates = async (): Promise<string[]> => {
  const home = homedir();
  const below = async (folder: string, tail: string) => (await children(folder)).map((each) => join(each, tail));
  return [
    process.execPath,
    ...pathFolders().map((folder) => join(folder, "node")),
    ...(await below(process.env["NVM_DIR"] ?? join(home, ".nvm/versions/node"), "bin/node")),
    ...(await below(join(home, ".nvm/versions/node"), "bin/node")),
    ...(await below(join(home, ".local/share/fnm/node-versions"), "installation/bin/node")),
    ...(await below(join(home, ".volta/tools/image/node"), "bin/node")),
  ];
};

const pythonCandidates = async (): Promise<string[]> => {
  const home = homedir();
  const named = (await Promise.all(pathFolders().map(children)))
    .flat()
    .filter((path) => /\/python3(\.\d+)?$/.test(path) && !path.includes("/shims/"));
  const managed = [
    ...(await children(join(process.env["PYENV_ROOT"] ?? join(home, ".pyenv"), "versions"))),
    ...(await children(join(home, ".local/share/uv/python"))),
  ].map((folder) => join(folder, "bin/python3"));
  return [...named, ...managed];
};

export interface RuntimeSearch {
  readonly found: readonly Runtime[];
  /** Installed, but in folders that an app's own user cannot enter. */
  readonly closed: readonly Runtime[];
}

/**
 * All installations of a language, newest first.
 * @param ownUsers apps run as users of their own: only what any user can reach is of use.
 */
export const findRuntimes = async (language: Language, ownUsers: boolean): Promise<RuntimeSearch> => {
  const candidates = language === "node" ? await nodeCandidates() : await pythonCandidates();
  const seen = new Set<string>();
  const found: Runtime[] = [];
  const closed: Runtime[] = [];
  await Promise.all(
    candidates.map(async (candidate) => {
      const real = await realpath(candidate).catch(() => undefined);
      if (real === undefined || seen.has(real) || !(await runnable(real))) return;
      seen.add(real);
      const version = await versionOf(real);
      if (version === undefined || (language === "python" && !version.startsWith("3."))) return;
      const npm = language === "node" ? await npmBeside(real) : undefined;
      const runtime = { language, version, executable: real, ...(npm === undefined ? {} : { npm }) };
      (ownUsers && !reachableByOthers(real, true) ? closed : found).push(runtime);
    }),
  );
  const order = (a: Runtime, b: Runtime) => b.version.localeCompare(a.version, "en", { numeric: true });
  return { found: found.sort(order), closed: closed.sort(order) };
};

export interface Choice {
  readonly runtime: Runtime;
  /** False: another version than the one asked for. */
  readonly exact: boolean;
}

/** Same prefix of version numbers, else same major, else the newest: "nearest installed version of the same language". */
export const chooseRuntime = (version: string, runtimes: readonly Runtime[]): Choice | undefined => {
  const wanted = version.split(".").filter((part) => part !== "");
  const matches = (runtime: Runtime, parts: number) =>
    wanted.slice(0, parts).every((part, at) => runtime.version.split(".")[at] === part);
  const exact = runtimes.find((runtime) => matches(runtime, wanted.length));
  if (exact !== undefined) return { runtime: exact, exact: true };
  // Newest of the same major, the nearest minor first: 3.9 asked, 3.10 before 3.13.
  const minor = Number(wanted[1] ?? 0);
  const distance = (runtime: Runtime) => Math.abs(Number(runtime.version.split(".")[1]) - minor);
  const sameMajor = runtimes.filter((runtime) => matches(runtime, 1)).sort((a, b) => distance(a) - distance(b));
  const major = Number(wanted[0] ?? 0);
  const byMajor = runtimes.toSorted(
    (a, b) => Math.abs(Number.parseInt(a.version, 10) - major) - Math.abs(Number.parseInt(b.version, 10) - major),
  );
  const runtime = sameMajor[0] ?? byMajor[0];
  return runtime === undefined ? undefined : { runtime, exact: false };
};
