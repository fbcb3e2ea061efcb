/** Joining the tenant of a state folder, or starting one in this process. */
import { setTimeout as delay } from "node:timers/promises";
import { type Control, controlClient, type ControlClient } from "../control/client.ts";
import { type Holder, holderOf } from "../control/lock.ts";
import { Problem } from "../control/problem.ts";
import type { Session } from "../control/session.ts";
import { type Invocation, numberOf, stringsOf, usageProblem, type Values } from "./command.ts";

export const defaultPort = 4280;
const startLimit = 30_000;

/** Options of the commands that may start a tenant. */
export const tenantOptions = {
  "token-lifetime": { type: "string", value: "SECONDS", help: "lifetime of every token, to see renewal at work" },
  passthrough: {
    type: "string",
    multiple: true,
    value: "HOST",
    help: "an Azure host to let through to the real one; repeatable",
  },
  "trust-issuer": {
    type: "string",
    multiple: true,
    value: "URL",
    help: "an issuer whose tokens federated credentials may name; its keys are fetched; repeatable",
  },
  "no-identity-cache": {
    type: "boolean",
    help: "a new token for every managed identity request, instead of the day-long cache that Azure has",
  },
  "enforce-throughput": {
    type: "boolean",
    help: "Cosmos DB answers 429 to what goes beyond the provisioned request units",
  },
} as const;

export const notRunning = (invocation: Invocation): Problem =>
  new Problem({
    code: "not-running",
    what: `No tenant runs on ${invocation.place.state}.`,
    help: ["lanyard up -d", "lanyard run -- CMD starts one for as long as CMD runs"],
  });

/** The running tenant; one that is starting is waited for. @throws Problem `not-running` */
export const join = async (
  invocation: Invocation,
): Promise<{ readonly holder: Holder; readonly client: ControlClient }> => {
  const holder = await readyHolder(invocation);
  if (holder === undefined) throw notRunning(invocation);
  const { port } = invocation;
  if (port !== undefined && port !== 0 && port !== holder.port)
    throw new Problem({
      code: "other-port",
      what: `The tenant of ${holder.state} runs on port ${holder.port}, not ${port}.`,
      help: ["leave out --port", "lanyard down, then lanyard up --port N", "or another tenant: --state DIR"],
    });
  return { holder, client: controlClient(holder.socket) };
};

const readyHolder = async (invocation: Invocation): Promise<Holder | undefined> => {
  const end = performance.now() + startLimit;
  let holder = holderOf(invocation.place);
  while (holder !== undefined && holder.port === undefined && performance.now() < end) {
    await delay(50);
    holder = holderOf(invocation.place);
  }
  return holder;
};

export interface OpenOptions {
  /** When `--port` is absent. */
  readonly defaultPort: number;
  readonly onStop: () => void;
}

/** Starts a tenant in this process. */
export const open = async (invocation: Invocation, options: OpenOptions): Promise<Session> => {
  const { values, place, machine, output } = invocation;
  const tokenLifetime = numberOf(values, "token-lifetime", 1, 86_400);
  const { openSession } = await import("../control/session.ts");
  return openSession({
    place,
    uid: machine.uid,
    port: invocation.port ?? options.defaultPort,
    passthrough: stringsOf(values, "passthrough").map((host) => host.toLowerCase()),
    trustedIssuers: trustedIssuers(values),
    identityCache: values["no-identity-cache"] !== true,
    enforceThroughput: values["enforce-throughput"] === true,
    ...(tokenLifetime === undefined ? {} : { tokenLifetime }),
    onStop: options.onStop,
    onError: (error, where) => {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      output.emit({ type: "warning", text: `a failure of Lanyard itself (${where}): ${text}` });
    },
  });
};

const trustedIssuers = (values: Values): readonly string[] => {
  const issuers = stringsOf(values, "trust-issuer");
  for (const issuer of issuers)
    if (!URL.canParse(issuer) || new URL(issuer).protocol !== "https:")
      throw usageProblem(`--trust-issuer wants an https URL, as the \`iss\` of its tokens spells it, not "${issuer}".`);
  return issuers;
};

export interface Joined {
  readonly control: Control;
  /** Set when the tenant is this process's own. */
  readonly session: Session | undefined;
}

/** Joins the running tenant, or starts one on any free port: nobody but the program we start needs to know it. */
export const joinOrOpen = async (invocation: Invocation, onStop: () => void): Promise<Joined> => {
  if (holderOf(invocation.place) === undefined)
    try {
      const session = await open(invocation, { defaultPort: 0, onStop });
      return { control: session, session };
    } catch (error) {
      // Somebody else was quicker: then theirs is joined.
      if (!(error instanceof Problem && error.code === "locked")) throw error;
    }
  return { control: (await join(invocation)).client, session: undefined };
};
