import { empty, json, type Reply } from "../kernel/message.ts";
import { ConditionFailed } from "../store/store.ts";
import { acceptedWrite } from "./accepted.ts";
import type { ArmContext } from "./context.ts";
import { armFault } from "./faults.ts";
import { identityOf } from "./identity-block.ts";
import { present } from "./present.ts";
import { groupExists } from "./resources.ts";
import { groupIdOf, idOf, nameOf, parentOf } from "./resource-id.ts";
import { isObject, readTags, type ResourceRecord } from "./record.ts";
import type { ArmCall, Change, ResourceType } from "./resource-type.ts";

/** PUT and PATCH of a resource that ARM keeps. */
export const writeResource = async (
  type: ResourceType,
  call: ArmCall,
  verb: "PUT" | "PATCH",
  context: ArmContext,
): Promise<Reply> => {
  if (type.write === undefined) throw notSupported(call);
  const change = await readChange(type, call, verb, context);
  const { existing } = change;
  if (verb === "PATCH" && existing === undefined) throw missing(change.id, type);
  await checkName(type, change, context);
  const draft = await type.write(change);
  const identity = type.identity === true ? await identityOf(change, context) : undefined;
  const now = { at: new Date(context.clock.now()).toISOString(), by: callerId(call) };
  const location = locationOf(type, change);
  const tags = tagsOf(type, change);
  const record: ResourceRecord = {
    id: change.id,
    type: type.type,
    name: change.name,
    ...(location === undefined ? {} : { location }),
    ...(tags === undefined ? {} : { tags }),
    ...draft,
    ...(identity === undefined ? {} : { identity }),
    created: existing?.created ?? now,
    changed: now,
  };
  await commit(record, change, context);
  const before = existing?.identity?.principalId;
  if (before !== undefined && before !== identity?.principalId) await context.directory.remove(before);
  await applyEffects(type, record, change, context);
  const code = existing === undefined ? (type.codes?.created ?? 201) : (type.codes?.updated ?? 200);
  const shown = await present(record, type, call, context);
  if (code === 202) return acceptedWrite(context, { resourceId: record.id, startedBy: callerId(call), shown });
  return json(shown, verb === "PATCH" ? 200 : code);
};

const readChange = async (
  type: ResourceType,
  call: ArmCall,
  verb: "PUT" | "PATCH",
  context: ArmContext,
): Promise<Change> => {
  const { path, id } = call.target;
  const name = path?.names.at(-1);
  if (path === undefined || name === undefined) throw notSupported(call);
  const body = (await call.body.json()) ?? {};
  if (!isObject(body)) throw armFault("invalidContent", { why: "The request body must be a JSON object." });
  const existing = await context.resources.get(id);
  if (existing === undefined) await requireParent(type, id, context);
  return {
    call,
    id: existing?.id ?? (await canonicalId(type, id, context)),
    name: existing?.name ?? name,
    verb,
    body,
    existing,
  };
};

/** Spells a new id: types as declared, the group and parents as they were created. */
const canonicalId = async (type: ResourceType, id: string, context: ArmContext): Promise<string> => {
  const parent =
    type.type.split("/").length > 2 || type.at === "extension" ? await context.resources.get(parentOf(id)) : undefined;
  const segments = type.type.split("/");
  if (segments.length > 2 && parent !== undefined) return `${parent.id}/${segments.at(-1)}/${nameOf(id)}`;
  const scope = parent?.id ?? (await groupOf(id, context)) ?? parentOf(id);
  const own = type.type.slice(type.type.indexOf("/") + 1);
  return `${scope}/providers/${segments[0]}/${own}/${nameOf(id)}`;
};

const groupOf = async (id: string, context: ArmContext): Promise<string | undefined> => {
  const group = groupIdOf(id);
  return group === undefined ? undefined : (await context.resources.get(group))?.id;
};

const requireParent = async (type: ResourceType, id: string, context: ArmContext): Promise<void> => {
  if (!(await groupExists(context.resources, id)))
    throw armFault("groupNotFound", { name: nameOf(groupIdOf(id) ?? "") });
  const group = await context.resources.get(groupIdOf(id) ?? "");
  if (group?.properties["provisioningState"] === "Deleting") throw armFault("groupBeingDeleted", { name: group.name });
  if (type.type.split("/").length > 2 || type.at === "extension") {
    const parent = parentOf(id);
    const isScopeOnly = type.at === "extension" && !/\/providers\//i.test(parent);
    if (!isScopeOnly && (await context.resources.get(parent)) === undefined && !/\/(default|web)$/i.test(parent))
      throw armFault("parentNotFound", { verb: "write", type: type.type, parent });
  }
};

const checkName = async (type: ResourceType, change: Change, context: ArmContext): Promise<void> => {
  if (change.existing !== undefined) return;
  if (type.nameRule !== undefined && !type.nameRule.pattern.test(change.name))
    throw armFault("invalidName", { name: change.name, rule: type.nameRule.text });
  if (type.globalName !== undefined && (await context.resources.named(type.type, change.name)) !== undefined)
    throw armFault("nameTaken", { code: type.globalName.code, message: type.globalName.message(change.name) });
};

const locationOf = (type: ResourceType, { body, existing, id, name }: Change): string | undefined => {
  if (!type.tracked) return undefined;
  const asked = body["location"];
  const location = typeof asked === "string" ? asked.toLowerCase().replaceAll(" ", "") : undefined;
  if (existing === undefined) {
    if (location === undefined || location === "") throw armFault("locationRequired");
    return location;
  }
  if (location !== undefined && location !== existing.location)
    throw armFault("invalidLocation", {
      name,
      old: existing.location ?? "",
      new: location,
      group: nameOf(groupIdOf(id) ?? ""),
    });
  return existing.location;
};

const tagsOf = (type: ResourceType, { body, existing }: Change): Readonly<Record<string, string>> | undefined => {
  if (!type.tracked) return undefined;
  const asked = body["tags"];
  if (asked === undefined) return existing?.tags;
  return readTags(asked);
};

const commit = async (record: ResourceRecord, change: Change, context: ArmContext): Promise<void> => {
  try {
    if (change.existing === undefined) await context.resources.create(record);
    else await context.resources.put(record);
  } catch (error) {
    if (error instanceof ConditionFailed)
      throw armFault("conflict", { why: "Another request is creating the same resource." });
    throw error;
  }
};

/** Effects come after the record is durable; a failure is kept as `Failed` and told to the client. */
const applyEffects = async (
  type: ResourceType,
  record: ResourceRecord,
  change: Change,
  context: ArmContext,
): Promise<void> => {
  if (type.written === undefined) return;
  try {
    await type.written(record, change);
  } catch (error) {
    await context.resources.update(record.id, (kept) => ({
      ...kept,
      properties: { ...kept.properties, provisioningState: "Failed" },
    }));
    throw error;
  }
};

export const missing = (id: string, type: ResourceType): Error => {
  const names =
    id
      .split(`/providers/`)
      .at(-1)
      ?.split("/")
      .slice(1)
      .filter((_, index) => index % 2 === 1) ?? [];
  return armFault("resourceNotFound", {
    resource: `${type.type}/${names.join("/")}`,
    group: nameOf(groupIdOf(id) ?? ""),
  });
};

export const notSupported = (call: ArmCall): Error =>
  armFault("methodNotAllowed", { method: call.request.method, scope: call.target.id });

/** Object id of the caller, or what else it is, for `systemData`. */
export const callerId = (call: ArmCall): string =>
  call.caller.kind === "principal" ? call.caller.objectId : call.caller.kind;

export const readResource = async (type: ResourceType, call: ArmCall, context: ArmContext): Promise<Reply> => {
  const record = await context.resources.get(call.target.id);
  if (record === undefined || record.type.toLowerCase() !== type.type.toLowerCase()) {
    if (!(await groupExists(context.resources, call.target.id)))
      throw armFault("groupNotFound", { name: nameOf(groupIdOf(call.target.id) ?? "") });
    throw missing(call.target.id, type);
  }
  if (call.request.method === "HEAD") return empty(204);
  return json(await present(record, type, call, context));
};

export const listResources = async (type: ResourceType, call: ArmCall, context: ArmContext): Promise<Reply> => {
  const { path, subscriptionId } = call.target;
  if (path === undefined || subscriptionId === undefined) throw notSupported(call);
  const scope = idOf(path);
  const inSubscription = path.names.length === 0 && /^\/subscriptions\/[^/]+$/i.test(scope);
  if (!inSubscription && !(await groupExists(context.resources, scope)))
    throw armFault("groupNotFound", { name: nameOf(groupIdOf(scope) ?? "") });
  const records = inSubscription
    ? await context.resources.ofType(subscriptionId, type.type)
    : await context.resources.below(scope, type.type);
  const shown: unknown[] = [];
  for (const record of records)
    if (!inSubscription || (await call.permits({ kind: "action", name: `${type.type}/read`, scope: record.id })))
      shown.push(await present(record, type, call, context));
  return json({ value: shown });
};
