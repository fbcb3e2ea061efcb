import { type ClockView, durationOf, instantOf } from "../../control/clock.ts";
import type { ClockChange } from "../../kernel/clock.ts";
import { type Command, type Invocation, usageProblem } from "../command.ts";
import { exitCodes } from "../exit-codes.ts";
import { join } from "../tenants.ts";

const run = async (invocation: Invocation): Promise<number> => {
  const change = changeOf(invocation.rest);
  const { client } = await join(invocation);
  const view = await client.clock(change);
  invocation.output.emit({ type: "result", value: view, text: textOf(view) });
  return exitCodes.ok;
};

const changeOf = ([action = "show", argument, ...more]: readonly string[]): ClockChange | undefined => {
  const wanted = action === "advance" || action === "set" ? 1 : 0;
  if (more.length > 0 || (argument === undefined ? 0 : 1) !== wanted)
    throw usageProblem(
      `clock ${action} takes ${wanted === 0 ? "nothing" : action === "set" ? "an ISO time" : "a duration"}.`,
      "clock",
    );
  switch (action) {
    case "show":
      return undefined;
    case "advance":
      return { kind: "advance", by: durationOf(argument ?? "") };
    case "set":
      return { kind: "set", to: instantOf(argument ?? "") };
    case "freeze":
    case "resume":
    case "reset":
      return { kind: action };
    default:
      throw usageProblem(`There is no "clock ${action}".`, "clock");
  }
};

const textOf = ({ now, offset, frozen }: ClockView): string => {
  const apart =
    Math.abs(offset) < 1000 ? "the machine's time" : `${spell(Math.abs(offset))} ${offset < 0 ? "behind" : "ahead"}`;
  return `${now}  ${apart}${frozen ? ", frozen" : ""}\n`;
};

const spell = (milliseconds: number): string => {
  const seconds = Math.round(milliseconds / 1000);
  const parts = [
    [Math.floor(seconds / 86_400), "d"],
    [Math.floor(seconds / 3600) % 24, "h"],
    [Math.floor(seconds / 60) % 60, "m"],
    [seconds % 60, "s"],
  ] as const;
  return parts
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count}${unit}`)
    .join(" ");
};

export const command: Command = {
  name: "clock",
  summary: "Show or move the tenant's clock: token expiry, leases, retention and caches go with it.",
  usage: "[show | advance DURATION | set TIME | freeze | resume | reset] [options]",
  options: {},
  rest: "words",
  examples: ["lanyard clock advance 25h", "lanyard clock set 2030-01-31T12:00:00Z", "lanyard clock reset"],
  run,
};
