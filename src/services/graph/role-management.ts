/** Who has which directory role (learn.microsoft.com/graph/api/resources/unifiedroleassignment). */
import { directoryRoleName, directoryRoles } from "../../identity/directory-roles.ts";
import type { Directory } from "../../identity/directory.ts";
import type { ServicePrincipal, User } from "../../identity/principals.ts";
import { notBuilt } from "../../kernel/fault.ts";
import { empty, json } from "../../kernel/message.ts";
import { type AnyOperation, operationsOf } from "../../kernel/operation.ts";
import { bad, objectIn, onlyKnown, requiredText, textIn } from "./bodies.ts";
import type { GraphContext, GraphTarget } from "./context.ts";
import { graphFault } from "./faults.ts";
import type { EntityType, Json } from "./filter.ts";
import { collection, entity } from "./listing.ts";
import { missing } from "./lookups.ts";
import type { GraphPermission } from "./permissions.ts";

const operation = operationsOf<GraphTarget, GraphPermission, never>();
const assignmentFields = ["id", "principalId", "roleDefinitionId", "directoryScopeId"] as const;
const assignmentType: EntityType = { name: "microsoft.graph.unifiedRoleAssignment", fields: assignmentFields };
const definitionType: EntityType = {
  name: "microsoft.graph.unifiedRoleDefinition",
  fields: ["id", "displayName", "isBuiltIn", "isEnabled", "templateId"],
};

type Holder = User | ServicePrincipal;

/** Derived from what it says, so that the same assignment has one id. */
const idOf = (principalId: string, role: string): string => Buffer.from(`${principalId}/${role}`).toString("base64url");

const shown = (principalId: string, role: string): Json => ({
  id: idOf(principalId, role),
  principalId,
  roleDefinitionId: role,
  directoryScopeId: "/",
});

const definitions: readonly Json[] = Object.entries(directoryRoles).map(([id, displayName]) => ({
  id,
  displayName,
  isBuiltIn: true,
  isEnabled: true,
  templateId: id,
}));

const rolesOf = (holder: Holder): readonly string[] => holder.directoryRoles ?? [];

const holderAt = async (id: string, directory: Directory): Promise<Holder> => {
  const found = await directory.principal(id);
  if (found === undefined) throw missing(id);
  if (found.kind === "Group") throw notBuilt("A directory role of a group");
  return found;
};

const assignments = async (directory: Directory): Promise<readonly Json[]> =>
  (await directory.list()).flatMap((each) =>
    each.kind === "Group" ? [] : rolesOf(each).map((role) => shown(each.objectId, role)),
  );

const path = "/:version/rolemanagement/directory";
const read = { action: "RoleManagement.Read.Directory" } as const;
const write = { action: "RoleManagement.ReadWrite.Directory" } as const;

export const roleOperations = ({ directory }: GraphContext): readonly AnyOperation<GraphTarget>[] => [
  operation({
    name: "ListDirectoryRoleDefinitions",
    method: "GET",
    path: `${path}/roledefinitions`,
    needs: read,
    handle: (call) => {
      const set = {
        version: call.target.version,
        name: "roleManagement/directory/roleDefinitions",
        type: definitionType,
      };
      return collection(call.request, set, definitions);
    },
  }),
  operation({
    name: "ListDirectoryRoleAssignments",
    method: "GET",
    path: `${path}/roleassignments`,
    needs: read,
    handle: async (call) => {
      const set = {
        version: call.target.version,
        name: "roleManagement/directory/roleAssignments",
        type: assignmentType,
      };
      return collection(call.request, set, await assignments(directory));
    },
  }),
  operation({
    name: "GetDirectoryRoleAssignment",
    method: "GET",
    path: `${path}/roleassignments/:assignment`,
    needs: read,
    handle: async (call) => {
      const { assignment } = call.parameters;
      const found = (await assignments(directory)).find(({ id }) => id === assignment);
      if (found === undefined) throw missing(assignment);
      const set = {
        version: call.target.version,
        name: "roleManagement/directory/roleAssignments",
        type: assignmentType,
      };
      return entity(call.request, set, found);
    },
  }),
  operation({
    name: "CreateDirectoryRoleAssignment",
    method: "POST",
    path: `${path}/roleassignments`,
    needs: write,
    bodyLimit: 64 * 1024,
    handle: async (call) => {
      const body = objectIn(await call.body.json());
      onlyKnown(body, assignmentFields.slice(1));
      const principalId = requiredText(body, "principalId", "UnifiedRoleAssignment").toLowerCase();
      const role = requiredText(body, "roleDefinitionId", "UnifiedRoleAssignment").toLowerCase();
      if ((textIn(body, "directoryScopeId") ?? "/") !== "/")
        throw notBuilt("A directory role below the whole directory");
      if (directoryRoleName(role) === undefined)
        throw bad(
          `The role definition '${role.slice(0, 100)}' is not one that Lanyard knows: ${Object.values(directoryRoles).join(", ")}.`,
        );
      await directory.transact(async (within) => {
        const holder = await holderAt(principalId, within);
        if (rolesOf(holder).includes(role))
          throw graphFault("badRequest", {
            why: "A conflicting object with one or more of the specified property values is present in the directory.",
          });
        await within.put({ ...holder, directoryRoles: [...rolesOf(holder), role] });
      });
      const context = `https://graph.microsoft.com/${call.target.version}/$metadata#roleManagement/directory/roleAssignments/$entity`;
      return json({ "@odata.context": context, ...shown(principalId, role) }, 201);
    },
  }),
  operation({
    name: "DeleteDirectoryRoleAssignment",
    method: "DELETE",
    path: `${path}/roleassignments/:assignment`,
    needs: write,
    handle: async (call) => {
      const { assignment } = call.parameters;
      const [principalId = "", role = ""] = Buffer.from(assignment, "base64url").toString().split("/");
      await directory.transact(async (within) => {
        const holder = await within.principal(principalId);
        if (holder === undefined || holder.kind === "Group" || !rolesOf(holder).includes(role))
          throw missing(assignment);
        await within.put({ ...holder, directoryRoles: rolesOf(holder).filter((each) => each !== role) });
      });
      return empty(204);
    },
  }),
];
