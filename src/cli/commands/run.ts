import { environmentFor, runtimeOf } from "../../control/environment.ts";
import { runChild } from "../child.ts";
import { type Command, type Invocation, stringOf, usageProblem } from "../command.ts";
import { startLifetime } from "../lifetime.ts";
import { identityOption, identitySpec } from "../identity-option.ts";
import { joinOrOpen, tenantOptions } from "../tenants.ts";

const run = async (invocation: Invocation): Promise<number> => {
  const { values, rest, machine, output } = invocation;
  if (rest.length === 0) throw usageProblem("There is no program to run.", "run");
  const lifetime = startLifetime();
  const { control, session } = await joinOrOpen(invocation, () => lifetime.end("requested"));
  try {
    const as = stringOf(values, "as");
    const grant = await control.environment({
      ...(as === undefined ? {} : { as }),
      ...identityOption(values, "run"),
      create: values["no-create"] !== true,
    });
    if (grant.app?.created === true)
      output.emit({
        type: "notice",
        text: `created web app ${grant.app.name} with a system-assigned identity in resource group lanyard`,
      });
    // Only a tenant that nobody else shows the log of.
    session?.log.follow((entry) => {
      if (entry.refused) output.emit({ type: "request", entry });
    });
    const env = await environmentFor(grant, machine.env, runtimeOf(rest[0]));
    return await runChild(rest, lifetime, { env, sweep: session !== undefined });
  } finally {
    lifetime.release();
    await session?.close();
  }
};

export const command: Command = {
  name: "run",
  summary: "Run a program in the tenant, as the developer or as an app. Starts a tenant when none runs.",
  usage: "[--as NAME [--identity PROTOCOL]] [options] -- CMD [ARGS]",
  options: {
    as: { type: "string", value: "NAME", help: "web app, container app or user-assigned identity" },
    identity: identitySpec,
    "no-create": { type: "boolean", help: "fail when there is no app of that name" },
    ...tenantOptions,
  },
  rest: "program",
  examples: [
    "lanyard run --as my-app -- npm start",
    "lanyard run --as my-identity --identity workload -- node app.js",
    "lanyard run -- npm test",
  ],
  run,
};
