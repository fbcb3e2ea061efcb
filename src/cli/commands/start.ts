import { startLifetime } from "../lifetime.ts";
import type { Command, Invocation } from "../command.ts";
import { exitCodes } from "../exit-codes.ts";
import { deploySample } from "../sample.ts";
import { defaultPort, open, tenantOptions } from "../tenants.ts";

const run = async (invocation: Invocation): Promise<number> => {
  const { output } = invocation;
  const lifetime = startLifetime();
  try {
    const session = await open(invocation, { defaultPort, onStop: () => lifetime.end("requested") });
    try {
      const deployment = deploySample(invocation, session);
      const first = await Promise.race([deployment.done.then(() => "deployed" as const), lifetime.ended]);
      if (first === "deployed") {
        const ready = { ...(await session.status()), milliseconds: performance.now(), detached: false };
        output.emit({ type: "ready", ready });
        session.log.follow((entry) => output.emit({ type: "request", entry }));
        await lifetime.ended;
      } else await deployment.stop();
    } finally {
      await session.close();
    }
    return exitCodes.ok;
  } finally {
    lifetime.release();
  }
};

export const command: Command = {
  name: "start",
  summary: "Start the tenant and deploy the restaurant-review sample to it: what `npm start` does in a checkout.",
  usage: "[options]",
  options: { ...tenantOptions },
  rest: "none",
  run,
};
