/** `up -d`: the tenant in a session of its own, and the pipe over which it says that it is ready. */
import { spawn } from "node:child_process";
import { chmodSync, closeSync, openSync, readFileSync, writeSync } from "node:fs";
import { join as joinPath } from "node:path";
import type { Readable } from "node:stream";
import { holderOf } from "../control/lock.ts";
import { Problem } from "../control/problem.ts";
import { prepare, privateFolder } from "../control/state-folder.ts";
import type { Invocation } from "./command.ts";
import { exitCodes } from "./exit-codes.ts";
import { problemFields } from "./output.ts";
import type { Ready } from "./ready.ts";
import { join } from "./tenants.ts";

type Report = { readonly ready: Ready } | { readonly problem: ConstructorParameters<typeof Problem>[0] };

/** Writes one report to the pipe that `startDetached` reads. */
export const reporter = (descriptor: number): { ready(ready: Ready): void; failed(error: unknown): void } => {
  const send = (report: unknown): void => {
    try {
      writeSync(descriptor, `${JSON.stringify(report)}\n`);
      closeSync(descriptor);
    } catch {
      // Whoever waited has gone; the tenant runs all the same.
    }
  };
  return {
    ready: (ready) => send({ ready }),
    failed: (error) => {
      const problem =
        error instanceof Problem
          ? error
          : new Problem({ code: "failed", what: error instanceof Error ? error.message : String(error) });
      send({ problem: problemFields(problem) });
    },
  };
};

/** Starts the tenant detached, or finds it running. @returns the exit code */
export const startDetached = async (invocation: Invocation): Promise<number> => {
  const { output, place, machine } = invocation;
  if (holderOf(place) !== undefined) {
    const { client } = await join(invocation);
    output.emit({ type: "notice", text: "the tenant is running already" });
    output.emit({
      type: "ready",
      ready: { ...(await client.status()), milliseconds: performance.now(), detached: true },
    });
    return exitCodes.ok;
  }
  prepare(place, machine.uid);
  const file = joinPath(privateFolder(joinPath(place.state, "logs")), "lanyard.log");
  const log = openSync(file, "w", 0o600);
  chmodSync(file, 0o600);
  const child = spawn(process.execPath, [...process.execArgv, ...ownArguments(place.state)], {
    stdio: ["ignore", log, log, "pipe"],
    detached: true,
    cwd: "/",
  });
  closeSync(log);
  const report = await firstLine(child.stdio[3] as Readable);
  child.unref();
  if (report === undefined)
    throw new Problem({
      code: "failed",
      what: "The tenant ended before it was ready.",
      why: readFileSync(file, "utf8").slice(-2000),
      help: [`its log: ${file}`],
    });
  if ("problem" in report) throw new Problem(report.problem);
  output.emit({ type: "ready", ready: { ...report.ready, milliseconds: performance.now() } });
  return exitCodes.ok;
};

/** This command line again, without `-d`; the state folder is named, because the new process stands in `/`. */
const ownArguments = (state: string): string[] => {
  const [, script = "", ...args] = process.argv;
  const kept = args.filter((arg) => arg !== "-d" && arg !== "--detach");
  const named = kept.some((arg) => arg === "up") ? kept : ["up", ...kept];
  return [script, ...named, "--state", state, "--report-fd", "3"];
};

const firstLine = async (pipe: Readable): Promise<Report | undefined> => {
  let text = "";
  for await (const chunk of pipe.setEncoding("utf8") as AsyncIterable<string>) {
    text += chunk;
    if (text.includes("\n")) break;
  }
  const end = text.indexOf("\n");
  return end < 0 ? undefined : (JSON.parse(text.slice(0, end)) as Report);
};
