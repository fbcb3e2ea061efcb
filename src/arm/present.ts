import type { ArmContext } from "./context.ts";
import { presentIdentity } from "./identity-block.ts";
import type { ResourceRecord } from "./record.ts";
import type { ArmCall, ResourceType } from "./resource-type.ts";

/**
 * A resource as ARM shows it. The one writer of resource bodies: id, name, type and properties are always there, because
 * the newest management clients crash without them (management-sdks.md 6).
 */
export const present = async (
  record: ResourceRecord,
  type: ResourceType,
  call: ArmCall,
  context: ArmContext,
): Promise<Record<string, unknown>> => ({
  id: record.id,
  name: record.name,
  type: type.type,
  ...(type.tracked ? { location: record.location, tags: record.tags ?? {} } : {}),
  ...(record.kind === undefined ? {} : { kind: record.kind }),
  ...(record.sku === undefined ? {} : { sku: record.sku }),
  ...(record.identity === undefined
    ? type.identity === "shown" && { identity: { type: "None" } }
    : { identity: await presentIdentity(record.identity, context) }),
  properties: {
    provisioningState: "Succeeded",
    ...(type.present === undefined ? record.properties : await type.present(record, call)),
  },
  systemData: {
    createdBy: record.created.by,
    createdByType: "Application",
    createdAt: record.created.at,
    lastModifiedBy: record.changed.by,
    lastModifiedByType: "Application",
    lastModifiedAt: record.changed.at,
  },
});
