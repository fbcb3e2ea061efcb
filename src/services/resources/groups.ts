import type { ArmContext } from "../../arm/context.ts";
import { deleteBelow, DeletionBlocked } from "../../arm/delete.ts";
import { armFault } from "../../arm/faults.ts";
import { checkApiVersion } from "../../arm/generated.ts";
import { isObject, readTags, type ResourceRecord } from "../../arm/record.ts";
import { nameOf } from "../../arm/resource-id.ts";
import type { ArmCall, ArmTarget } from "../../arm/resource-type.ts";
import { callerId } from "../../arm/write.ts";
import type { Kernel } from "../../kernel/dispatch.ts";
import { empty, json, type Reply } from "../../kernel/message.ts";
import { type AnyOperation, operationsOf } from "../../kernel/operation.ts";

export type GroupAction = `Microsoft.Resources/subscriptions/resourceGroups/${"read" | "write" | "delete"}`;

export const groupType = "Microsoft.Resources/resourceGroups";
const versions = { apiVersions: ["2025-04-01", "2024-03-01", "2021-04-01"] };
/** Source: learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules */
const nameRule = /^[-\w._()]{0,89}[-\w_()]$/u;
const operation = operationsOf<ArmTarget, GroupAction, never>();
const address = "/subscriptions/:subscriptionid/resourcegroups/:name";
const limit = 1024 * 1024;

/** Resource groups: PUT, PATCH, GET, HEAD, DELETE (with all that is in them), list. */
export const groupOperations = (context: ArmContext): readonly AnyOperation<ArmTarget>[] => [
  operation({
    name: "ResourceGroups_CreateOrUpdate",
    method: "PUT",
    path: address,
    bodyLimit: limit,
    needs: { action: "Microsoft.Resources/subscriptions/resourceGroups/write" },
    handle: (call) => writeGroup(call, call.parameters.name, context),
  }),
  operation({
    name: "ResourceGroups_Update",
    method: "PATCH",
    path: address,
    bodyLimit: limit,
    needs: { action: "Microsoft.Resources/subscriptions/resourceGroups/write" },
    handle: (call) => writeGroup(call, call.parameters.name, context),
  }),
  operation({
    name: "ResourceGroups_Get",
    method: "GET",
    path: address,
    needs: { action: "Microsoft.Resources/subscriptions/resourceGroups/read" },
    handle: async (call) => {
      checkApiVersion(call, versions);
      return json(shown(await group(call.target.id, call.parameters.name, context)));
    },
  }),
  operation({
    name: "ResourceGroups_CheckExistence",
    method: "HEAD",
    path: address,
    needs: { action: "Microsoft.Resources/subscriptions/resourceGroups/read" },
    handle: async (call) => empty((await context.resources.get(call.target.id)) === undefined ? 404 : 204),
  }),
  operation({
    name: "ResourceGroups_Delete",
    method: "DELETE",
    path: address,
    needs: { action: "Microsoft.Resources/subscriptions/resourceGroups/delete" },
    handle: async (call) => {
      checkApiVersion(call, versions);
      context.requireUnlocked?.(call);
      return deleteGroup(call, await group(call.target.id, call.parameters.name, context), context);
    },
  }),
  operation({
    name: "ResourceGroups_List",
    method: "GET",
    path: "/subscriptions/:subscriptionid/resourcegroups",
    needs: { filtered: "Microsoft.Resources/subscriptions/resourceGroups/read", at: subscriptionScope },
    handle: async (call) => {
      checkApiVersion(call, versions);
      const groups = await context.resources.ofType(call.parameters.subscriptionid, groupType);
      const permitted: unknown[] = [];
      for (const each of groups)
        if (
          await call.permits({
            kind: "action",
            name: "Microsoft.Resources/subscriptions/resourceGroups/read",
            scope: each.id,
          })
        )
          permitted.push(shown(each));
      return json({ value: permitted });
    },
  }),
];

export const subscriptionScope = (call: { readonly parameters: { readonly subscriptionid: string } }): string =>
  `/subscriptions/${call.parameters.subscriptionid}`;

const group = async (id: string, name: string, context: ArmContext): Promise<ResourceRecord> => {
  const found = await context.resources.get(id);
  if (found === undefined) throw armFault("groupNotFound", { name });
  return found;
};

const writeGroup = async (call: ArmCall, name: string, context: ArmContext): Promise<Reply> => {
  checkApiVersion(call, versions);
  requireSubscription(call, context);
  context.requireUnlocked?.(call);
  const body = (await call.body.json()) ?? {};
  if (!isObject(body)) throw armFault("invalidContent", { why: "The request body must be a JSON object." });
  const existing = await context.resources.get(call.target.id);
  if (existing?.properties["provisioningState"] === "Deleting") throw armFault("groupBeingDeleted", { name });
  if (existing === undefined && call.request.method === "PATCH") throw armFault("groupNotFound", { name });
  if (!nameRule.test(name))
    throw armFault("invalidName", {
      name,
      rule: "Use 1 to 90 letters, digits, underscores, parentheses, hyphens and periods; it cannot end in a period.",
    });
  const given = body["location"];
  if (given !== undefined && typeof given !== "string")
    throw armFault("invalidContent", { why: "The location must be a string." });
  // PATCH alone may leave it out (resource-manager, ResourceGroup: `location` is required).
  const location =
    given?.toLowerCase().replaceAll(" ", "") ?? (call.request.method === "PATCH" ? existing?.location : undefined);
  if (location === undefined || location === "") throw armFault("locationRequired");
  if (existing !== undefined && existing.location !== location)
    throw armFault("invalidLocation", { name, old: existing.location ?? "", new: location, group: name });
  const tags = body["tags"] === undefined ? existing?.tags : readTags(body["tags"]);
  const now = { at: new Date(context.clock.now()).toISOString(), by: callerId(call) };
  const record: ResourceRecord = {
    id: existing?.id ?? `/subscriptions/${context.tenant.subscriptionId}/resourceGroups/${name}`,
    type: groupType,
    name: existing?.name ?? name,
    location,
    ...(tags === undefined ? {} : { tags }),
    properties: { provisioningState: "Succeeded" },
    created: existing?.created ?? now,
    changed: now,
  };
  if (existing === undefined) {
    await context.resources.put(record);
    return json(shown(record), 201);
  }
  const kept = await context.resources.update(record.id, (current) => {
    if (current.properties["provisioningState"] === "Deleting") throw armFault("groupBeingDeleted", { name });
    return { ...current, ...(tags === undefined ? {} : { tags }), changed: now };
  });
  if (kept === undefined) throw armFault("groupBeingDeleted", { name });
  return json(shown(kept));
};

/** Marks the group first, so that a crash resumes the deletion instead of forgetting it. */
const deleteGroup = async (call: ArmCall, record: ResourceRecord, context: ArmContext): Promise<Reply> => {
  await context.resources.update(record.id, (kept) => ({ ...kept, properties: { provisioningState: "Deleting" } }));
  const headers = await context.longRunning.start({
    resourceId: record.id,
    startedBy: callerId(call),
    work: () => emptyGroup(record.id, call, context),
  });
  return empty(202, { location: headers["location"] ?? "" });
};

/** Deletes what is in a group, then the group. Also finishes deletions that a crash interrupted. */
const emptyGroup = async (id: string, call: Pick<ArmCall, "invoke">, context: ArmContext): Promise<void> => {
  try {
    await deleteBelow(id, call, context);
  } catch (error) {
    await context.resources.update(id, (kept) => ({ ...kept, properties: { provisioningState: "Succeeded" } }));
    if (!(error instanceof DeletionBlocked)) throw error;
    throw armFault("groupDeletionBlocked", { name: nameOf(id), blocking: error.id, why: error.why });
  }
  await context.resources.remove(id);
};

/** Goes on with deletions that a crash interrupted; each counts as a new long-running operation of the platform. */
export const resumeGroupDeletions = async (
  context: ArmContext,
  kernel: { invoke: Kernel["invoke"] },
): Promise<void> => {
  const invoke: ArmCall["invoke"] = (authority, invocation) => {
    if (authority.as === "caller") throw new Error("Recovery has no caller.");
    return kernel.invoke(authority, invocation);
  };
  for (const each of await context.resources.ofType(context.tenant.subscriptionId, groupType))
    if (each.properties["provisioningState"] === "Deleting")
      await context.longRunning.start({
        resourceId: each.id,
        startedBy: "platform",
        work: () => emptyGroup(each.id, { invoke }, context),
      });
};

export const requireSubscription = (call: ArmCall, context: ArmContext): void => {
  const id = call.target.subscriptionId ?? "";
  if (id.toLowerCase() === context.tenant.subscriptionId) return;
  throw /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id)
    ? armFault("subscriptionNotFound", { id })
    : armFault("invalidSubscriptionId", { id });
};

const shown = (record: ResourceRecord): Record<string, unknown> => ({
  id: record.id,
  name: record.name,
  type: groupType,
  location: record.location,
  tags: record.tags ?? {},
  properties: record.properties,
});
