import type { Call } from "../../../kernel/call.ts";
import type { SecretCaller } from "../../../kernel/caller.ts";
import type { Need, Verdict } from "../../../kernel/decision.ts";
import { type Eventually, onceKnown } from "../../../kernel/eventually.ts";
import type { Fault } from "../../../kernel/fault.ts";
import type { Decider } from "../../../kernel/service.ts";
import { dataActions, isKeyAction, isMetadataWrite, isReadAction } from "../actions.ts";
import { cosmosFault } from "../faults.ts";
import { segmentsOf } from "../match.ts";
import type { CosmosTarget } from "../target.ts";
import { permissionDecider } from "./permission-decider.ts";
import type { RoleAssignment, Roles } from "./roles.ts";

const keyDecider: Decider<CosmosTarget> = {
  name: "Account keys",
  applies: (caller) => caller.kind === "secret",
  decide: ({ caller, need, target }) => {
    const { name, grant } = caller as SecretCaller;
    if (!target.account.metadataByKey && isMetadataWrite(need.name))
      return {
        allowed: false,
        cause: "metadata-by-key",
        reason: `${target.account.name} has disableKeyBasedMetadataWriteAccess: its keys change no metadata.`,
        hint: `Use the management plane, or: az cosmosdb update -n ${target.account.name} --disable-key-based-metadata-write-access false`,
      };
    if (grant["readOnly"] !== true || isReadAction(need.name)) return { allowed: true, via: `account key ${name}` };
    return { allowed: false, cause: "read-only-key", reason: `The key ${name} is read-only.` };
  },
};

/** Below the account: `/`, `/dbs/d`, `/dbs/d/colls/c`. */
const ownScope = (need: Need, target: CosmosTarget): string => {
  const scope = need.scope.slice(target.account.id.length);
  return scope === "" ? "/" : scope;
};

const roleDecider = (roles: Roles): Decider<CosmosTarget> => ({
  name: "Cosmos DB roles",
  applies: (caller) => caller.kind === "principal",
  decide: ({ caller, need, target, request }): Eventually<Verdict> => {
    if (caller.kind !== "principal") return { allowed: false, cause: "no-assignment", reason: "Not a principal." };
    if (isKeyAction(need.name))
      return {
        allowed: false,
        cause: "not-in-data-plane",
        reason: `No token is allowed ${need.name} on the data plane, whatever its roles.`,
        hint: "Use the management plane (az cosmosdb sql ..., Resource Manager), or an account key.",
      };
    const scope = ownScope(need, target);
    const grant = roles.grantOf(target.account.uid, {
      caller: caller.objectId,
      groups: caller.groups,
      action: need.name,
      scope,
      // The account document is what every client reads first: a grant below is enough for it (cosmos.md 14), and for
      // it alone: lists of databases want the right on the account.
      somewhere: need.name === dataActions.readMetadata && segmentsOf(request.rawPath).length === 0,
    });
    const verdict = (found: RoleAssignment | undefined): Verdict => {
      if (found !== undefined) return { allowed: true, via: `sqlRoleAssignments/${found.id} at ${found.scope}` };
      const role = isReadAction(need.name) ? "Reader" : "Contributor";
      return {
        allowed: false,
        cause: "no-assignment",
        reason: `No native role assignment grants ${need.name} at ${scope} to ${caller.name}. Azure RBAC roles do not count here.`,
        hint: `az cosmosdb sql role assignment create --account-name ${target.account.name} --role-definition-name "Cosmos DB Built-in Data ${role}" --scope "${scope}" --principal-id ${caller.objectId}`,
      };
    };
    return onceKnown(grant, verdict);
  },
});

/** Who decides for whom. Azure RBAC is not among them: the management plane's roles never open the data plane. */
export const cosmosDeciders = (roles: Roles): readonly Decider<CosmosTarget>[] => [
  roleDecider(roles),
  permissionDecider,
  keyDecider,
];

/** What kind of resource an address is about: `dbs`, `colls`, `offers`. */
const wordOf = (rawPath: string): string => {
  const segments = segmentsOf(rawPath);
  return (segments.length % 2 === 1 ? segments.at(-1) : segments.at(-2)) ?? "";
};

/** Words a refusal as the service does (cosmos.md 14). */
export const refusal = (call: Call<CosmosTarget>, need: Need, verdict: Verdict & { allowed: false }): Fault => {
  const { caller, target, request } = call;
  const hint = verdict.hint === undefined ? {} : { hint: verdict.hint };
  const account = target.account.name;
  if (caller.kind === "anonymous") return cosmosFault("missingAuthorization");
  if (verdict.cause === "read-only-key" || verdict.cause === "resource-token")
    return cosmosFault("readOnlyKey", {}, hint);
  if (verdict.cause === "metadata-by-key")
    return cosmosFault("metadataByKey", { verb: request.method, resource: wordOf(request.rawPath) }, hint);
  if (verdict.cause === "not-in-data-plane")
    return cosmosFault(
      "notInDataPlane",
      { account, request: `${request.method} /${segmentsOf(request.rawPath).join("/")}` },
      { ...hint, detail: { subStatus: 5300 } },
    );
  const resource = need.scope.slice(target.account.id.length + 1);
  const isUser = caller.kind === "principal" && caller.type === "User";
  return cosmosFault(
    "noRole",
    {
      account,
      principal: caller.kind === "principal" ? caller.objectId : caller.kind,
      action: need.name,
      resource: resource === "" ? "/" : resource,
      more: isUser ? " This could be because the user's group memberships were not present in the AAD token." : "",
    },
    { ...hint, detail: { subStatus: 5301 } },
  );
};
