import { empty, type Reply } from "../kernel/message.ts";
import { accepted } from "./accepted.ts";
import { type ArmContext, managementHost } from "./context.ts";
import { armFault } from "./faults.ts";
import { objectOf, textOf } from "./record.ts";
import type { ArmCall, ResourceType } from "./resource-type.ts";
import { callerId } from "./write.ts";

/**
 * DELETE of a resource that ARM keeps: its children first, then itself with its identities and secrets. Children go before
 * the resource's turn, because their changes may be waiting for it; one that came meanwhile sends us back to them.
 */
export const deleteResource = async (type: ResourceType, call: ArmCall, context: ArmContext): Promise<Reply> => {
  const { id } = call.target;
  const found = await context.resources.get(id);
  if (found === undefined || found.type.toLowerCase() !== type.type.toLowerCase()) return empty(204);
  for (;;) {
    await deleteBelow(found.id, call, context).catch((error: unknown) => {
      throw error instanceof DeletionBlocked ? armFault("conflict", { why: error.message }) : error;
    });
    const reply = await context.resources.inTurn(id, () => deleteAlone(type, call, context));
    if (reply !== undefined) return reply;
  }
};

/** Undefined: something stands below it again. */
const deleteAlone = async (type: ResourceType, call: ArmCall, context: ArmContext): Promise<Reply | undefined> => {
  const { resources } = context;
  const record = await resources.get(call.target.id);
  if (record === undefined) return empty(204);
  if ((await resources.below(record.id)).length > 0) return undefined;
  if ((await context.extensionsBelow(record.id)).length > 0) return undefined;
  await type.deleting?.(record, call);
  await context.forgetSecrets?.(record.id);
  await resources.remove(record.id);
  await type.deleted?.(record, call);
  // Made between the two, for an app that was starting.
  await context.forgetSecrets?.(record.id);
  const code = type.codes?.deleted ?? 200;
  return code === 202 ? accepted(context, { resourceId: record.id, startedBy: callerId(call) }) : empty(code);
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

/** Something below a resource or group could not be deleted. */
export class DeletionBlocked extends Error {
  readonly id: string;
  readonly why: string;
  constructor(id: string, why: string) {
    super(`${id} could not be deleted: ${why}`);
    this.name = "DeletionBlocked";
    this.id = id;
    this.why = why;
  }
}

const deleteAs = async (id: string, call: Pick<ArmCall, "invoke">): Promise<void> => {
  const path = `${encodeURI(id)}?api-version=2022-12-01`;
  const reply = await call.invoke(
    { as: "platform", effect: "group-delete" },
    { method: "DELETE", host: managementHost, path },
  );
  if (reply.status < 400 || reply.status === 404) return;
  const body = reply.body !== undefined && "json" in reply.body ? objectOf(reply.body.json) : {};
  throw new DeletionBlocked(id, textOf(objectOf(body["error"])["message"]) || `status ${reply.status}`);
};
