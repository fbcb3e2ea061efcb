/** How scripts fail, in the service's words. */
import { badRequest, cosmosFault } from "../faults.ts";
import { Fault } from "../../../kernel/fault.ts";
import type { QueryOutcome, ScriptOutcome, Thrown } from "./protocol.ts";

const maxText = 4000;
/** Clients refuse headers beyond some length: 16 KB for all of them in Node. */
const maxLogHeader = 8 * 1024;

/** Own frames are of no interest to whoever wrote the script. */
const stackOf = (stack: string): string =>
  stack
    .split("\n")
    .filter((line) => line.trim() !== "" && !/lanyard\.js|construct \(native\)/.test(line))
    .slice(0, 20)
    .map((line) => `   ${line.trim()}`)
    .join("\n");

const told = (what: string, { name, message, stack }: Thrown): string => {
  const error = (name === "" ? message : `${name}: ${message}`).slice(0, maxText);
  const trace = stackOf(stack);
  return `Encountered exception while ${what}. Exception = ${error}${trace === "" ? "" : `\r\nStack trace: ${error}\n${trace}`}`;
};

/** More wait than will be served in reasonable time: clients come again by themselves. */
export const busy = (): Fault =>
  cosmosFault("tooManyRequests", {}, { detail: { subStatus: 3200 }, headers: { "x-ms-retry-after-ms": "1000" } });

/** `x-ms-documentdb-script-log-results`. */
export const logHeader = (log: string): Record<string, string> => {
  let kept = log.slice(0, maxLogHeader).toWellFormed();
  while (encodeURIComponent(kept).length > maxLogHeader)
    kept = kept.slice(0, Math.floor(kept.length * 0.8)).toWellFormed();
  return { "x-ms-documentdb-script-log-results": encodeURIComponent(kept) };
};

/** The number of `throw new Error(404, "...")` is told as sub-status, the status is 400 all the same. */
export const scriptFault = (outcome: ScriptOutcome & { ok: false }, logging: boolean): Fault => {
  const fault = faultOf(outcome);
  if (!logging || outcome.log === "") return fault;
  const { status, code, message, detail } = fault;
  return new Fault({ status, code, message, detail, headers: logHeader(outcome.log) });
};

const faultOf = (outcome: ScriptOutcome & { ok: false }): Fault => {
  switch (outcome.cause) {
    case "timeout":
      return cosmosFault("scriptTimeout");
    case "tooLarge":
      return cosmosFault("tooLarge");
    case "compile":
      return badRequest(told("compiling Javascript", outcome.error));
    case "thrown":
      return badRequest(told("executing Javascript", outcome.error), outcome.error.number);
  }
};

export const queryFault = (outcome: QueryOutcome & { ok: false }): Fault => {
  switch (outcome.cause) {
    case "query":
      return cosmosFault("badQuery", { errors: outcome.errors });
    case "timeout":
      return cosmosFault("scriptTimeout");
    case "tooLarge":
      return badRequest(
        "The SQL query is too complex: its result is too large to be computed with user-defined functions. Use TOP or a filter.",
      );
    case "compile":
      return badRequest(told("compiling function", outcome.error));
    case "thrown":
      return badRequest(told("executing function", outcome.error));
  }
};
