import { empty, type Reply } from "../kernel/message.ts";
import { accepted } from "./accepted.ts";
import { type ArmContext, managementHost } from "./context.ts";
import type { ResourceRecord } from "./record.ts";
import type { ArmCall, ResourceType } from "./resource-type.ts";
import { callerId } from "./write.ts";

/** DELETE of a resource that ARM keeps: its children first, then itself, then its system-assigned identity. */
export const deleteResource = async (type: ResourceType, call: ArmCall, context: ArmContext): Promise<Reply> => {
  const record = await context.resources.get(call.target.id);
  if (record === undefined || record.type.toLowerCase() !== type.type.toLowerCase()) return empty(204);
  await deleteBelow(record.id, call, context);
  await type.deleting?.(record, call);
  await context.resources.remove(record.id);
  await removeIdentity(record, context);
  await type.deleted?.(record, call);
  const code = type.codes?.deleted ?? 200;
  return code === 202 ? accepted(context, { resourceId: record.id, startedBy: callerId(call) }) : empty(code);
};

const removeIdentity = async (record: ResourceRecord, context: ArmContext): Promise<void> => {
  if (record.identity?.principalId !== undefined) await context.directory.remove(record.identity.principalId);
};

/**
 * Deletes everything below a resource or group, deepest first, each as an operation of its own: Azure does so with the
 * right on the parent alone, so the authority is a platform effect and stands in the record.
 */
export const deleteBelow = async (id: string, call: Pick<ArmCall, "invoke">, context: ArmContext): Promise<void> => {
  const below = await context.resources.below(id);
  const deepestFirst = below.toSorted((a, b) => depth(b.id) - depth(a.id) || rank(a.type) - rank(b.type));
  for (const { id: child } of deepestFirst) await deleteAs(child, call);
  for (const extension of await context.extensionsBelow(id)) await deleteAs(extension, call);
};

const depth = (id: string): number => id.split("/").length;

/** Whatever others stand on goes last within a depth: plans after sites, identities after their users. */
const rank = (type: string): number =>
  /\/(serverfarms|userAssignedIdentities|managedEnvironments)$/i.test(type) ? 1 : 0;

const deleteAs = async (id: string, call: Pick<ArmCall, "invoke">): Promise<void> => {
  const path = `${encodeURI(id)}?api-version=2022-12-01`;
  const reply = await call.invoke(
    { as: "platform", effect: "group-delete" },
    { method: "DELETE", host: managementHost, path },
  );
  if (reply.status >= 400 && reply.status !== 404)
    throw new Error(`Deleting ${id} with its parent failed with status ${reply.status}.`);
};
