import type { Caller } from "./caller.ts";
import type { Call } from "./call.ts";
import type { Clock } from "./clock.ts";
import type { Need, Verdict } from "./decision.ts";
import type { Eventually } from "./eventually.ts";
import type { Fault } from "./fault.ts";
import type { Reply, Request } from "./message.ts";
import type { AnyOperation, Match, Matcher } from "./operation.ts";

/** What is known of a request before and after matching: enough for authentication and wording. */
export interface Exchange<Target> {
  readonly id: string;
  readonly request: Request;
  readonly clock: Clock;
  readonly match: Match<Target> | undefined;
  readonly target: Target | undefined;
  readonly caller: Caller | undefined;
}

/** How a surface words its answers. */
export interface Dialect {
  readonly name: string;
  /** Headers that every reply of the surface carries. */
  headers(exchange: Exchange<unknown>): Readonly<Record<string, string>>;
  fault(fault: Fault, exchange: Exchange<unknown>): Reply;
}

/** Tries one kind of credential. Undefined: the request does not carry it. @throws Fault for a bad credential */
export type Authenticator<Target> = (exchange: Resolved<Target>) => Eventually<Caller | undefined>;

export type Resolved<Target> = Exchange<Target> & { readonly match: Match<Target>; readonly target: Target };

/** Who decides for a kind of caller: Azure RBAC, access policies, Cosmos roles, SAS, account keys, anonymous access. */
export interface Decider<Target> {
  readonly name: string;
  applies(caller: Caller, target: Target): boolean;
  decide(question: { caller: Caller; need: Need; target: Target; request: Request }): Eventually<Verdict>;
  /** May this caller do `action` somewhere at or below the scope? For filtered lists; default: `decide`. */
  somewhere?(question: { caller: Caller; need: Need; target: Target }): Eventually<Verdict>;
}

export type HostRule =
  /** One host, e.g. `management.azure.com`. */
  | { readonly exact: string }
  /** Every existing resource's host below a suffix, e.g. `.blob.core.windows.net`. */
  | { readonly suffix: string; exists(label: string): Eventually<boolean> };

/** A service: one folder, one shape. */
export interface Service<Target = unknown> {
  /** Short name for logs: `blob`, `arm`, `entra`. */
  readonly name: string;
  readonly title: string;
  readonly hosts: readonly HostRule[];
  readonly dialect: Dialect;
  readonly operations: readonly AnyOperation<Target>[];
  /** Replaces the path router where a service's addresses are not templates (ARM ids). */
  readonly match?: Matcher<Target>;
  /** What the request is about: account, vault, site. Its settings decide which deciders apply. @throws Fault */
  resolve(request: Request, match: Match<Target>): Eventually<Target>;
  /** Scope that `needs` are checked at unless they say `at`. */
  scope(call: Call<Target>): string;
  /** Tried in order; when none applies the caller is anonymous. */
  readonly authenticators: readonly Authenticator<Target>[];
  /** Asked in order; the first that applies decides. */
  readonly deciders: readonly Decider<Target>[];
  /** Words the refusal of a need. Anonymous callers usually get a 401 challenge here. */
  refuse(call: Call<Target>, need: Need, verdict: Verdict & { allowed: false }): Fault;
  /** The path as logs show it, for a service whose paths hold secrets. Default: as sent. */
  shownPath?(request: Request): string;
  /** No operation matches: 404, 400 or 501 in the surface's shape. */
  unmatched(request: Request): Fault;
}

/**
 * A service without the type of its target, for the kernel's list. Sound because the kernel gives a service only targets
 * that the service's own `resolve` made.
 */
export const anyService = <Target>(service: Service<Target>): Service => service as unknown as Service;
