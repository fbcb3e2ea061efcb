import { existsSync, readFileSync } from "node:fs";
import { join as joinPath } from "node:path";
import { logFileName } from "../../control/decision-log.ts";
import { holderOf } from "../../control/lock.ts";
import type { LogEntry } from "../../control/log-entry.ts";
import { type Command, type Invocation, numberOf } from "../command.ts";
import { exitCodes } from "../exit-codes.ts";
import { startLifetime } from "../lifetime.ts";
import { join, notRunning } from "../tenants.ts";

const run = async (invocation: Invocation): Promise<number> => {
  const { values, output, place } = invocation;
  const follow = values["follow"] === true;
  const denied = values["denied"] === true;
  const last = numberOf(values, "last", 0, 2000) ?? 100;
  const show = (entry: LogEntry): void => output.emit({ type: "request", entry });
  if (holderOf(place) === undefined) {
    if (follow) throw notRunning(invocation);
    const entries = fromFile(joinPath(place.state, "logs", logFileName), denied);
    for (const entry of last === 0 ? [] : entries.slice(-last)) show(entry);
    return exitCodes.ok;
  }
  const { client } = await join(invocation);
  const lifetime = startLifetime();
  const reading = (async () => {
    for await (const entry of client.logs({ follow, denied, last })) show(entry);
  })();
  await Promise.race([reading, lifetime.ended]);
  lifetime.release();
  if (follow) process.exit(exitCodes.ok);
  return exitCodes.ok;
};

/** What was written before; a line that a crash cut short is left out. */
const fromFile = (file: string, denied: boolean): LogEntry[] => {
  if (!existsSync(file)) return [];
  return readFileSync(file, "utf8")
    .split("\n")
    .flatMap((line) => {
      try {
        const entry = JSON.parse(line) as LogEntry;
        return denied && !entry.refused ? [] : [entry];
      } catch {
        return [];
      }
    });
};

export const command: Command = {
  name: "logs",
  summary: "Show decided requests: who asked for what, and for a refusal what was missing.",
  usage: "[-f] [--denied] [options]",
  options: {
    follow: { type: "boolean", short: "f", help: "go on with what comes" },
    denied: { type: "boolean", help: "refusals only" },
    last: { type: "string", short: "n", value: "N", help: "how many of the past ones (default 100)" },
  },
  rest: "none",
  run,
};
