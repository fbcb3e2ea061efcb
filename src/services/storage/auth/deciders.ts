import type { Directory } from "../../../identity/directory.ts";
import type { Caller, SecretCaller, TokenCaller } from "../../../kernel/caller.ts";
import type { Need, Verdict } from "../../../kernel/decision.ts";
import type { Decider } from "../../../kernel/service.ts";
import type { PublicAccess } from "../engine/records.ts";
import { type BlobAction, type BlobDataAction, dataActions } from "../actions.ts";
import { type BlobTarget, isRead, scopeOf } from "../target.ts";
import { type SasGrant, sasGrantOf } from "./sas.ts";

/** How an authority of this service refuses; `refuse` words each cause. */
export type RefusalCause =
  | "sas-resource-type"
  | "sas-permission"
  | "sas-never"
  | "public-access-disabled"
  | "private-container";

const no = (cause: RefusalCause, reason: string): Verdict => ({ allowed: false, cause, reason });

const sharedKeyDecider: Decider<BlobTarget> = {
  name: "Shared Key",
  applies: (caller) => caller.kind === "secret" && caller.scheme === "SharedKey",
  // The operations that a key never grants say so themselves (Get User Delegation Key).
  decide: ({ caller }) => ({ allowed: true, via: `account key ${(caller as SecretCaller).name}` }),
};

/** Whether the letters of a SAS grant a right of the request's operation. */
export const sasVerdict = (grant: SasGrant, need: Need, target: BlobTarget, name: string): Verdict => {
  const { sas } = target.operation;
  if (sas === undefined) return no("sas-never", `No SAS grants ${target.operation.name}.`);
  if (grant.kind !== "account" && !sas.service)
    return no("sas-permission", `A ${grant.kind} SAS never grants ${target.operation.name}.`);
  // A right on another resource (the source of a copy) is not what this SAS was made for.
  if (grant.kind !== "account" && need.scope.toLowerCase() !== scopeOf(target).toLowerCase())
    return no("sas-permission", `The SAS covers its own resource only, not ${need.scope}.`);
  if (grant.kind === "account" && sas.resource !== "any" && !grant.resourceTypes?.includes(sas.resource))
    return no("sas-resource-type", `srt=${grant.resourceTypes ?? ""} lacks ${sas.resource}.`);
  const tagRight = need.name === dataActions.tagsRead || need.name === dataActions.tagsWrite;
  const letters = tagRight ? "t" : (sas.letters[need.name as BlobAction | BlobDataAction] ?? sas.letters["*"] ?? "");
  const held = letters === "any" || Array.from(letters).some((letter) => grant.permissions.includes(letter));
  return held
    ? { allowed: true, via: `${name} with sp=${grant.permissions}` }
    : no("sas-permission", `sp=${grant.permissions} lacks ${Array.from(letters).join(" or ")} for ${need.name}.`);
};

const sasDecider: Decider<BlobTarget> = {
  name: "Shared access signature",
  applies: (caller) => sasGrantOf(caller) !== undefined && sasGrantOf(caller)?.kind !== "user-delegation",
  decide: ({ caller, need, target }) => {
    const grant = sasGrantOf(caller);
    if (grant === undefined) return no("sas-never", "Not a SAS.");
    return sasVerdict(grant, need, target, `${(caller as SecretCaller).scheme} by ${(caller as SecretCaller).name}`);
  },
};

/** A user delegation SAS grants what both it and its issuer's roles grant at the moment of use (storage.md 4.5). */
const delegationDecider = (rbac: Decider<BlobTarget>, directory: Directory): Decider<BlobTarget> => ({
  name: "User delegation SAS",
  applies: (caller) => sasGrantOf(caller)?.kind === "user-delegation",
  decide: async ({ caller, need, target, request }) => {
    const grant = sasGrantOf(caller);
    if (grant === undefined) return no("sas-never", "Not a SAS.");
    const own = sasVerdict(grant, need, target, `user delegation SAS of ${grant.delegator ?? ""}`);
    if (!own.allowed) return own;
    const delegator = await delegatorOf(grant, directory);
    if (delegator === undefined)
      return no("sas-permission", `The SAS was issued by ${grant.delegator ?? ""}, who is not in the tenant any more.`);
    const roles = await rbac.decide({ caller: delegator, need, target, request });
    return roles.allowed ? { allowed: true, via: `${own.via}, bounded by ${roles.via}` } : roles;
  },
});

const delegatorOf = async (grant: SasGrant, directory: Directory): Promise<TokenCaller | undefined> => {
  const principal = await directory.principal(grant.delegator ?? "");
  if (principal === undefined || principal.kind === "Group") return undefined;
  return {
    kind: "principal",
    objectId: principal.objectId,
    tenantId: grant.tenant ?? "",
    type: principal.kind,
    appId: principal.kind === "ServicePrincipal" ? principal.appId : "",
    name: principal.displayName,
    groups: await directory.groupsOf(principal.objectId),
    claims: {},
  };
};

/** Anonymous readers: the account and the container must both allow it, and only reads are (storage.md 4.6). */
const anonymousDecider = (
  accessOf: (target: BlobTarget) => Promise<PublicAccess | undefined>,
): Decider<BlobTarget> => ({
  name: "Public access",
  applies: (caller) => caller.kind === "anonymous",
  decide: async ({ target, request, need }) => {
    const { operation, account } = target;
    if (!account.publicAccess)
      return no("public-access-disabled", `The account ${account.name} disallows public access.`);
    if (operation.anonymous === undefined || !isRead(request.method) || need.scope !== scopeOf(target))
      return no("private-container", `${operation.name} is never public.`);
    const access = await accessOf(target);
    if (access === "container" || (access === "blob" && operation.anonymous === "blob"))
      return { allowed: true, via: `public access '${access}' of container ${target.container ?? ""}` };
    return no("private-container", `The container ${target.container ?? ""} is not public.`);
  },
});

/** Who decides for whom, in order. */
export const blobDeciders = (options: {
  readonly rbac: Decider<BlobTarget>;
  readonly directory: Directory;
  readonly accessOf: (target: BlobTarget) => Promise<PublicAccess | undefined>;
}): readonly Decider<BlobTarget>[] => [
  options.rbac,
  sharedKeyDecider,
  sasDecider,
  delegationDecider(options.rbac, options.directory),
  anonymousDecider(options.accessOf),
];

export const isKeyHolder = (caller: Caller): boolean => caller.kind === "secret" && caller.scheme === "SharedKey";
