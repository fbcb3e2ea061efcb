import type { Directory } from "../../identity/directory.ts";
import type { TenantInfo } from "../../identity/tenant.ts";
import { objectOf, textOf } from "../../arm/record.ts";
import { linkerFault } from "./faults.ts";
import type { Authentication } from "./settings.ts";
import type { Work } from "./work.ts";

export interface ConnectContext {
  readonly directory: Directory;
  readonly tenant: TenantInfo;
}

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
