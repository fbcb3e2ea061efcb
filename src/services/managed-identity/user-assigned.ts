import type { TenantInfo } from "../../identity/tenant.ts";
import type { ResourceType } from "../../arm/resource-type.ts";
import type { Ids } from "../../kernel/ids.ts";

/**
 * `Microsoft.ManagedIdentity/userAssignedIdentities`: a service principal that is a resource of its own. As in Azure it
 * may be deleted while assigned; resources that name it then simply get no token for it.
 */
export const userAssignedIdentities = (context: { readonly tenant: TenantInfo; readonly ids: Ids }): ResourceType => ({
  type: "Microsoft.ManagedIdentity/userAssignedIdentities",
  apiVersions: ["2024-11-30", "2023-01-31", "2018-11-30"],
  at: "group",
  tracked: true,
  nameRule: {
    pattern: /^[a-zA-Z0-9][-\w]{2,127}$/,
    text: "Use 3 to 128 letters, digits, hyphens and underscores, beginning with a letter or digit.",
  },
  codes: { created: 201, updated: 200, deleted: 200 },
  write: (change) => {
    if (change.existing !== undefined) return { properties: change.existing.properties };
    const principal = {
      kind: "ServicePrincipal" as const,
      objectId: context.ids.guid(),
      appId: context.ids.guid(),
      displayName: change.name,
      servicePrincipalType: "ManagedIdentity" as const,
      resourceId: change.id,
    };
    return {
      principals: [principal],
      properties: { tenantId: context.tenant.tenantId, principalId: principal.objectId, clientId: principal.appId },
    };
  },
});
