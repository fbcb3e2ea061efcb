import { type Command, type Invocation, numberOf } from "../command.ts";
import { exitCodes } from "../exit-codes.ts";
import { startLifetime } from "../lifetime.ts";
import { defaultPort, open, tenantOptions } from "../tenants.ts";

const run = async (invocation: Invocation): Promise<number> => {
  const { values, output } = invocation;
  if (values["detach"] === true) return (await import("../detached.ts")).startDetached(invocation);
  const reportTo = numberOf(values, "report-fd", 3, 255);
  const detached = reportTo !== undefined;
  const lifetime = startLifetime(detached);
  const report = detached ? (await import("../detached.ts")).reporter(reportTo) : undefined;
  try {
    const session = await open(invocation, { defaultPort, onStop: () => lifetime.end("requested") });
    const ready = { ...(await session.status()), milliseconds: performance.now(), detached };
    // In the background nobody looks on: `lanyard logs` shows the requests, from the log that is kept anyway.
    if (!detached) session.log.follow((entry) => output.emit({ type: "request", entry }));
    output.emit({ type: "ready", ready });
    report?.ready(ready);
    const reason = await lifetime.ended;
    if (reason === "orphaned")
      output.emit({ type: "notice", text: "npm, which started this tenant, is gone; stopping" });
    await session.close();
    return exitCodes.ok;
  } catch (error) {
    report?.failed(error);
    throw error;
  } finally {
    lifetime.release();
  }
};

export const command: Command = {
  name: "up",
  summary: "Start the tenant; show every request. Ctrl-C stops it.",
  usage: "[-d] [options]",
  options: {
    detach: { type: "boolean", short: "d", help: "return when it is ready; it runs on until `lanyard down`" },
    ...tenantOptions,
    "report-fd": { type: "string", help: "", hidden: true },
  },
  rest: "none",
  examples: ["lanyard up -d && lanyard status", "lanyard up --port 0 --state /tmp/try"],
  run,
};
