import type { ServicePrincipal } from "../identity/principals.ts";
import { empty, json, type Reply } from "../kernel/message.ts";
import { ConditionFailed } from "../store/store.ts";
import { acceptedWrite } from "./accepted.ts";
import type { ArmContext } from "./context.ts";
import { armFault } from "./faults.ts";
import { identityOf } from "./identity-block.ts";
import { present } from "./present.ts";
import { groupExists, ScopeGone } from "./resources.ts";
import { groupIdOf, idOf, nameOf, parentOf } from "./resource-id.ts";
import { isObject, type JsonObject, readTags, type ResourceRecord } from "./record.ts";
import type { ArmCall, Change, ResourceType } from "./resource-type.ts";

/** How often a change is worked out anew because somebody else changed the resource meanwhile. */
const attempts = 20;

/** PUT and PATCH of a resource that ARM keeps. */
export const writeResource = async (
  type: ResourceType,
  call: ArmCall,
  verb: "PUT" | "PATCH",
  context: ArmContext,
): Promise<Reply> => {
  if (type.write === undefined || call.target.path?.names.length === 0) throw notSupported(call);
  const body = (await call.body.json()) ?? {};
  if (!isObject(body)) throw armFault("invalidContent", { why: "The request body must be a JSON object." });
  return context.resources.inTurn(call.target.id, async () => {
    const { record, change } = await commit(type, call, verb, body, context);
    await applyEffects(type, record, change, context);
    const code = change.existing === undefined ? (type.codes?.created ?? 201) : (type.codes?.updated ?? 200);
    const shown = await present((await context.resources.get(record.id)) ?? record, type, call, context);
    if (code === 202) return acceptedWrite(context, { resourceId: record.id, startedBy: callerId(call), shown });
    return json(shown, verb === "PATCH" ? 200 : code);
  });
};

/** Works a change out and writes it; again when the resource changed in between (background work, another process). */
const commit = async (
  type: ResourceType,
  call: ArmCall,
  verb: "PUT" | "PATCH",
  body: JsonObject,
  context: ArmContext,
): Promise<{ readonly record: ResourceRecord; readonly change: Change }> => {
  for (let attempt = 1; ; attempt += 1) {
    const { change, within } = await readChange(type, call, verb, body, context);
    if (verb === "PATCH" && change.existing === undefined) throw missing(change.id, type);
    await checkName(type, change, context);
    const { record, joining } = await recordOf(type, change, context);
    const before = change.existing?.identity?.principalId;
    const leaving = before === undefined || before === record.identity?.principalId ? [] : [before];
    try {
      await context.resources.commit({ record, etag: change.etag, within, joining, leaving });
      return { record, change };
    } catch (error) {
      if (error instanceof ScopeGone) continue;
      if (!(error instanceof ConditionFailed)) throw error;
      if (attempt === attempts) throw armFault("conflict", { why: "Other requests keep changing the same resource." });
    }
  }
};

const recordOf = async (
  type: ResourceType,
  change: Change,
  context: ArmContext,
): Promise<{ readonly record: ResourceRecord; readonly joining: readonly ServicePrincipal[] }> => {
  const { existing, call } = change;
  const { principals = [], ...draft } = (await type.write?.(change)) ?? { properties: {} };
  const { block, made } = type.identity ? await identityOf(change, context) : { block: undefined, made: undefined };
  const now = { at: new Date(context.clock.now()).toISOString(), by: callerId(call) };
  const location = locationOf(type, change);
  const tags = tagsOf(type, change);
  const record = {
    id: change.id,
    type: type.type,
    name: change.name,
    ...(location === undefined ? {} : { location }),
    ...(tags === undefined ? {} : { tags }),
    ...draft,
    ...(block === undefined ? {} : { identity: block }),
    created: existing?.created ?? now,
    changed: now,
  };
  return { record, joining: made === undefined ? principals : [...principals, made] };
};

const readChange = async (
  type: ResourceType,
  call: ArmCall,
  verb: "PUT" | "PATCH",
  body: JsonObject,
  context: ArmContext,
): Promise<{ readonly change: Change; readonly within: readonly string[] }> => {
  const { id } = call.target;
  const found = await context.resources.entry(id);
  const existing = found?.value;
  const within = existing === undefined ? await requireParents(type, id, context) : [];
  const change = {
    call,
    id: existing?.id ?? (await canonicalId(type, id, context)),
    name: existing?.name ?? nameOf(id),
    verb,
    body,
    existing,
    etag: found?.etag,
  };
  return { change, within };
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

/** The group and the parent that a new resource stands in. @throws 404, or 409 for a group that is being deleted */
const requireParents = async (type: ResourceType, id: string, context: ArmContext): Promise<readonly string[]> => {
  const groupId = groupIdOf(id);
  const group = groupId === undefined ? undefined : await context.resources.get(groupId);
  if (groupId !== undefined && group === undefined) throw armFault("groupNotFound", { name: nameOf(groupId) });
  if (group?.properties["provisioningState"] === "Deleting") throw armFault("groupBeingDeleted", { name: group.name });
  const within = group === undefined ? [] : [group.id];
  if (type.type.split("/").length === 2 && type.at !== "extension") return within;
  const parentId = parentOf(id);
  const parent = await context.resources.get(parentId);
  if (parent !== undefined) return parent.id === group?.id ? within : [...within, parent.id];
  const isScopeOnly = type.at === "extension" && !/\/providers\//i.test(parentId);
  // Settings of a service are no records of their own: they are there as long as the service is.
  if (!isScopeOnly && !/\/(default|web)$/i.test(parentId))
    throw armFault("parentNotFound", { verb: "write", type: type.type, parent: parentId });
  return within;
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
  // A list that was opened by some right below its scope shows what that right is for, and no more.
  for (const record of records)
    if (await call.permits({ kind: "action", name: `${type.type}/read`, scope: record.id }))
      shown.push(await present(record, type, call, context));
  return json({ value: shown });
};
