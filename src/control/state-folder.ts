/**
 * Where a tenant keeps what it must not lose (state) and its sockets (runtime). Both lie outside the project, so that
 * no deployment can ship them, and nobody else can enter either (ADR 1).
 */
import { createHash } from "node:crypto";
import { chmodSync, existsSync, lstatSync, mkdirSync, readdirSync, realpathSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { hasCode, Problem } from "./problem.ts";

export interface Machine {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
  readonly home: string;
  readonly uid: number;
}

/** Where a tenant's folders are; nothing needs to exist. */
export interface Place {
  /** Name for people: the project folder's. */
  readonly name: string;
  readonly project: string;
  readonly state: string;
  readonly runtime: string;
  /** The control API's socket. */
  readonly socket: string;
}

export const thisMachine = (): Machine => ({
  cwd: process.cwd(),
  env: process.env,
  platform: process.platform,
  home: homedir(),
  uid: process.getuid?.() ?? 0,
});

/** `sun_path` holds 108 bytes on Linux and 104 on macOS, with the final zero. */
const socketPathLimit = 103;
const marker = "lanyard.json";
const projectFiles = ["package.json", "pyproject.toml", "requirements.txt", "pom.xml", "go.mod"];

const mark = (text: string): string => createHash("sha256").update(text).digest("hex").slice(0, 12);

const above = (folder: string): readonly string[] =>
  dirname(folder) === folder ? [folder] : [folder, ...above(dirname(folder))];

/** The folder that a person would call the project: the repository's, else the nearest with a manifest, else `cwd`. */
export const projectFolder = (cwd: string, home: string): string => {
  const folders = above(cwd).filter((folder) => folder !== home && folder !== "/");
  const repository = folders.find((folder) => existsSync(join(folder, ".git")));
  if (repository !== undefined) return repository;
  return folders.find((folder) => projectFiles.some((file) => existsSync(join(folder, file)))) ?? cwd;
};

/** The folder that holds every project's state. */
export const stateBase = ({ env, platform, home }: Machine): string => {
  if (platform === "darwin") return join(home, "Library", "Application Support", "lanyard");
  const base = env["XDG_STATE_HOME"];
  return join(base === undefined || base === "" ? join(home, ".local", "state") : base, "lanyard");
};

/** The folder that holds every tenant's runtime folder. */
export const runtimeBase = ({ env, uid }: Machine): string => {
  const given = env["XDG_RUNTIME_DIR"];
  // The part that we add is 37 bytes long.
  if (given !== undefined && given.startsWith("/") && given.length <= socketPathLimit - 37 && isOwnFolder(given, uid))
    return join(given, "lanyard");
  return `/tmp/lanyard-${uid}`;
};

/** Names a tenant's folders. @param state value of `--state`, relative to `cwd` */
export const locate = (machine: Machine, state?: string): Place => {
  const project = real(projectFolder(machine.cwd, machine.home));
  const name = basename(project).replaceAll(/[^\w.-]+/g, "-") || "root";
  const folder =
    state === undefined ? join(stateBase(machine), `${name}-${mark(project)}`) : resolve(machine.cwd, state);
  const canonical = real(folder);
  const runtime = join(runtimeBase(machine), mark(canonical));
  return { name, project, state: canonical, runtime, socket: join(runtime, "control.sock") };
};

/** The path without links, as far as it exists: two spellings of a folder are one tenant. */
const real = (path: string): string => {
  if (existsSync(path)) return realpathSync(path);
  return dirname(path) === path ? path : join(real(dirname(path)), basename(path));
};

const isOwnFolder = (folder: string, uid: number): boolean => {
  const found = lstatSync(folder, { throwIfNoEntry: false });
  return found !== undefined && found.isDirectory() && found.uid === uid;
};

/**
 * Creates both folders, or checks that they are ours and closed to others.
 * @throws Problem when a folder belongs to somebody else, or holds something that is no state of ours
 */
export const prepare = (place: Place, uid: number): void => {
  mkdirSync(dirname(place.state), { recursive: true, mode: 0o700 });
  const isNew = own(place.state, uid, "state");
  if (!existsSync(join(place.state, marker))) {
    // Closing a folder to others and filling it must not happen to somebody's home because of a mistyped option.
    if (!isNew && readdirSync(place.state).length > 0)
      throw new Problem({
        code: "not-a-state-folder",
        what: `${place.state} holds files that are not Lanyard's.`,
        why: "A state folder is empty at first, or was made by Lanyard.",
        help: ["--state DIR with a folder that is empty or does not exist"],
      });
    const content = { layout: 1, project: place.project };
    writeFileSync(join(place.state, marker), `${JSON.stringify(content)}\n`, { mode: 0o600 });
  }
  close(place.state);
  for (const folder of [dirname(place.runtime), place.runtime]) {
    own(folder, uid, "runtime");
    close(folder);
  }
};

/** Folders below the top ones that only we enter. */
export const privateFolder = (path: string): string => {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  return path;
};

/**
 * In /tmp somebody else may have made the folder first, or a link in its place: then it is not used.
 * @returns true when it was created just now
 */
const own = (folder: string, uid: number, what: "state" | "runtime"): boolean => {
  let isNew = true;
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    if (!hasCode(error, "EEXIST")) throw error;
    isNew = false;
  }
  const found = lstatSync(folder);
  if (found.isDirectory() && found.uid === uid) return isNew;
  throw new Problem({
    code: "foreign-folder",
    what: `The ${what} folder ${folder} is not a folder of yours (user ${found.uid}).`,
    why: "Whoever owns it could read the tenant's secrets or take over its socket.",
    help: [
      what === "state" ? "--state DIR with another folder" : "set XDG_RUNTIME_DIR to a folder of yours, mode 0700",
    ],
  });
};

/** 0711 is what the PostgreSQL host makes of a folder when root runs it: others pass through, and see nothing. */
const close = (folder: string): void => {
  const mode = lstatSync(folder).mode & 0o777;
  if ((mode & 0o066) !== 0 || (mode & 0o700) !== 0o700) chmodSync(folder, 0o700);
};
