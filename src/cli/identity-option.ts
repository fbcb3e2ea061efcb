import { type IdentityProtocol, identityProtocols, isIdentityProtocol } from "../control/identity-protocols.ts";
import { type OptionSpec, stringOf, usageProblem, type Values } from "./command.ts";

export const identitySpec: OptionSpec = {
  type: "string",
  value: "PROTOCOL",
  help: `how the app finds its identity: ${identityProtocols.join(", ")} (default: app-service)`,
};

/** Value of `--identity`. @throws Problem `usage` */
export const identityOption = (values: Values, command: string): { readonly identity?: IdentityProtocol } => {
  const identity = stringOf(values, "identity");
  if (identity === undefined) return {};
  if (stringOf(values, "as") === undefined) throw usageProblem("--identity wants --as: whose identity?", command);
  if (!isIdentityProtocol(identity))
    throw usageProblem(`--identity wants one of ${identityProtocols.join(", ")}, not "${identity}".`, command);
  return { identity };
};
