/** Who a process is, beyond its number, which the system gives to another one later. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

export interface ProcessFacts {
  readonly pid: number;
  readonly parent: number;
  /** Anything that differs between two processes that had the same pid. */
  readonly started: string;
  readonly command: string;
}

/** Facts about a living process (a zombie is not one); undefined when there is none. */
export const processFacts = (pid: number): ProcessFacts | undefined => {
  if (!Number.isInteger(pid) || pid < 1) return undefined;
  return process.platform === "linux" ? fromProc(pid) : fromPs(pid);
};

/** Is this the very process that had the pid at that time? */
export const isSameProcess = (pid: number, started: string): boolean => processFacts(pid)?.started === started;

/** proc(5): the command name, field 2, may hold spaces and parentheses; field 22 is the start time in clock ticks since boot. */
const fromProc = (pid: number): ProcessFacts | undefined => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (fields[0] === "Z" || fields[0] === "X") return undefined;
    const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").join(" ").trim();
    return { pid, parent: Number(fields[1]), started: `${bootId()}/${fields[19]}`, command };
  } catch {
    return undefined;
  }
};

let boot: string | undefined;

/** Ticks start again at every boot. */
const bootId = (): string => {
  try {
    boot ??= readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    boot = "";
  }
  return boot;
};

const fromPs = (pid: number): ProcessFacts | undefined => {
  try {
    const line = execFileSync("ps", ["-o", "ppid=,lstart=,command=", "-p", String(pid)], {
      encoding: "utf8",
      env: { PATH: "/usr/bin:/bin", LC_ALL: "C" },
    }).trim();
    const [, parent, started, command] = /^(\d+)\s+(\w+\s+\w+\s+\d+\s+[\d:]+\s+\d+)\s+(.*)$/.exec(line) ?? [];
    return { pid, parent: Number(parent), started: started ?? "", command: command ?? "" };
  } catch {
    return undefined;
  }
};

/** All processes below one, nearest first. */
export const ancestors = (pid: number, most: number): readonly ProcessFacts[] => {
  const found: ProcessFacts[] = [];
  for (let next = processFacts(pid)?.parent; next !== undefined && next > 1 && found.length < most;) {
    const facts = processFacts(next);
    if (facts === undefined) break;
    found.push(facts);
    next = facts.parent;
  }
  return found;
};

/** Where a look costs a process, it is taken less often. */
const lookMilliseconds = process.platform === "linux" ? 500 : 3000;

/**
 * Calls `gone` when the npm (or the launcher of ours) that started this process has died without telling it: `kill -9`
 * of npm leaves its script running. Processes between it and us, such as npm's shell, may well live on.
 */
export const watchStarter = (gone: (what: string) => void, milliseconds = lookMilliseconds): (() => void) => {
  if (process.env["npm_lifecycle_event"] === undefined) return () => {};
  const line = ancestors(process.pid, 4);
  const npm = line.findIndex(({ command }) => /\bnpm(?:-cli\.js)?(?:\s|$)/.test(command));
  if (npm < 0) return () => {};
  const watched = line.slice(0, npm + 1);
  const timer = setInterval(() => {
    const lost = watched.find(({ pid, started }) => !isSameProcess(pid, started));
    if (lost === undefined) return;
    clearInterval(timer);
    gone(lost.command.slice(0, 80));
  }, milliseconds);
  timer.unref();
  return () => clearInterval(timer);
};
