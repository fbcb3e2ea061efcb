/** Apps and identities in a test tenant, by the management operations that anybody would use. */
import type { ResourceRecord } from "../../src/arm/record.ts";
import type { TestTenant } from "./tenant.ts";

export interface MadeIdentity {
  readonly id: string;
  readonly clientId: string;
  readonly principalId: string;
}

/** Creates a user-assigned identity in resource group `rg`. */
export const makeIdentity = async (test: TestTenant, name: string): Promise<MadeIdentity> => {
  const group = `/subscriptions/${test.tenant.info.subscriptionId}/resourceGroups/rg`;
  await test.arm("PUT", group, { location: "eastus" });
  const id = `${group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/${name}`;
  const { body } = await test.arm("PUT", id, { location: "eastus" });
  return { id: body.id, clientId: body.properties.clientId, principalId: body.properties.principalId };
};

/** Puts a site's record, without the app service behind it: with these user-assigned identities and, unless told, its own. */
export const putApp = async (
  test: TestTenant,
  name: string,
  users: readonly MadeIdentity[],
  system = true,
): Promise<{ readonly id: string; readonly principalId: string; readonly clientId: string }> => {
  const id = `/subscriptions/${test.tenant.info.subscriptionId}/resourceGroups/rg/providers/Microsoft.Web/sites/${name}`;
  const principalId = crypto.randomUUID();
  const clientId = crypto.randomUUID();
  const now = { at: "2026-01-01T00:00:00Z", by: "test" };
  const record: ResourceRecord = {
    id,
    type: "Microsoft.Web/sites",
    name,
    location: "eastus",
    properties: {},
    identity: {
      type: system ? "SystemAssigned, UserAssigned" : "UserAssigned",
      ...(system ? { principalId } : {}),
      userAssigned: users.map((user) => user.id),
    },
    created: now,
    changed: now,
  };
  await test.tenant.resources.put(record);
  if (system)
    await test.tenant.directory.put({
      kind: "ServicePrincipal",
      objectId: principalId,
      appId: clientId,
      displayName: name,
      servicePrincipalType: "ManagedIdentity",
      resourceId: id,
    });
  return { id, principalId, clientId };
};
