import { environmentChange } from "../../control/environment.ts";
import { type Command, type Invocation, stringOf, usageProblem } from "../command.ts";
import { exitCodes } from "../exit-codes.ts";
import { dotenvText, shellText } from "../shell.ts";
import { identityOption, identitySpec } from "../identity-option.ts";
import { join } from "../tenants.ts";

const runtimes = ["node", "python", "java", "other"] as const;

const run = async (invocation: Invocation): Promise<number> => {
  const { values, output, machine } = invocation;
  const chosen = stringOf(values, "runtime") ?? "other";
  const runtime = runtimes.find((each) => each === chosen);
  if (runtime === undefined) throw usageProblem(`--runtime wants one of ${runtimes.join(", ")}.`, "env");
  const { client } = await join(invocation);
  const as = stringOf(values, "as");
  const grant = await client.environment({
    ...(as === undefined ? {} : { as }),
    ...identityOption(values, "env"),
    create: values["no-create"] !== true,
  });
  if (grant.app?.created === true)
    output.emit({ type: "notice", text: `created web app ${grant.app.name} in resource group lanyard` });
  const { set, unset } = await environmentChange(grant, machine.env, runtime);
  output.emit({
    type: "result",
    value: set,
    text: values["dotenv"] === true ? dotenvText(set) : shellText(set, unset),
  });
  return exitCodes.ok;
};

export const command: Command = {
  name: "env",
  summary: "Print the environment of the developer, or of an app, for a shell or a tool.",
  usage: "[--as NAME] [--shell | --json | --dotenv] [options]",
  options: {
    as: { type: "string", value: "NAME", help: "web app, container app or user-assigned identity" },
    identity: identitySpec,
    "no-create": { type: "boolean", help: "fail when there is no app of that name" },
    shell: { type: "boolean", help: "export and unset lines for a POSIX shell (the default)" },
    dotenv: { type: "boolean", help: "lines for a .env file" },
    runtime: { type: "string", value: "NAME", help: "node, python, java or other: fewer variables, faster routes" },
  },
  rest: "none",
  examples: ['eval "$(lanyard env)"', "lanyard env --as my-app --dotenv > .env"],
  run,
};
