/** Native role definitions and assignments: the only rights that tokens have on an account's data (cosmos.md 14). */
import { accepted, acceptedWrite } from "../../../arm/accepted.ts";
import { armFault } from "../../../arm/faults.ts";
import { objectOf, type ResourceRecord, textOf } from "../../../arm/record.ts";
import { nameOf } from "../../../arm/resource-id.ts";
import type { ResourceType } from "../../../arm/resource-type.ts";
import { callerId } from "../../../arm/write.ts";
import { Fault } from "../../../kernel/fault.ts";
import { empty, json } from "../../../kernel/message.ts";
import { accountType, accountUid } from "../accounts.ts";
import { dataActions } from "../actions.ts";
import { covers, grants, type RoleAssignment, type RoleDefinition } from "../auth/roles.ts";
import { accountAt, apiVersions, type CosmosArm, notFound, propertiesOf } from "./context.ts";

const definitionType = `${accountType}/sqlRoleDefinitions`;
const assignmentType = `${accountType}/sqlRoleAssignments`;
const guid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

const bad = (message: string): Fault => new Fault({ status: 400, code: "BadRequest", message });

/** `{account id}/dbs/d` (or `/dbs/d`) as `/dbs/d`. @throws 400 for another account's or an impossible scope */
export const ownScope = (account: ResourceRecord, scope: string): string => {
  const below = scope.toLowerCase().startsWith(account.id.toLowerCase()) ? scope.slice(account.id.length) : scope;
  const trimmed = below.replace(/\/+$/, "");
  if (trimmed === "") return "/";
  if (!/^\/dbs\/[^/]+(?:\/colls\/[^/]+)?$/.test(trimmed))
    throw bad(
      `The scope '${scope.slice(0, 300)}' is not the account, a database ('/dbs/<name>') or a container ('/dbs/<name>/colls/<name>') of it.`,
    );
  return trimmed;
};

const shownScope = (account: ResourceRecord, scope: string): string =>
  scope === "/" ? account.id : account.id + scope;

const definitionId = (account: ResourceRecord, id: string): string => `${account.id}/sqlRoleDefinitions/${id}`;

const shownDefinition = (account: ResourceRecord, definition: RoleDefinition): Record<string, unknown> => ({
  id: definitionId(account, definition.id),
  name: definition.id,
  type: definitionType,
  properties: {
    roleName: definition.roleName,
    type: definition.type,
    assignableScopes: definition.assignableScopes.map((scope) => shownScope(account, scope)),
    permissions: [{ dataActions: definition.dataActions, notDataActions: [] }],
  },
});

const shownAssignment = (account: ResourceRecord, assignment: RoleAssignment): Record<string, unknown> => ({
  id: `${account.id}/sqlRoleAssignments/${assignment.id}`,
  name: assignment.id,
  type: assignmentType,
  properties: {
    roleDefinitionId: definitionId(account, assignment.roleDefinitionId),
    principalId: assignment.principalId,
    scope: shownScope(account, assignment.scope),
    provisioningState: "Succeeded",
  },
});

export const roleTypes = (context: CosmosArm): readonly ResourceType[] => [definitions(context), assignments(context)];

const texts = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((each) => typeof each === "string") : [];

const known = Object.values(dataActions);

/** Wildcards stand at container and item level only. @throws 400 */
const checkActions = (actions: readonly string[]): void => {
  if (actions.length === 0) throw bad("The role definition grants no data action.");
  for (const action of actions) {
    const wild = action.endsWith("/*");
    const level = /\/sqlDatabases\/containers(?:\/items)?\/\*$/i.test(action);
    if ((wild && !level) || !known.some((each) => grants(action, each)))
      throw bad(`The data action '${action.slice(0, 200)}' is not supported.`);
  }
};

const definitions = (context: CosmosArm): ResourceType => {
  const { roles, arm } = context;
  return {
    type: definitionType,
    apiVersions,
    at: "group",
    tracked: false,
    source: {
      get: async (_call, id, name) => {
        const account = await accountAt(context, id, definitionType);
        const found = (await roles.definitions(accountUid(account))).find((each) => each.id === name.toLowerCase());
        if (found === undefined) throw notFound("role definition", name);
        return json(shownDefinition(account, found));
      },
      list: async (_call, id) => {
        const account = await accountAt(context, id, definitionType);
        const all = await roles.definitions(accountUid(account));
        return json({ value: all.map((each) => shownDefinition(account, each)) });
      },
      put: async (call, id, name) => {
        const account = await accountAt(context, id, definitionType);
        const uid = accountUid(account);
        if (!guid.test(name)) throw armFault("invalidName", { name, rule: "The name of a role definition is a GUID." });
        const properties = await propertiesOf(call);
        const permissions = Array.isArray(properties["permissions"]) ? properties["permissions"] : [];
        const granted = permissions.flatMap((each) => texts(objectOf(each)["dataActions"]));
        if (permissions.some((each) => texts(objectOf(each)["notDataActions"]).length > 0))
          throw bad("notDataActions are not supported.");
        checkActions(granted);
        const roleName = textOf(properties["roleName"]);
        if (roleName === "") throw bad("The role definition has no roleName.");
        const others = await roles.definitions(uid);
        if (others.some((each) => each.id === name.toLowerCase() && each.type === "BuiltInRole"))
          throw bad("A built-in role definition cannot be changed.");
        if (others.some((each) => each.id !== name.toLowerCase() && each.roleName === roleName))
          throw new Fault({
            status: 409,
            code: "Conflict",
            message: `A role definition named '${roleName.slice(0, 100)}' already exists.`,
          });
        const scopes = texts(properties["assignableScopes"]);
        const definition: RoleDefinition = {
          id: name.toLowerCase(),
          roleName,
          type: "CustomRole",
          assignableScopes: (scopes.length === 0 ? ["/"] : scopes).map((scope) => ownScope(account, scope)),
          dataActions: granted,
        };
        await roles.putDefinition(uid, definition);
        const shown = shownDefinition(account, definition);
        return acceptedWrite(arm, { resourceId: textOf(shown["id"]), startedBy: callerId(call), shown });
      },
      delete: async (call, id, name) => {
        const account = await accountAt(context, id, definitionType);
        const uid = accountUid(account);
        if ((await roles.assignments(uid)).some((each) => each.roleDefinitionId === name.toLowerCase()))
          throw bad("The role definition is in use: delete its assignments first.");
        if (!(await roles.removeDefinition(uid, name.toLowerCase()))) return empty(204);
        return accepted(arm, { resourceId: id, startedBy: callerId(call) });
      },
    },
  };
};

const assignments = (context: CosmosArm): ResourceType => {
  const { roles, arm } = context;
  return {
    type: assignmentType,
    apiVersions,
    at: "group",
    tracked: false,
    source: {
      get: async (_call, id, name) => {
        const account = await accountAt(context, id, assignmentType);
        const found = (await roles.assignments(accountUid(account))).find((each) => each.id === name.toLowerCase());
        if (found === undefined) throw notFound("role assignment", name);
        return json(shownAssignment(account, found));
      },
      list: async (_call, id) => {
        const account = await accountAt(context, id, assignmentType);
        const all = await roles.assignments(accountUid(account));
        return json({ value: all.map((each) => shownAssignment(account, each)) });
      },
      put: async (call, id, name) => {
        const account = await accountAt(context, id, assignmentType);
        const uid = accountUid(account);
        if (!guid.test(name)) throw armFault("invalidName", { name, rule: "The name of a role assignment is a GUID." });
        const properties = await propertiesOf(call);
        const principalId = textOf(properties["principalId"]).toLowerCase();
        if (!guid.test(principalId)) throw bad("principalId must be the object id of a principal.");
        if ((await arm.directory.principal(principalId)) === undefined)
          throw bad(
            `The provided principal ID [${principalId}] was not found in the AAD tenant(s) [${arm.tenant.tenantId}] which are associated with the customer's subscription.`,
          );
        const role = nameOf(textOf(properties["roleDefinitionId"])).toLowerCase();
        const definition = (await roles.definitions(uid)).find((each) => each.id === role);
        if (definition === undefined) throw bad(`The role definition '${role.slice(0, 100)}' does not exist.`);
        const asked = textOf(properties["scope"]);
        if (asked === "") throw bad("The role assignment has no scope.");
        const scope = ownScope(account, asked);
        if (!definition.assignableScopes.some((each) => covers(each, scope)))
          throw bad(`The scope '${scope}' is outside the assignable scopes of the role definition.`);
        const assignment: RoleAssignment = { id: name.toLowerCase(), roleDefinitionId: role, principalId, scope };
        await roles.putAssignment(uid, assignment);
        const shown = shownAssignment(account, assignment);
        return acceptedWrite(arm, { resourceId: textOf(shown["id"]), startedBy: callerId(call), shown });
      },
      delete: async (call, id, name) => {
        const account = await accountAt(context, id, assignmentType);
        if (!(await roles.removeAssignment(accountUid(account), name.toLowerCase()))) return empty(204);
        return accepted(arm, { resourceId: id, startedBy: callerId(call) });
      },
    },
  };
};
