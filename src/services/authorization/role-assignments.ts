/** `Microsoft.Authorization/roleAssignments`. Answers and refusals: access.md 1.8. */
import {
  type AssignmentPrincipalType,
  normaliseRoleDefinitionId,
  roleAssignmentId,
  type RoleAssignment,
} from "../../access/assignments.ts";
import { builtInRole } from "../../access/built-in-roles/all.ts";
import { parseCondition } from "../../access/conditions/parse.ts";
import { isGuid, roleGuid, undashed } from "../../access/definitions.ts";
import { covers, parseScope, scopeKey } from "../../access/scopes.ts";
import type { ArmContext } from "../../arm/context.ts";
import { armFault } from "../../arm/faults.ts";
import { groupIdOf, nameOf } from "../../arm/resource-id.ts";
import type { JsonObject } from "../../arm/record.ts";
import type { ArmCall, ResourceType } from "../../arm/resource-type.ts";
import { callerId } from "../../arm/write.ts";
import { empty, json, type Reply } from "../../kernel/message.ts";
import { authorizationFault as fault } from "./faults.ts";
import { filterOf } from "./filters.ts";
import { propertiesOf, readable, scopeOf, stringOf } from "./requests.ts";
import type { AccessState } from "./state.ts";

const type = "Microsoft.Authorization/roleAssignments";
const principalTypes: readonly AssignmentPrincipalType[] = [
  "User",
  "Group",
  "ServicePrincipal",
  "ForeignGroup",
  "Device",
];
const limits = { subscription: 4000, managementGroup: 500 };

export type AssignmentContext = Pick<ArmContext, "resources" | "directory" | "tenant" | "clock">;

export const roleAssignments = (state: AccessState, context: AssignmentContext): ResourceType => ({
  type,
  apiVersions: ["2022-04-01", "2020-10-01-preview", "2020-04-01-preview", "2018-01-01-preview", "2015-07-01"],
  at: "extension",
  tracked: false,
  attributes: (call) => attributesOf(call, state),
  source: {
    get: (call, _id, name) => {
      const found = existing(state, scopeOf(call), name);
      if (found === undefined) throw fault("roleAssignmentNotFound", { id: undashed(name) });
      return json(shown(found));
    },
    list: (call) => list(call, state, context),
    put: (call, _id, name) => put(call, name, state, context),
    delete: async (call, _id, name) => {
      const found = existing(state, scopeOf(call), name);
      if (found === undefined) return empty(204);
      if (call.caller.kind !== "platform" && isLastAdministrator(found, state, context)) {
        throw fault(
          "lastAdministrator",
          {},
          { hint: "Without it nobody could assign roles in the subscription any more." },
        );
      }
      await state.removeRoleAssignment(found.name);
      return json(shown(found));
    },
  },
});

/** Only at the scope it is addressed by: that scope is where the caller's right was checked. */
const existing = (state: AccessState, scope: string, name: string): RoleAssignment | undefined => {
  const found = state.index.assignment(name);
  return found !== undefined && scopeKey(found.scope) === scopeKey(scope) ? found : undefined;
};

/** What constrains delegated administrators: the role and principal of the assignment to write or delete. */
const attributesOf = async (call: ArmCall, state: AccessState): Promise<Readonly<Record<string, string>>> => {
  if (call.caller.kind !== "principal") return {};
  const named = (
    source: "Request" | "Resource",
    values: Readonly<Record<string, string | undefined>>,
  ): Record<string, string> =>
    Object.fromEntries(
      Object.entries(values).flatMap(([name, value]) =>
        value === undefined ? [] : [[`${source}[${type}:${name}]`, value]],
      ),
    );
  const found = state.index.assignment(call.target.path?.names.at(-1) ?? "");
  const onResource =
    found === undefined
      ? {}
      : named("Resource", {
          RoleDefinitionId: roleGuid(found.roleDefinitionId),
          PrincipalId: found.principalId,
          PrincipalType: found.principalType,
        });
  if (call.request.method !== "PUT") return onResource;
  const properties = await propertiesOf(call);
  return {
    ...onResource,
    ...named("Request", {
      RoleDefinitionId: roleGuid(stringOf(properties["roleDefinitionId"]) ?? ""),
      PrincipalId: stringOf(properties["principalId"]),
      PrincipalType: stringOf(properties["principalType"]),
    }),
  };
};

const put = async (call: ArmCall, name: string, state: AccessState, context: AssignmentContext): Promise<Reply> => {
  if (!isGuid(name)) throw fault("invalidRoleAssignmentId", { id: name.slice(0, 100) });
  const scope = await existingScope(scopeOf(call), context);
  const properties = await propertiesOf(call);
  const before = state.index.assignment(name);
  const now = new Date(context.clock.now()).toISOString();
  const assignment: RoleAssignment = {
    id: roleAssignmentId(scope, name.toLowerCase()),
    name: name.toLowerCase(),
    scope,
    roleDefinitionId: roleOf(properties, scope, state),
    ...(await principalOf(properties, context)),
    ...conditionOf(properties),
    ...optional(properties, "description"),
    ...optional(properties, "delegatedManagedIdentityResourceId"),
    createdOn: before?.createdOn ?? now,
    updatedOn: now,
    createdBy: before?.createdBy ?? callerId(call),
    updatedBy: callerId(call),
  };
  if (before === undefined) requireRoom(scope, state);
  const written = await state.putRoleAssignment(assignment);
  if ("conflict" in written) {
    throw written.conflict.name === assignment.name
      ? fault("updateNotPermitted")
      : fault("roleAssignmentExists", { id: undashed(written.conflict.name) });
  }
  // 201 for updates too: clients of old api-versions take nothing else (az-cli.md 4.11).
  return json(shown(written.value), 201);
};

const optional = (
  properties: JsonObject,
  name: "description" | "delegatedManagedIdentityResourceId",
): Record<string, string> => {
  const value = stringOf(properties[name]);
  return value === undefined ? {} : { [name]: value };
};

/** The scope as its resources spell it. @throws 404 when the group or the top-level resource does not exist */
const existingScope = async (scope: string, context: AssignmentContext): Promise<string> => {
  const { subscription, segments } = parseScope(scope) ?? { subscription: undefined, segments: [] };
  if (subscription === undefined) return scope;
  if (subscription.toLowerCase() !== context.tenant.subscriptionId.toLowerCase()) {
    throw armFault("subscriptionNotFound", { id: subscription });
  }
  const own = `/subscriptions/${context.tenant.subscriptionId}`;
  const groupId = groupIdOf(scope);
  if (groupId === undefined) return own + scope.slice(own.length);
  const group = await context.resources.get(groupId);
  if (group === undefined) throw armFault("groupNotFound", { name: nameOf(groupId) });
  if (group.properties["provisioningState"] === "Deleting") throw armFault("groupBeingDeleted", { name: group.name });
  const top = 8;
  if (segments.length < top) return group.id;
  const resource = await context.resources.get(`/${segments.slice(0, top).join("/")}`);
  if (resource === undefined) {
    throw armFault("resourceNotFound", {
      resource: `${segments.slice(5, 7).join("/")}/${segments[7]}`,
      group: group.name,
    });
  }
  return [resource.id, ...segments.slice(top)].join("/");
};

const roleOf = (properties: JsonObject, scope: string, state: AccessState): string => {
  const given = stringOf(properties["roleDefinitionId"]) ?? "";
  const id = normaliseRoleDefinitionId(scope, given);
  if (id === undefined) throw fault("invalidRoleDefinitionId", { id: given.slice(0, 300) });
  const role = state.index.definition(id);
  // A custom role does not exist outside its assignable scopes.
  if (role === undefined || !role.assignableScopes.some((each) => reaches(each, scope, state))) {
    throw fault("unknownRoleDefinition", { id: undashed(roleGuid(id) ?? "") });
  }
  return id;
};

const reaches = (outer: string, scope: string, state: AccessState): boolean => {
  const parsed = parseScope(scope);
  const key = scopeKey(outer);
  return parsed !== undefined && key !== undefined && state.index.ancestors(parsed).includes(key);
};

const principalOf = async (
  properties: JsonObject,
  context: AssignmentContext,
): Promise<Pick<RoleAssignment, "principalId" | "principalType">> => {
  const id = stringOf(properties["principalId"])?.toLowerCase();
  if (id === undefined || id === "") throw fault("principalRequired");
  if (!isGuid(id)) throw fault("invalidPrincipalId", { id: id.slice(0, 100) });
  const given = stringOf(properties["principalType"]);
  const wanted = principalTypes.find((each) => each.toLowerCase() === given?.toLowerCase());
  if (given !== undefined && wanted === undefined) throw fault("invalidPrincipalType", { given: given.slice(0, 100) });
  const principal = await context.directory.principal(id);
  if (principal === undefined) {
    // With a type the directory is not asked: an identity made a moment ago may not be replicated yet.
    if (wanted === undefined) throw fault("principalNotFound", { id: undashed(id), tenant: context.tenant.tenantId });
    return { principalId: id, principalType: wanted };
  }
  if (wanted !== undefined && wanted !== principal.kind) {
    throw fault("unmatchedPrincipalType", { id: undashed(id), actual: principal.kind, given: wanted });
  }
  return { principalId: id, principalType: principal.kind };
};

const conditionOf = (properties: JsonObject): Pick<RoleAssignment, "condition" | "conditionVersion"> => {
  const condition = stringOf(properties["condition"]);
  if (condition === undefined || condition.trim() === "") return {};
  const version = stringOf(properties["conditionVersion"]) ?? "2.0";
  if (version !== "2.0") throw fault("invalidConditionVersion", { version: version.slice(0, 20) });
  try {
    parseCondition(condition);
  } catch (error) {
    throw fault("invalidCondition", { why: error instanceof Error ? error.message : "it cannot be read" });
  }
  return { condition, conditionVersion: version };
};

const requireRoom = (scope: string, state: AccessState): void => {
  const { subscription, level } = parseScope(scope) ?? {};
  if (subscription !== undefined) {
    const held = state.index.assignmentsBelow(`/subscriptions/${subscription}`).length;
    if (held >= limits.subscription) throw fault("limitExceeded", { limit: limits.subscription, what: "subscription" });
  } else if (level === "managementGroup") {
    const held = state.index.assignments().filter((each) => scopeKey(each.scope) === scopeKey(scope)).length;
    if (held >= limits.managementGroup)
      throw fault("limitExceeded", { limit: limits.managementGroup, what: "management group" });
  }
};

/** Owner or User Access Administrator at the subscription or above, the only one left. */
const isLastAdministrator = (assignment: RoleAssignment, state: AccessState, context: AssignmentContext): boolean => {
  const administrators = new Set([builtInRole("Owner").name, builtInRole("User Access Administrator").name]);
  const subscription = parseScope(`/subscriptions/${context.tenant.subscriptionId}`);
  if (subscription === undefined) return false;
  const above = new Set(state.index.ancestors(subscription));
  const administers = (each: RoleAssignment): boolean =>
    administrators.has(roleGuid(each.roleDefinitionId) ?? "") && above.has(scopeKey(each.scope) ?? "");
  return administers(assignment) && state.index.assignments().filter(administers).length === 1;
};

/** Without a filter a list shows assignments at, above and below its scope; `atScope()` leaves out those below. */
const list = async (call: ArmCall, state: AccessState, context: AssignmentContext): Promise<Reply> => {
  const scope = scopeOf(call);
  const filter = filterOf(call, ["atscope", "principalid", "assignedto"]);
  const reaching = state.index.assignmentsReaching(scope);
  const below = filter.has("atscope")
    ? []
    : state.index.assignmentsBelow(scope).filter((each) => !covers(each.scope, scope));
  const principal = filter.get("principalid")?.toLowerCase();
  const assignedTo = filter.get("assignedto")?.toLowerCase();
  const ids =
    assignedTo === undefined ? undefined : new Set([assignedTo, ...(await context.directory.groupsOf(assignedTo))]);
  const found = [...reaching, ...below].filter(
    (each) =>
      (principal === undefined || each.principalId === principal) && (ids === undefined || ids.has(each.principalId)),
  );
  const visible = await readable(call, `${type}/read`, found);
  return json({ value: visible.map(shown) });
};

const shown = (assignment: RoleAssignment): unknown => ({
  properties: {
    roleDefinitionId: assignment.roleDefinitionId,
    principalId: assignment.principalId,
    principalType: assignment.principalType,
    scope: assignment.scope,
    condition: assignment.condition ?? null,
    conditionVersion: assignment.conditionVersion ?? null,
    createdOn: assignment.createdOn,
    updatedOn: assignment.updatedOn,
    createdBy: assignment.createdBy ?? null,
    updatedBy: assignment.updatedBy ?? null,
    delegatedManagedIdentityResourceId: assignment.delegatedManagedIdentityResourceId ?? null,
    description: assignment.description ?? null,
  },
  id: assignment.id,
  type,
  name: assignment.name,
});
