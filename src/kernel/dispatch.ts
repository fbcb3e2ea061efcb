import { authenticate, authorize } from "./authorize.ts";
import { boundedBody } from "./body.ts";
import type { Authority, Call, Invocation } from "./call.ts";
import type { Caller } from "./caller.ts";
import type { DecisionSink, Need, Verdict } from "./decision.ts";
import { type Eventually, onceKnown } from "./eventually.ts";
import { Fault, notBuilt } from "./fault.ts";
import { invocationRequest } from "./invocation.ts";
import { pathMatcher } from "./match.ts";
import { BodyTruncated, type Reply, type Request } from "./message.ts";
import type { Internals, KernelOptions, Passage } from "./passage.ts";
import type { Service } from "./service.ts";

/** Waits only where there is something to wait for: each `await` costs every request a turn of the microtask queue. */
type Step = (passage: Passage, kernel: Internals) => Eventually<Reply | void>;

/** The whole way of a request through the tenant. Encoding and recording surround it in `pass`. */
const chain: readonly Step[] = [match, resolve, authenticate, makeCall, authorize, handle];

export interface Kernel {
  readonly services: readonly Service[];
  /** Serves one request that came in at the edge. */
  handle(request: Request): Promise<Reply>;
  /** Runs an operation from inside the tenant (recovery, start-up work) on a recorded authority. */
  invoke(authority: Exclude<Authority, { as: "caller" }>, invocation: Invocation): Promise<Reply>;
  /** The service that answers a host, or undefined. */
  serviceOf(host: string): Eventually<Service | undefined>;
}

export const createKernel = (options: KernelOptions): Kernel => {
  const matchers = new Map(
    options.services.map((service) => [service, service.match ?? pathMatcher(service.operations)] as const),
  );
  const hosts = hostTable(options.services);

  const pass = async (request: Request, caller: Caller | undefined, parent: string | undefined): Promise<Reply> => {
    const served = hosts(request.host);
    const service = served instanceof Promise ? await served : served;
    if (service === undefined)
      return {
        status: 421,
        body: { json: { error: { code: "UnknownHost", message: `This tenant does not serve ${request.host}.` } } },
      };
    const passage: Passage = {
      id: options.ids.guid(),
      parent,
      request,
      service,
      clock: options.clock,
      started: performance.now(),
      match: undefined,
      target: undefined,
      caller,
      call: undefined,
      checks: [],
      fault: undefined,
    };
    const reply = encode(await run(passage, internals), passage);
    record(passage, reply, options.decisions);
    return reply;
  };
  const internals: Internals = { options, matchers, pass };

  return {
    services: options.services,
    handle: (request) => pass(request, undefined, undefined),
    invoke: async (authority, invocation) => {
      const caller = await callerOf(authority, undefined, options);
      return pass(invocationRequest(invocation), caller, undefined);
    },
    serviceOf: hosts,
  };
};

const run = async (passage: Passage, kernel: Internals): Promise<Reply> => {
  try {
    for (const step of chain) {
      const done = step(passage, kernel);
      const reply = done instanceof Promise ? await done : done;
      if (reply !== undefined) return reply;
    }
    throw new Error(`No step answered ${passage.match?.operation.name}.`);
  } catch (error) {
    passage.fault = asFault(error, passage.request.signal.aborted, (unexpected) =>
      kernel.options.onError(unexpected, passage.id),
    );
    return passage.service.dialect.fault(passage.fault, passage);
  }
};

const asFault = (error: unknown, aborted: boolean, report: (error: unknown) => void): Fault => {
  if (error instanceof Fault) return error;
  // A stream that the client broke off ends with an error of its socket; that is no failure of ours.
  if (error instanceof BodyTruncated || aborted)
    return new Fault({
      status: 400,
      code: "IncompleteBody",
      message: "The client closed the connection before the end of the request.",
    });
  report(error);
  return new Fault({ status: 500, code: "InternalError", message: "Lanyard failed to process the request." });
};

function match(passage: Passage, kernel: Internals): Eventually<void> {
  return onceKnown(kernel.matchers.get(passage.service)?.(passage.request), (found) => {
    if (found === undefined) throw passage.service.unmatched(passage.request);
    passage.match = found;
  });
}

function resolve(passage: Passage): Eventually<void> {
  if (passage.match === undefined) return;
  return onceKnown(passage.service.resolve(passage.request, passage.match), (target) => {
    passage.target = target;
  });
}

function makeCall(passage: Passage, kernel: Internals): void {
  const { service, target, caller, match: found } = passage;
  if (found === undefined || caller === undefined) throw notBuilt("An unmatched request");
  const decide = (need: Need): Eventually<Verdict> => {
    if (caller.kind === "platform") return { allowed: true, via: `platform effect ${caller.effect}` };
    const decider = service.deciders.find((each) => each.applies(caller, target));
    if (decider !== undefined) return decider.decide({ caller, need, target, request: passage.request });
    return {
      allowed: false,
      cause: "no-authority",
      reason: `No authority of ${service.name} decides for ${caller.kind === "secret" ? caller.scheme : caller.kind} callers.`,
    };
  };
  const call: Call = {
    id: passage.id,
    operation: found.operation.name,
    request: passage.request,
    body: boundedBody(passage.request.body, found.operation.bodyLimit ?? 0),
    parameters: found.parameters,
    target,
    caller,
    clock: passage.clock,
    ids: kernel.options.ids,
    require: (need) =>
      onceKnown(decide(need), (verdict) => {
        passage.checks.push({ need, verdict });
        if (!verdict.allowed) throw service.refuse(call, need, verdict);
      }),
    permits: async (need) => (await decide(need)).allowed,
    dispatch: (part) => kernel.pass(part, undefined, passage.id),
    invoke: async (authority, invocation) =>
      kernel.pass(invocationRequest(invocation), await callerOf(authority, caller, kernel.options), passage.id),
  };
  passage.call = call;
}

function handle(passage: Passage): Eventually<Reply | void> {
  if (passage.match !== undefined && passage.call !== undefined) return passage.match.operation.handle(passage.call);
}

const callerOf = async (
  authority: Authority,
  caller: Caller | undefined,
  options: KernelOptions,
): Promise<Caller | undefined> => {
  if (authority.as === "caller") return caller;
  if (authority.as === "platform") return { kind: "platform", effect: authority.effect };
  const identity = await options.identityOf(authority.resourceId);
  if (identity === undefined)
    throw new Fault({
      status: 400,
      code: "IdentityNotFound",
      message: `The resource '${authority.resourceId}' has no managed identity to act with.`,
    });
  return identity;
};

const encode = (reply: Reply, passage: Passage): Reply => {
  const hint = passage.fault?.hint;
  const headers: Record<string, string | readonly string[]> = {
    ...passage.service.dialect.headers(passage),
    ...reply.headers,
  };
  if (hint !== undefined) headers["x-lanyard-hint"] = hint.replaceAll(/[^\x20-\x7E]+/g, " ");
  return reply.body === undefined
    ? { status: reply.status, headers }
    : { status: reply.status, headers, body: reply.body };
};

const record = (passage: Passage, reply: Reply, decisions: DecisionSink): void => {
  const { request, fault } = passage;
  decisions.record({
    id: passage.id,
    ...(passage.parent === undefined ? {} : { parent: passage.parent }),
    time: passage.clock.now(),
    service: passage.service.name,
    operation: passage.match?.operation.name ?? "Unmatched",
    method: request.method,
    host: request.host,
    path: passage.service.shownPath?.(request) ?? request.rawPath,
    caller: passage.caller,
    ...(request.connectionApp === undefined ? {} : { app: request.connectionApp }),
    checks: passage.checks,
    status: reply.status,
    ...(fault === undefined ? {} : { error: fault.code, message: fault.message }),
    ...(fault?.hint === undefined ? {} : { hint: fault.hint }),
    milliseconds: performance.now() - passage.started,
  });
};

const hostTable = (services: readonly Service[]): ((host: string) => Eventually<Service | undefined>) => {
  const exact = new Map<string, Service>();
  const suffixes: { suffix: string; exists(label: string): Eventually<boolean>; service: Service }[] = [];
  for (const service of services)
    for (const rule of service.hosts)
      if ("exact" in rule) exact.set(rule.exact, service);
      else suffixes.push({ suffix: rule.suffix, exists: (label) => rule.exists(label), service });
  suffixes.sort((a, b) => b.suffix.length - a.suffix.length);
  // Several services may share a suffix (`.localhost`): the first that has the name answers.
  const bySuffix = (host: string, first: number): Eventually<Service | undefined> => {
    const at = suffixes.findIndex(({ suffix }, index) => index >= first && host.endsWith(suffix));
    const rule = suffixes[at];
    if (rule === undefined) return undefined;
    return onceKnown(rule.exists(host.slice(0, -rule.suffix.length)), (exists) =>
      exists ? rule.service : bySuffix(host, at + 1),
    );
  };
  return (host) => exact.get(host) ?? bySuffix(host, 0);
};
