import type { Need, Verdict } from "../../kernel/decision.ts";
import type { Fault } from "../../kernel/fault.ts";
import { dataActions } from "./actions.ts";
import { challenge, challengesFrom } from "./auth/authenticate.ts";
import { sasGrantOf } from "./auth/sas.ts";
import type { RefusalCause } from "./auth/deciders.ts";
import { storageFault } from "./faults.ts";
import type { BlobCall } from "./target.ts";

/**
 * How a refused right is worded (storage.md 4.1, 4.6): anonymous callers get a challenge, callers of old protocol versions
 * a 409 or 404, everybody else a 403 that names nothing. What is missing goes to the log by the hint.
 */
export const refusal = (call: BlobCall, need: Need, verdict: Verdict & { allowed: false }, tenantId: string): Fault => {
  const hint = verdict.hint ?? `${need.name} at ${need.scope}: ${verdict.reason}`;
  const { caller, target } = call;
  const cause = verdict.cause as RefusalCause;
  if (caller.kind === "anonymous") {
    if ((target.version ?? "") >= challengesFrom)
      return storageFault("noAuthentication", {}, { headers: challenge(tenantId), hint });
    return cause === "public-access-disabled"
      ? storageFault("publicAccessNotPermitted", {}, { hint })
      : storageFault("resourceNotFound", {}, { hint });
  }
  if (cause === "sas-resource-type") return storageFault("resourceTypeMismatch", {}, { hint });
  if (cause === "sas-never") return storageFault("authorizationFailure", {}, { hint });
  const mayCreate = sasGrantOf(caller)?.permissions.includes("c") === true;
  const creates = target.operation.sas?.letters[dataActions.add] === "c";
  if (cause === "sas-permission" && need.name === dataActions.write && mayCreate && creates)
    return storageFault("unauthorizedOverwrite", {}, { hint });
  return storageFault("permissionMismatch", {}, { hint });
};
