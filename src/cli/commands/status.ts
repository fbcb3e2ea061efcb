import { holderOf } from "../../control/lock.ts";
import type { Command, Invocation } from "../command.ts";
import { exitCodes } from "../exit-codes.ts";
import { appLines, columnOf, shortPath } from "../ready.ts";
import { join } from "../tenants.ts";

const run = async (invocation: Invocation): Promise<number> => {
  const { output, place } = invocation;
  if (holderOf(place) === undefined) {
    output.emit({
      type: "result",
      value: { running: false, state: place.state },
      text: `No tenant runs on ${shortPath(place.state)}.\n  -> lanyard up -d\n`,
    });
    return exitCodes.notRunning;
  }
  const { client } = await join(invocation);
  const status = await client.status();
  const width = columnOf(status.apps);
  const row = (name: string, text: string): string => `  ${name.padEnd(width)}  ${text}\n`;
  const seconds = Math.round(status.uptime / 1000);
  output.emit({
    type: "result",
    value: { running: true, ...status },
    text: [
      `Lanyard ${status.version} runs on 127.0.0.1:${status.port} (process ${status.pid}, for ${seconds} s)\n\n`,
      appLines(status.apps, width),
      row("tenant", status.tenantId),
      row("subscription", status.subscriptionId),
      row("certificate", shortPath(status.certificate)),
      row("state", shortPath(status.state)),
      ...status.warnings.map((warning) => row("warning", warning)),
    ].join(""),
  });
  return exitCodes.ok;
};

export const command: Command = {
  name: "status",
  summary: "Say whether the tenant runs, where, and with which apps. Exit code 3 when it does not.",
  usage: "[options]",
  options: {},
  rest: "none",
  run,
};
