import { type Command, type Invocation, usageProblem } from "../command.ts";
import { exitCodes } from "../exit-codes.ts";
import { join } from "../tenants.ts";

const run = async (invocation: Invocation): Promise<number> => {
  const [action, app, ...more] = invocation.rest;
  if (action !== "rotate" || app === undefined || more.length > 0)
    throw usageProblem("identity wants: rotate NAME.", "identity");
  const { client } = await join(invocation);
  const rotation = await client.rotateIdentity(app);
  const then = rotation.restarted
    ? "it was restarted with the new one"
    : "start it again with lanyard run: what runs holds the old one";
  invocation.output.emit({
    type: "result",
    value: rotation,
    text: `${rotation.app}: the identity header and proxy credential are new; ${then}\n`,
  });
  return exitCodes.ok;
};

export const command: Command = {
  name: "identity",
  summary: "Give an app a new identity header, as the platform does at times: the old one is worthless at once.",
  usage: "rotate NAME [options]",
  options: {},
  rest: "words",
  examples: ["lanyard identity rotate my-app"],
  run,
};
