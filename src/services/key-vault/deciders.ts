import { BlockList, isIPv4 } from "node:net";
import type { Caller, TokenCaller } from "../../kernel/caller.ts";
import type { Verdict } from "../../kernel/decision.ts";
import type { Request } from "../../kernel/message.ts";
import type { Decider } from "../../kernel/service.ts";
import type { PolicyNeed } from "./actions.ts";
import type { VaultTarget } from "./target.ts";
import type { AccessPolicy, Vault } from "./vault.ts";

/** How a vault refuses; `refusal` words each cause. RBAC's own causes come beside these. */
export type RefusalCause = "no-policy" | "policy" | "firewall" | "connection";

const no = (cause: RefusalCause, reason: string, hint: string): Verdict => ({ allowed: false, cause, reason, hint });

/** Network rules come before any right (access.md 3.4). Every client is on this machine, so its address is loopback. */
const networkRefusal = (vault: Vault, request: Pick<Request, "remoteAddress">): Verdict | undefined => {
  if (!vault.publicAccess)
    return no(
      "connection",
      `Public network access of ${vault.name} is disabled.`,
      `Allow it: az keyvault update -n ${vault.name} --public-network-access Enabled`,
    );
  if (!vault.firewall.deny || isListed(vault.firewall.ipRules, request.remoteAddress)) return undefined;
  return no(
    "firewall",
    `The firewall of ${vault.name} denies ${request.remoteAddress}.`,
    `Allow the address: az keyvault network-rule add -n ${vault.name} --ip-address ${request.remoteAddress}`,
  );
};

const isListed = (rules: readonly string[], remote: string): boolean => {
  const address = remote.replace(/^::ffff:/i, "");
  if (!isIPv4(address)) return false;
  const listed = new BlockList();
  for (const rule of rules) {
    const [network = "", bits = "32"] = rule.split("/");
    if (isIPv4(network) && /^([12]?\d|3[0-2])$/.test(bits)) listed.addSubnet(network, Number(bits), "ipv4");
  }
  return listed.check(address);
};

/** Policies that name the caller: itself or a group of its; with an application id only tokens of that app. */
const policiesOf = (vault: Vault, caller: TokenCaller): readonly AccessPolicy[] => {
  const names = new Set([caller.objectId, ...caller.groups].map((id) => id.toLowerCase()));
  return vault.policies.filter(
    ({ objectId, applicationId }) =>
      names.has(objectId) && (applicationId === undefined || applicationId === caller.appId.toLowerCase()),
  );
};

const policyVerdict = (vault: Vault, caller: TokenCaller, need: PolicyNeed): Verdict => {
  const held = policiesOf(vault, caller);
  const granting = held.find(({ permissions }) =>
    permissions[need.kind].some((word) => word === "all" || need.anyOf.includes(word)),
  );
  if (granting !== undefined) return { allowed: true, via: `access policy of ${granting.objectId} on ${vault.name}` };
  const wanted = `${need.kind} ${need.anyOf.join(" or ")}`;
  const option = need.kind.slice(0, -1);
  const hint =
    `${vault.name} goes by access policies (enableRbacAuthorization is false), so role assignments count for nothing here. ` +
    `Grant it: az keyvault set-policy -n ${vault.name} --object-id ${caller.objectId} --${option}-permissions ${need.anyOf[0] ?? ""}`;
  return held.length === 0
    ? no("no-policy", `No access policy of ${vault.name} names the caller or a group of it.`, hint)
    : no("policy", `The caller's access policies of ${vault.name} lack ${wanted}.`, hint);
};

const firstRequest =
  "No token came with it. That is how every client of Key Vault begins: the answer tells it where to get one.";

/** Azure RBAC or access policies, by the vault's `enableRbacAuthorization`; the other's grants are ignored. */
export const vaultDeciders = (rbac: Decider<VaultTarget>): readonly Decider<VaultTarget>[] => {
  const guarded = (decider: Decider<VaultTarget>): Decider<VaultTarget> => ({
    ...decider,
    decide: (question) => networkRefusal(question.target.vault, question.request) ?? decider.decide(question),
  });
  return [
    {
      name: "Challenge",
      applies: (caller) => caller.kind === "anonymous",
      decide: () => ({ allowed: false, cause: "no-token", reason: firstRequest, hint: firstRequest }),
    },
    guarded({
      name: "Azure RBAC",
      applies: (caller, target) => caller.kind === "principal" && target.vault.rbac,
      decide: (question) => rbac.decide(question),
    }),
    guarded({
      name: "Access policies",
      applies: (caller, target) => caller.kind === "principal" && !target.vault.rbac,
      decide: ({ caller, target }) => policyVerdict(target.vault, principal(caller), target.operation.policy),
    }),
  ];
};

const principal = (caller: Caller): TokenCaller => {
  if (caller.kind !== "principal") throw new TypeError("Access policies name principals only.");
  return caller;
};
