import type { Caller, PlatformEffect } from "./caller.ts";
import type { Clock } from "./clock.ts";
import type { Need } from "./decision.ts";
import type { Eventually } from "./eventually.ts";
import type { Ids } from "./ids.ts";
import type { Body, Method, Reply, Request } from "./message.ts";

/** On whose authority an invoked operation runs. Exactly these three; each is recorded. */
export type Authority =
  | { readonly as: "caller" }
  | { readonly as: "resource-identity"; readonly resourceId: string }
  | { readonly as: "platform"; readonly effect: PlatformEffect };

/** An operation invoked inside the tenant, on a host that the tenant serves. */
export interface Invocation {
  readonly method: Method;
  readonly host: string;
  /** Path with query, percent-encoded. */
  readonly path: string;
  readonly json?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A request made of a part of another one (batch part, copy source); it carries its own credentials. */
export type Part = Request;

/** What a handler is given: everything about one request, and the only doors to further rights. */
export interface Call<Target = unknown, Parameters = Readonly<Record<string, string>>> {
  /** Request id, a GUID; echoed to the client. */
  readonly id: string;
  readonly operation: string;
  readonly request: Request;
  readonly body: Body;
  readonly parameters: Parameters;
  readonly target: Target;
  readonly caller: Caller;
  readonly clock: Clock;
  readonly ids: Ids;
  /** Demands a further right of the same caller; recorded. @throws the service's refusal */
  require(need: Need): Eventually<void>;
  /** Asks without demanding (lists that are filtered); not recorded as a refusal. */
  permits(need: Need): Promise<boolean>;
  /** Sends a part through the whole chain, authentication included. */
  dispatch(part: Part): Promise<Reply>;
  /** Runs an operation of the tenant on one of the three authorities. */
  invoke(authority: Authority, invocation: Invocation): Promise<Reply>;
}
