import type { Directory } from "../../identity/directory.ts";
import type { TenantInfo } from "../../identity/tenant.ts";
import { type JsonObject, objectOf, textOf } from "../../arm/record.ts";
import { linkerFault } from "./faults.ts";
import type { Authentication, Setting } from "./settings.ts";
import type { Target } from "./targets.ts";
import type { Work } from "./work.ts";

export interface ConnectContext {
  readonly directory: Directory;
  readonly tenant: TenantInfo;
}

/** Storage Blob, Queue and Table Data Contributor: what Service Connector grants (app-service.md 5.2). */
const dataContributor = {
  blob: "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
  queue: "974c5e8b-45b9-4653-ba55-5f855dd0fb88",
  table: "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3",
} as const;

/**
 * Gives the source the identity that the connection uses. System: switched on. User-assigned: attached if it is not.
 * @returns the object id of the principal that the target will see
 */
export const enableIdentity = async (
  work: Work,
  sourceId: string,
  authentication: Authentication,
  context: ConnectContext,
): Promise<string | undefined> => {
  if (authentication.kind === "service-principal")
    return (await context.directory.servicePrincipal(authentication.clientId))?.objectId;
  if (authentication.kind === "secret") return undefined;
  const site = await work.send("Reading the source", "GET", sourceId);
  const identity = objectOf(site["identity"]);
  const type = textOf(identity["type"]);
  const users = Object.keys(objectOf(identity["userAssignedIdentities"]));
  if (authentication.kind === "system-identity") {
    if (type.includes("SystemAssigned")) return textOf(identity["principalId"]);
    const wanted = users.length === 0 ? "SystemAssigned" : "SystemAssigned, UserAssigned";
    const updated = await work.send("Enabling the system-assigned identity", "PATCH", sourceId, {
      identity: { type: wanted },
    });
    return textOf(objectOf(updated["identity"])["principalId"]);
  }
  const principal = await context.directory.servicePrincipal(authentication.clientId);
  if (principal?.resourceId === undefined)
    throw linkerFault("invalidAuthentication", {
      type: "userAssignedIdentity",
      why: `No user-assigned identity has the client id '${authentication.clientId}'.`,
    });
  const { resourceId } = principal;
  if (!users.some((id) => id.toLowerCase() === resourceId.toLowerCase()))
    await work.send("Assigning the user-assigned identity", "PATCH", sourceId, {
      identity: {
        type: type.includes("SystemAssigned") ? "SystemAssigned, UserAssigned" : "UserAssigned",
        userAssignedIdentities: { [resourceId]: {} },
      },
    });
  return principal.objectId;
};

/**
 * Grants the principal its role on an Azure RBAC target. An assignment that stands already is left alone.
 * @returns id of the assignment, and whether it was made now: then it is to be removed with the connection
 */
export const grantRole = async (
  work: Work,
  target: Target & { kind: "storage" },
  principalId: string,
  name: string,
  context: ConnectContext,
): Promise<{ readonly id: string; readonly made: boolean }> => {
  const role = `/subscriptions/${context.tenant.subscriptionId}/providers/Microsoft.Authorization/roleDefinitions/${dataContributor[target.service]}`;
  const assignments = `${target.resourceId}/providers/Microsoft.Authorization/roleAssignments`;
  const standing = await work.send(
    "Reading role assignments",
    "GET",
    `${assignments}?$filter=principalId eq '${principalId}'`,
  );
  const list = Array.isArray(standing["value"]) ? standing["value"] : [];
  const held = list.find((each) => {
    const { roleDefinitionId, scope } = objectOf(objectOf(each)["properties"]);
    return (
      textOf(roleDefinitionId).toLowerCase() === role.toLowerCase() &&
      textOf(scope).toLowerCase() === target.resourceId.toLowerCase()
    );
  });
  if (held !== undefined) return { id: textOf(objectOf(held)["id"]), made: false };
  const id = `${assignments}/${name}`;
  await work.send("Assigning the role", "PUT", id, {
    properties: { roleDefinitionId: role, principalId, principalType: "ServicePrincipal" },
  });
  work.done(async () => void (await work.send("Removing the role", "DELETE", id)));
  return { id, made: true };
};

/** Writes the settings and takes away those of the connection's previous shape, in one restart of the source. */
export const writeSettings = async (
  work: Work,
  sourceId: string,
  settings: readonly Setting[],
  previous: readonly string[],
): Promise<void> => {
  const before = objectOf(
    (await work.send("Reading app settings", "POST", `${sourceId}/config/appsettings/list`))["properties"],
  );
  const after: Record<string, JsonObject[string]> = { ...before };
  for (const name of previous) delete after[name];
  for (const [name, value] of settings) after[name] = value;
  const same =
    Object.keys(after).length === Object.keys(before).length &&
    Object.entries(after).every(([name, value]) => before[name] === value);
  if (same) return;
  const put = (properties: JsonObject): Promise<JsonObject> =>
    work.send("Writing app settings", "PUT", `${sourceId}/config/appsettings`, { properties });
  await put(after);
  work.done(async () => void (await put(before)));
};
