import type { Caller } from "./caller.ts";

/** What one check asked: an action (control plane) or a data action, at a scope (a resource id). */
export interface Need {
  readonly kind: "action" | "data";
  readonly name: string;
  readonly scope: string;
  /** Attributes for conditions, by `@Source[type:name]` spelled as `Source[type:name]`. */
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
  /** Suboperation names for `SubOperationMatches`. */
  readonly subOperation?: string;
  /** The caller has the operation's own right; this one is on a linked resource (ARM's LinkedAuthorizationFailed). */
  readonly linkedTo?: { readonly name: string; readonly scope: string };
}

export type AttributeValue = string | number | boolean | readonly string[];

export interface Allowed {
  readonly allowed: true;
  /** The assignment, policy, key or rule that allowed it. */
  readonly via: string;
}

export interface Refused {
  readonly allowed: false;
  readonly reason: string;
  /** `deny-assignment`, `condition`, `no-assignment`, ...: what a service words its refusal by. */
  readonly cause: string;
  /** What would allow it, for humans: the smallest role, a command. */
  readonly hint?: string;
  readonly detail?: Readonly<Record<string, unknown>>;
}

export type Verdict = Allowed | Refused;

export interface Check {
  readonly need: Need;
  readonly verdict: Verdict;
}

/**
 * One request and what was decided about it: the only record of who did what. Activity log, `explain`, `advise`, the
 * request log and test assertions are views of this stream. Never holds a secret: paths are without query strings.
 */
export interface Decision {
  readonly id: string;
  /** Id of the request that this one is a part of (batch part, copy source, invoked operation). */
  readonly parent?: string;
  /** Tenant time, milliseconds. */
  readonly time: number;
  readonly service: string;
  readonly operation: string;
  readonly method: string;
  readonly host: string;
  readonly path: string;
  readonly caller: Caller | undefined;
  /** Which app's connection the request came over, if the edge knows. */
  readonly app?: string;
  readonly checks: readonly Check[];
  readonly status: number;
  /** Error code of the answer, if it was an error. */
  readonly error?: string;
  readonly message?: string;
  readonly hint?: string;
  readonly milliseconds: number;
}

/** Where decisions go. Recording never delays or fails a request. */
export interface DecisionSink {
  record(decision: Decision): void;
}

export const refused = (decision: Decision): boolean =>
  decision.status === 401 || decision.checks.some((check) => !check.verdict.allowed);
