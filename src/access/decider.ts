/** Azure RBAC as one of the kernel's authorities. */
import type { Caller, TokenCaller } from "../kernel/caller.ts";
import type { Clock } from "../kernel/clock.ts";
import type { Need, Verdict } from "../kernel/decision.ts";
import type { Decider } from "../kernel/service.ts";
import type { AccessIndex } from "./access-index.ts";
import type { AccessQuery, AccessVerdict } from "./evaluate.ts";
import { explainInLine } from "./explain.ts";

const queryOf = (caller: TokenCaller, need: Need, clock: Clock): AccessQuery => ({
  principalId: caller.objectId,
  groupIds: caller.groups,
  kind: need.kind,
  action: need.name,
  scope: need.scope,
  now: clock.now(),
  ...(need.attributes === undefined ? {} : { attributes: need.attributes }),
  ...(need.subOperation === undefined ? {} : { subOperations: [need.subOperation] }),
});

/** The richer verdict of `AccessIndex.check` in the kernel's form, with the hint for humans worked out. */
export const toVerdict = (index: AccessIndex, query: AccessQuery, verdict: AccessVerdict): Verdict => {
  if (verdict.allowed) {
    return { allowed: true, via: `${verdict.role.roleName} at ${verdict.assignment.scope} (${verdict.assignment.id})` };
  }
  const { cause, reason, deny } = verdict;
  return {
    allowed: false,
    // The kernel's words; which of the two condition causes it was stands in `detail`.
    cause: cause.startsWith("condition") ? "condition" : cause,
    reason,
    hint: explainInLine(index, query, verdict),
    detail: {
      cause,
      ...(deny === undefined ? {} : { name: deny.denyAssignmentName, id: deny.name, scope: deny.scope }),
    },
  };
};

/** Decides for every holder of a token. Key holders, anonymous and platform callers are other authorities' business. */
export const azureRbac = (index: AccessIndex, clock: Clock): Decider<unknown> => {
  const decide = (caller: Caller, need: Need): Verdict => {
    if (caller.kind !== "principal") {
      return { allowed: false, cause: "no-assignment", reason: "Azure RBAC decides for principals only." };
    }
    const query = queryOf(caller, need, clock);
    return toVerdict(index, query, index.check(query));
  };
  return {
    name: "Azure RBAC",
    applies: (caller) => caller.kind === "principal",
    decide: ({ caller, need }) => decide(caller, need),
    somewhere: ({ caller, need }) => {
      const verdict = decide(caller, need);
      if (verdict.allowed || caller.kind !== "principal") return verdict;
      const held = index.anyAssignmentAround([caller.objectId, ...caller.groups], need.scope);
      // A deny assignment is not lifted by having some other right below.
      if (held === undefined || verdict.cause === "deny-assignment" || verdict.cause === "invalid-scope")
        return verdict;
      return { allowed: true, via: `assignment around the scope (${held.id}): the list is filtered` };
    },
  };
};
