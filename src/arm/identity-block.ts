import type { ServicePrincipal } from "../identity/principals.ts";
import type { ArmContext } from "./context.ts";
import { armFault } from "./faults.ts";
import { type IdentityBlock, isObject, type Json, type JsonObject, objectOf, textOf } from "./record.ts";
import type { Change } from "./resource-type.ts";

const types: Readonly<Record<string, { system: boolean; user: boolean }>> = {
  none: { system: false, user: false },
  systemassigned: { system: true, user: false },
  userassigned: { system: false, user: true },
  "systemassigned,userassigned": { system: true, user: true },
};

/** The identity block that a resource is to have, and the principal to be made for it. */
export interface WantedIdentity {
  readonly block: IdentityBlock | undefined;
  readonly made?: ServicePrincipal;
}

/**
 * The identity block that a PUT or PATCH asks for. Absent: unchanged. Each user-assigned identity in the body needs
 * `assign/action` on it (access.md 3.2), and must exist. A system-assigned identity is a new service principal that
 * lives and dies with the resource.
 */
export const identityOf = async (change: Change, context: ArmContext): Promise<WantedIdentity> => {
  const before = change.existing?.identity;
  const asked = change.body["identity"];
  if (asked === undefined) return { block: before };
  if (asked !== null && !isObject(asked))
    throw armFault("invalidIdentity", { why: "The identity must be an object with a type." });
  const text = textOf(asked?.["type"] ?? before?.type ?? "None").replaceAll(" ", "");
  const wanted = types[text.toLowerCase()];
  if (wanted === undefined)
    throw armFault("invalidIdentity", {
      why: `The identity type '${text}' is invalid. Use 'None', 'SystemAssigned', 'UserAssigned' or 'SystemAssigned, UserAssigned'.`,
    });
  const userAssigned = wanted.user
    ? await userAssignedIds(change, objectOf(asked?.["userAssignedIdentities"]), before, context)
    : [];
  if (wanted.user && !wanted.system && userAssigned.length === 0)
    throw armFault("invalidIdentity", { why: "The identity type 'UserAssigned' needs at least one identity id." });
  const made = wanted.system && before?.principalId === undefined ? systemIdentity(change, context) : undefined;
  const system = wanted.system ? (before?.principalId ?? made?.objectId) : undefined;
  if (system === undefined && userAssigned.length === 0) return { block: undefined };
  return {
    ...(made === undefined ? {} : { made }),
    block: {
      type:
        system === undefined
          ? "UserAssigned"
          : userAssigned.length === 0
            ? "SystemAssigned"
            : "SystemAssigned, UserAssigned",
      ...(system === undefined ? {} : { principalId: system, tenantId: context.tenant.tenantId }),
      userAssigned,
    },
  };
};

const userAssignedIds = async (
  change: Change,
  asked: JsonObject,
  before: IdentityBlock | undefined,
  context: ArmContext,
): Promise<readonly string[]> => {
  const kept = new Map(
    change.verb === "PATCH" ? before?.userAssigned.map((id) => [id.toLowerCase(), id] as const) : [],
  );
  for (const [id, value] of Object.entries(asked))
    if (value === null) kept.delete(id.toLowerCase());
    else {
      await change.call.require({
        kind: "action",
        name: "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action",
        scope: id,
        linkedTo: { name: change.call.operation, scope: change.id },
      });
      const record = await context.resources.get(id);
      if (record?.type.toLowerCase() !== "microsoft.managedidentity/userassignedidentities")
        throw armFault("identityNotFound", { resource: change.id, identity: id });
      kept.set(id.toLowerCase(), record.id);
    }
  return [...kept.values()];
};

const systemIdentity = (change: Change, context: ArmContext): ServicePrincipal => ({
  kind: "ServicePrincipal",
  objectId: context.ids.guid(),
  appId: context.ids.guid(),
  displayName: change.name,
  servicePrincipalType: "ManagedIdentity",
  resourceId: change.id,
});

/** The block as a resource's JSON shows it. */
export const presentIdentity = async (identity: IdentityBlock, context: ArmContext): Promise<JsonObject> => {
  const users: Record<string, Json> = {};
  for (const id of identity.userAssigned) {
    const principal = await context.directory.identityOf(id);
    users[id] = principal === undefined ? {} : { principalId: principal.objectId, clientId: principal.appId };
  }
  return {
    type: identity.type,
    ...(identity.principalId === undefined
      ? {}
      : { principalId: identity.principalId, tenantId: identity.tenantId ?? context.tenant.tenantId }),
    ...(identity.userAssigned.length === 0 ? {} : { userAssignedIdentities: users }),
  };
};
