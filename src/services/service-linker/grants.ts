/** What a connection allows its principal on the target, and how that is taken back (app-service.md 5.2). */
import type { ArmContext } from "../../arm/context.ts";
import { type JsonObject, objectOf, textOf } from "../../arm/record.ts";
import type { Target } from "./targets.ts";
import type { Work } from "./work.ts";

/** Grants that a connection made, as it keeps them. */
export interface Grants {
  readonly roleAssignmentIds: readonly string[];
  /** Permissions on secrets that were added to a vault's access policy. */
  readonly policy?: { readonly vaultId: string; readonly objectId: string; readonly secrets: readonly string[] };
}

const roles: Readonly<Record<string, readonly string[]>> = {
  /** Storage Blob, Queue and Table Data Contributor. */
  blob: ["ba92f5b4-2d11-453d-a403-e96b0029c9fe"],
  queue: ["974c5e8b-45b9-4653-ba55-5f855dd0fb88"],
  table: ["0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3"],
  /** Key Vault Secrets User and Key Vault Certificate User. */
  vault: ["4633458b-17de-408a-b874-0445c86b69e6", "db79e9a7-68ee-4b58-9aeb-b90e7c24fcba"],
};

/** Of a vault that goes by access policies. */
const secretPermissions = ["get", "list"];

/**
 * Grants the principal what the target takes: roles, or an entry in the vault's access policies. What stands already is left
 * alone, and is the connection's own only if an earlier shape of it made it.
 */
export const grant = async (
  work: Work,
  target: Target,
  principalId: string,
  before: Grants,
  context: Pick<ArmContext, "tenant" | "ids">,
): Promise<Grants> => {
  if (target.kind === "postgres") return { roleAssignmentIds: [] };
  if (target.kind === "storage")
    return grantRoles(work, target.resourceId, roles[target.service], principalId, before, context);
  const vault = objectOf((await work.send("Reading the vault", "GET", target.resourceId))["properties"]);
  return vault["enableRbacAuthorization"] === true
    ? grantRoles(work, target.resourceId, roles["vault"], principalId, before, context)
    : grantPolicy(work, target.resourceId, vault, principalId, before);
};

const grantRoles = async (
  work: Work,
  scope: string,
  wanted: readonly string[] = [],
  principalId: string,
  before: Grants,
  { tenant, ids }: Pick<ArmContext, "tenant" | "ids">,
): Promise<Grants> => {
  const assignments = `${scope}/providers/Microsoft.Authorization/roleAssignments`;
  const standing = await work.send(
    "Reading role assignments",
    "GET",
    `${assignments}?$filter=principalId eq '${principalId}'`,
  );
  const list = Array.isArray(standing["value"]) ? standing["value"] : [];
  const own: string[] = [];
  for (const guid of wanted) {
    const role = `/subscriptions/${tenant.subscriptionId}/providers/Microsoft.Authorization/roleDefinitions/${guid}`;
    const held = list.find((each) => {
      const { roleDefinitionId, scope: at } = objectOf(objectOf(each)["properties"]);
      return (
        textOf(roleDefinitionId).toLowerCase() === role.toLowerCase() &&
        textOf(at).toLowerCase() === scope.toLowerCase()
      );
    });
    if (held !== undefined) {
      const id = textOf(objectOf(held)["id"]);
      if (before.roleAssignmentIds.includes(id)) own.push(id);
      continue;
    }
    const id = `${assignments}/${ids.guid()}`;
    await work.send("Assigning the role", "PUT", id, {
      properties: { roleDefinitionId: role, principalId, principalType: "ServicePrincipal" },
    });
    work.done(async () => void (await work.send("Removing the role", "DELETE", id)));
    own.push(id);
  }
  return { roleAssignmentIds: own };
};

const changePolicy = (work: Work, kind: "add" | "remove", policy: NonNullable<Grants["policy"]>, tenantId: string) =>
  work.send("Changing the vault's access policies", "PUT", `${policy.vaultId}/accessPolicies/${kind}`, {
    properties: {
      accessPolicies: [{ tenantId, objectId: policy.objectId, permissions: { secrets: policy.secrets } }],
    },
  });

const grantPolicy = async (
  work: Work,
  vaultId: string,
  vault: JsonObject,
  objectId: string,
  before: Grants,
): Promise<Grants> => {
  const policies = Array.isArray(vault["accessPolicies"]) ? vault["accessPolicies"].map(objectOf) : [];
  const held = policies
    .filter((each) => textOf(each["objectId"]).toLowerCase() === objectId.toLowerCase())
    .flatMap((each) => objectOf(each["permissions"])["secrets"] ?? [])
    .map((word) => textOf(word).toLowerCase());
  const missing = secretPermissions.filter((word) => !held.includes(word) && !held.includes("all"));
  const { policy } = before;
  const kept = policy?.vaultId === vaultId && policy.objectId === objectId ? policy.secrets : [];
  const own = { vaultId, objectId, secrets: [...new Set([...kept, ...missing])] };
  if (missing.length > 0) {
    const added = { vaultId, objectId, secrets: missing };
    const tenantId = textOf(vault["tenantId"]);
    await changePolicy(work, "add", added, tenantId);
    work.done(async () => void (await changePolicy(work, "remove", added, tenantId)));
  }
  return own.secrets.length === 0 ? { roleAssignmentIds: [] } : { roleAssignmentIds: [], policy: own };
};

/** Takes back what `earlier` holds and `now` does not. What is gone already is no failure. */
export const revoke = async (work: Work, earlier: Grants, now: Grants, tenantId: string): Promise<void> => {
  for (const id of earlier.roleAssignmentIds) if (!now.roleAssignmentIds.includes(id)) await work.status("DELETE", id);
  const { policy } = earlier;
  if (policy === undefined) return;
  if (now.policy?.vaultId === policy.vaultId && now.policy.objectId === policy.objectId) return;
  if ((await work.status("GET", policy.vaultId)) === 200) await changePolicy(work, "remove", policy, tenantId);
};
