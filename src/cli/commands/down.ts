import { setTimeout as delay } from "node:timers/promises";
import { controlClient } from "../../control/client.ts";
import { holderOf } from "../../control/lock.ts";
import { Problem } from "../../control/problem.ts";
import { isSameProcess } from "../../control/processes.ts";
import type { Command, Invocation } from "../command.ts";
import { exitCodes } from "../exit-codes.ts";
import { shortPath } from "../ready.ts";

const limit = 30_000;

const run = async (invocation: Invocation): Promise<number> => {
  const { place, output } = invocation;
  const holder = holderOf(place);
  if (holder === undefined) {
    output.emit({
      type: "result",
      value: { stopped: false, state: place.state },
      text: `No tenant runs on ${shortPath(place.state)}.\n`,
    });
    return exitCodes.ok;
  }
  try {
    await controlClient(holder.socket).stop();
  } catch {
    // It does not listen (still starting, or hanging): a signal asks for the same.
    process.kill(holder.pid, "SIGTERM");
  }
  const end = performance.now() + limit;
  while (isSameProcess(holder.pid, holder.started)) {
    if (performance.now() > end)
      throw new Problem({
        code: "still-running",
        what: `The tenant (process ${holder.pid}) has not stopped within ${limit / 1000} seconds.`,
        help: [`kill -9 ${holder.pid}    (nothing that was acknowledged is lost)`],
      });
    await delay(20);
  }
  output.emit({
    type: "result",
    value: { stopped: true, pid: holder.pid, state: place.state },
    text: `The tenant of ${shortPath(place.state)} has stopped.\n`,
  });
  return exitCodes.ok;
};

export const command: Command = {
  name: "down",
  summary: "Stop the tenant.",
  usage: "[options]",
  options: {},
  rest: "none",
  run,
};
