import type { Caller } from "../../kernel/caller.ts";
import type { Need, Verdict } from "../../kernel/decision.ts";
import type { Fault } from "../../kernel/fault.ts";
import { challenge } from "./authenticate.ts";
import type { RefusalCause } from "./deciders.ts";
import { vaultFault } from "./faults.ts";
import type { VaultCall } from "./target.ts";

const describe = (caller: Caller): string =>
  caller.kind === "principal"
    ? `appid=${caller.appId};oid=${caller.objectId};iss=https://sts.windows.net/${caller.tenantId}/`
    : caller.kind;

/**
 * How a refused right is worded (access.md 4.2): 401 with the challenge for callers without a token, else 403 `Forbidden`
 * whose reason is `innererror.code`. The texts, with their CR LF and lower-case resource ids, are Azure's.
 */
export const refusal = (
  call: Pick<VaultCall, "caller" | "target" | "request">,
  need: Need,
  verdict: Verdict & { allowed: false },
  tenantId: string,
): Fault => {
  const { caller, target, request } = call;
  const { vault, operation } = target;
  const hint = verdict.hint ?? `${need.name} at ${need.scope}: ${verdict.reason}`;
  if (caller.kind === "anonymous") return vaultFault("missingToken", {}, { headers: challenge(tenantId), hint });
  const forbidden = (code: string, message: string): Fault =>
    vaultFault("forbidden", { message }, { detail: { innererror: { code } }, hint });
  const who = describe(caller);
  const where = `${vault.name};location=${vault.location}`;
  switch (verdict.cause as RefusalCause) {
    case "firewall":
      return forbidden(
        "ForbiddenByFirewall",
        `Client address is not authorized and caller is not a trusted service.\r\nClient address: ${request.remoteAddress}\r\nCaller: ${who}\r\nVault: ${where}`,
      );
    case "connection":
      return forbidden(
        "ForbiddenByConnection",
        `Public network access is disabled and request is not from a trusted service nor via an approved private link.\r\nCaller: ${who}\r\nVault: ${where}`,
      );
    case "no-policy":
    case "policy":
      return forbidden(
        verdict.cause === "policy" ? "ForbiddenByPolicy" : "AccessDenied",
        `The user, group or application '${who}' does not have ${operation.policy.kind} ${operation.policy.anyOf[0] ?? ""} permission on key vault '${where}'. For help resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125287`,
      );
    default:
      return forbidden("ForbiddenByRbac", rbacText(who, need, denyAssignmentOf(verdict), where));
  }
};

const rbacText = (who: string, need: Need, denied: string | undefined, where: string): string =>
  [
    "Caller is not authorized to perform action on resource.",
    "If role assignments, deny assignments or role definitions were changed recently, please observe propagation time.",
    `Caller: ${who}`,
    `Action: '${need.name}'`,
    `Resource: '${need.scope.toLowerCase()}'`,
    "Assignment: (not found)",
    `DenyAssignmentId: ${denied === undefined ? "null" : `'${denied}'`}`,
    `DecisionReason: '${denied === undefined ? "DeniedWithNoValidRBAC" : "DeniedWithDenyAssignment"}' `,
    `Vault: ${where}`,
    "",
  ].join("\r\n");

const denyAssignmentOf = ({ cause, detail }: Verdict & { allowed: false }): string | undefined => {
  const id = detail?.["id"];
  return cause === "deny-assignment" && typeof id === "string" ? id : undefined;
};
