/**
 * One tenant per state folder. The lock file says who has it, so that a second command can join, wait or explain. The
 * store has a lock of the kernel's besides (src/store/sqlite/lock.ts): it catches what could slip through between
 * finding a stale file here and replacing it.
 */
import { linkSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { hasCode, Problem } from "./problem.ts";
import { isSameProcess, processFacts } from "./processes.ts";
import type { Place } from "./state-folder.ts";

/** Who has a state folder. Written at the start, completed when the tenant is ready. */
export interface Holder {
  readonly pid: number;
  /** See `ProcessFacts.started`. */
  readonly started: string;
  readonly command: string;
  readonly state: string;
  readonly socket: string;
  /** Gateway port; undefined while it starts. */
  readonly port?: number;
}

export interface Lock {
  /** Says in the lock file that the tenant is ready. */
  announce(port: number): void;
  release(): void;
}

const lockFile = (place: Place): string => join(place.state, "tenant.lock");
/** A copy where tenants of other projects look for who has a port. */
const copyFile = (runtime: string): string => join(runtime, "tenant.json");

const read = (file: string): Holder | undefined => {
  try {
    const found = JSON.parse(readFileSync(file, "utf8")) as Holder;
    return typeof found.pid === "number" && typeof found.started === "string" ? found : undefined;
  } catch {
    return undefined;
  }
};

/** Who has the state folder now; undefined when nobody has. */
export const holderOf = (place: Place): Holder | undefined => {
  const found = read(lockFile(place));
  return found !== undefined && isSameProcess(found.pid, found.started) ? found : undefined;
};

/** Every running tenant of this user whose runtime folder lies beside this one. */
export const runningTenants = (place: Place): readonly Holder[] => {
  const base = dirname(place.runtime);
  let names: readonly string[] = [];
  try {
    names = readdirSync(base);
  } catch {
    return [];
  }
  return names.flatMap((name) => {
    const found = read(copyFile(join(base, name)));
    return found !== undefined && isSameProcess(found.pid, found.started) ? [found] : [];
  });
};

/** Takes the state folder. @throws Problem `locked` naming who has it */
export const acquire = (place: Place): Lock => {
  const facts = processFacts(process.pid);
  const mine: Holder = {
    pid: process.pid,
    started: facts?.started ?? "",
    command: (facts?.command ?? process.argv.join(" ")).slice(0, 200),
    state: place.state,
    socket: place.socket,
  };
  const file = lockFile(place);
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, JSON.stringify(mine), { mode: 0o600 });
  try {
    take(draft, file, place);
  } finally {
    rmSync(draft, { force: true });
  }
  const copy = copyFile(place.runtime);
  return {
    announce: (port) => {
      const text = JSON.stringify({ ...mine, port });
      for (const target of [file, copy]) {
        writeFileSync(`${target}.new`, text, { mode: 0o600 });
        renameSync(`${target}.new`, target);
      }
    },
    release: () => {
      rmSync(copy, { force: true });
      if (read(file)?.pid === process.pid) rmSync(file, { force: true });
    },
  };
};

/** `link` is atomic and brings the content along: nobody ever sees an empty lock. */
const take = (draft: string, file: string, place: Place): void => {
  for (let attempt = 0; attempt < 5; attempt += 1) {
    try {
      linkSync(draft, file);
      return;
    } catch (error) {
      if (!hasCode(error, "EEXIST")) throw error;
    }
    const holder = holderOf(place);
    if (holder !== undefined) throw locked(holder);
    // Renamed before it is removed: of two processes that saw it stale, one gets it.
    const stale = `${file}.stale.${process.pid}`;
    try {
      renameSync(file, stale);
      rmSync(stale, { force: true });
    } catch (error) {
      if (!hasCode(error, "ENOENT")) throw error;
    }
  }
  throw new Problem({
    code: "locked",
    what: `The state folder ${place.state} could not be taken: another process keeps taking it.`,
    help: ["lanyard status"],
  });
};

const locked = (holder: Holder): Problem =>
  new Problem({
    code: "locked",
    what: `A tenant already runs on ${holder.state}: process ${holder.pid}${holder.port === undefined ? ", starting" : `, port ${holder.port}`}.`,
    why: `One tenant per state folder. It was started as: ${holder.command}`,
    help: ["join it: lanyard run -- CMD, or lanyard env", "end it: lanyard down", "or start another: --state DIR"],
  });
