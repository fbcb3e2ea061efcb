import type { Call } from "./call.ts";
import { anonymous } from "./caller.ts";
import type { Need, Verdict } from "./decision.ts";
import { type Eventually, onceKnown } from "./eventually.ts";
import type { Passage } from "./passage.ts";
import type { Requirement } from "./operation.ts";
import type { Resolved, Service } from "./service.ts";

type AnyRequirement = Requirement<string, string, Call>;

/** Finds out who calls. A given caller (invoked operations) stands; else the service's authenticators, in order. */
export function authenticate(passage: Passage): Eventually<void> {
  if (passage.caller === undefined) return tryFrom(0, passage);
}

const tryFrom = (first: number, passage: Passage): Eventually<void> => {
  const { authenticators } = passage.service;
  for (let index = first; index < authenticators.length; index += 1) {
    const found = authenticators[index]?.(passage as Resolved<unknown>);
    if (found instanceof Promise)
      return found.then((caller) => {
        passage.caller = caller;
        return caller === undefined ? tryFrom(index + 1, passage) : undefined;
      });
    passage.caller = found;
    if (found !== undefined) return;
  }
  passage.caller = anonymous;
};

/** Demands what the operation needs, before its handler runs. */
export function authorize(passage: Passage): Eventually<void> {
  const { call, match, service } = passage;
  if (call === undefined || match === undefined || "open" in match.operation.needs) return;
  return demand(match.operation.needs, call, service, passage);
}

const demand = (requirement: AnyRequirement, call: Call, service: Service, passage: Passage): Eventually<void> => {
  if ("open" in requirement) return;
  if ("depends" in requirement)
    return onceKnown(requirement.depends(call), (found) => demand(found, call, service, passage));
  if ("all" in requirement) return demandAll(requirement.all, call, service, passage);
  if ("any" in requirement) return demandAny(requirement.any, call, service, passage);
  const need = needOf(requirement, call, service);
  if ("filtered" in requirement) return demandSomewhere(need, call, service, passage);
  return call.require(need);
};

const demandAll = async (
  requirements: readonly AnyRequirement[],
  call: Call,
  service: Service,
  passage: Passage,
): Promise<void> => {
  for (const each of requirements) await demand(each, call, service, passage);
};

/** The first alternative that holds is recorded alone; when none holds, the refusal names the first. */
const demandAny = async (
  alternatives: readonly AnyRequirement[],
  call: Call,
  service: Service,
  passage: Passage,
): Promise<void> => {
  const before = passage.checks.length;
  let refusal: unknown;
  for (const alternative of alternatives) {
    const own = passage.checks.length;
    try {
      await demand(alternative, call, service, passage);
      passage.checks.splice(before, own - before);
      return;
    } catch (error) {
      refusal ??= error;
    }
  }
  throw refusal instanceof Error ? refusal : new Error(`${call.operation} declares an empty 'any'.`);
};

const demandSomewhere = async (need: Need, call: Call, service: Service, passage: Passage): Promise<void> => {
  const { caller, target } = passage;
  if (caller === undefined || caller.kind === "platform") return;
  const decider = service.deciders.find((each) => each.applies(caller, target));
  if (decider?.somewhere === undefined) return call.require(need);
  const verdict: Verdict = await decider.somewhere({ caller, need, target });
  passage.checks.push({ need, verdict });
  if (!verdict.allowed) throw service.refuse(call, need, verdict);
};

const needOf = (
  requirement: Exclude<AnyRequirement, { open: string } | { all: unknown } | { any: unknown } | { depends: unknown }>,
  call: Call,
  service: Service,
): Need => {
  const scope = requirement.at?.(call) ?? service.scope(call);
  if ("data" in requirement)
    return {
      kind: "data",
      name: requirement.data,
      scope,
      ...(requirement.attributes === undefined ? {} : { attributes: requirement.attributes(call) }),
      ...(requirement.subOperation === undefined ? {} : { subOperation: requirement.subOperation }),
    };
  if ("filtered" in requirement) return { kind: "action", name: requirement.filtered, scope };
  return {
    kind: "action",
    name: requirement.action,
    scope,
    ...(requirement.attributes === undefined ? {} : { attributes: requirement.attributes(call) }),
  };
};
