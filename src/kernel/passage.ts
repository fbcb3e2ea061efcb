import type { Call } from "./call.ts";
import type { Caller } from "./caller.ts";
import type { Clock } from "./clock.ts";
import type { Check, DecisionSink } from "./decision.ts";
import type { Fault } from "./fault.ts";
import type { Ids } from "./ids.ts";
import type { Reply, Request } from "./message.ts";
import type { Match, Matcher } from "./operation.ts";
import type { Service } from "./service.ts";

/** One request on its way through the chain. Each step fills in what it knows. */
export interface Passage {
  readonly id: string;
  readonly parent: string | undefined;
  readonly request: Request;
  readonly service: Service;
  readonly clock: Clock;
  readonly started: number;
  match: Match<unknown> | undefined;
  target: unknown;
  /** Set beforehand only for invoked operations, which run on a given authority. */
  caller: Caller | undefined;
  call: Call | undefined;
  readonly checks: Check[];
  fault: Fault | undefined;
}

export interface Internals {
  readonly options: KernelOptions;
  readonly matchers: ReadonlyMap<Service, Matcher<unknown>>;
  pass(request: Request, caller: Caller | undefined, parent: string | undefined): Promise<Reply>;
}

export interface KernelOptions {
  readonly services: readonly Service[];
  readonly clock: Clock;
  readonly ids: Ids;
  readonly decisions: DecisionSink;
  /** Caller that acts for a resource's identity, for invocations as `resource-identity`. */
  readonly identityOf: (resourceId: string) => Promise<Caller | undefined>;
  /** Told of every failure that is ours, with its stack; clients get a plain 500. */
  readonly onError: (error: unknown, requestId: string) => void;
}
