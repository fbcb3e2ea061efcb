/** `Microsoft.Authorization/roleDefinitions`: the built-in roles and the tenant's custom ones. */
import {
  customRoleProblems,
  isGuid,
  type RoleDefinition,
  roleDefinitionIdAt,
  undashed,
} from "../../access/definitions.ts";
import { covers, parseScope, scopeKey } from "../../access/scopes.ts";
import type { ArmContext } from "../../arm/context.ts";
import type { ArmCall, ResourceType } from "../../arm/resource-type.ts";
import { callerId } from "../../arm/write.ts";
import { empty, json, type Reply } from "../../kernel/message.ts";
import { authorizationFault as fault } from "./faults.ts";
import { filterOf } from "./filters.ts";
import { permissionsOf, propertiesOf, scopeOf, stringOf, stringsOf } from "./requests.ts";
import type { AccessState } from "./state.ts";

const type = "Microsoft.Authorization/roleDefinitions";

export const roleDefinitions = (state: AccessState, context: Pick<ArmContext, "clock">): ResourceType => ({
  type,
  apiVersions: ["2022-04-01", "2018-01-01-preview", "2015-07-01"],
  at: "extension",
  tracked: false,
  source: {
    get: (call, _id, name) => {
      const role = state.index.definition(name);
      if (role === undefined) throw fault("roleDefinitionNotFound", { id: undashed(name) });
      return json(shown(role, scopeOf(call)));
    },
    list: (call) => list(call, state),
    put: (call, _id, name) => put(call, name, state, context),
    delete: (call, _id, name) => remove(call, name, state),
  },
});

const list = (call: ArmCall, state: AccessState): Reply => {
  const scope = scopeOf(call);
  const filter = filterOf(call, ["rolename", "type", "atscope", "atscopeandbelow"]);
  const reaching = new Set(ancestorsOf(scope, state));
  const name = filter.get("rolename")?.toLowerCase();
  const kind = filter.get("type")?.toLowerCase();
  const applies = (each: string): boolean =>
    reaching.has(scopeKey(each) ?? "") || (filter.has("atscopeandbelow") && covers(scope, each));
  const found = state.index
    .definitions()
    .filter(
      (role) =>
        (name === undefined || role.roleName.toLowerCase() === name) &&
        (kind === undefined || role.type.toLowerCase() === kind) &&
        role.assignableScopes.some(applies),
    );
  return json({ value: found.map((role) => shown(role, scope)) });
};

const ancestorsOf = (scope: string, state: AccessState): readonly string[] => {
  const parsed = parseScope(scope);
  return parsed === undefined ? [] : state.index.ancestors(parsed);
};

const put = async (
  call: ArmCall,
  name: string,
  state: AccessState,
  context: Pick<ArmContext, "clock">,
): Promise<Reply> => {
  if (!isGuid(name)) throw fault("invalidRoleDefinitionName", { id: name.slice(0, 100) });
  const scope = scopeOf(call);
  const properties = await propertiesOf(call);
  const before = state.index.definition(name);
  if (before?.type === "BuiltInRole") throw fault("builtInRole", { name: before.roleName });
  const now = new Date(context.clock.now()).toISOString();
  const role: RoleDefinition = {
    name: name.toLowerCase(),
    roleName: stringOf(properties["roleName"]) ?? "",
    type: "CustomRole",
    description: stringOf(properties["description"]) ?? "",
    assignableScopes: stringsOf(properties["assignableScopes"]) ?? [],
    permissions: permissionsOf(properties["permissions"]),
    createdOn: before?.createdOn ?? now,
    updatedOn: now,
    createdBy: before?.createdBy ?? callerId(call),
    updatedBy: callerId(call),
  };
  const [problem] = customRoleProblems(role);
  if (problem !== undefined) throw fault("customRole", { code: problem.code, message: problem.message });
  // The right is needed on every scope that the role is, or becomes, assignable at: it may be assigned there already.
  await requireOnAll(call, scope, "write", [...(before?.assignableScopes ?? []), ...role.assignableScopes]);
  const named = state.index.definitions().find((each) => each.roleName.toLowerCase() === role.roleName.toLowerCase());
  if (named !== undefined && named.name !== role.name) throw fault("roleNameTaken");
  const written = await state.putRoleDefinition(role);
  if ("conflict" in written) throw fault("roleNameTaken");
  return json(shown(written.value, scope), 201);
};

const requireOnAll = async (
  call: ArmCall,
  scope: string,
  verb: "write" | "delete",
  scopes: readonly string[],
): Promise<void> => {
  const linkedTo = { name: `${type}/${verb}`, scope };
  for (const each of new Set(scopes)) {
    await call.require({ kind: "action", name: `${type}/${verb}`, scope: each, linkedTo });
  }
};

const remove = async (call: ArmCall, name: string, state: AccessState): Promise<Reply> => {
  const role = state.index.definition(name);
  if (role === undefined) return empty(204);
  if (role.type === "BuiltInRole") throw fault("builtInRole", { name: role.roleName });
  const scope = scopeOf(call);
  await requireOnAll(call, scope, "delete", role.assignableScopes);
  switch (await state.removeRoleDefinition(role.name)) {
    case "in-use":
      throw fault("roleHasAssignments");
    case "absent":
      return empty(204);
    case "removed":
      return json(shown(role, scope));
  }
};

/** Built-in roles carry no dates of ours: one fixed time stands for Azure's. */
const builtInTime = "2015-02-02T21:55:09.8806423Z";

const shown = (role: RoleDefinition, scope: string): unknown => ({
  properties: {
    roleName: role.roleName,
    type: role.type,
    description: role.description,
    assignableScopes: role.assignableScopes,
    permissions: role.permissions,
    createdOn: role.createdOn ?? builtInTime,
    updatedOn: role.updatedOn ?? builtInTime,
    createdBy: role.createdBy ?? null,
    updatedBy: role.updatedBy ?? null,
  },
  id: roleDefinitionIdAt(scope, role.name),
  type,
  name: role.name,
});
