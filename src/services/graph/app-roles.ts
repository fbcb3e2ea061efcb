/**
 * Application permissions of Microsoft Graph, granted to service principals and managed identities
 * (learn.microsoft.com/graph/api/resources/approleassignment). They reach a principal with its next token.
 */
import { createHash } from "node:crypto";
import { graphAppRole, graphAppRoles } from "../../identity/graph-app-roles.ts";
import { graphAppId } from "../../identity/graph-resource.ts";
import type { ServicePrincipal } from "../../identity/principals.ts";
import type { TenantInfo } from "../../identity/tenant.ts";
import type { Call } from "../../kernel/call.ts";
import { notBuilt } from "../../kernel/fault.ts";
import { empty, json, type Reply } from "../../kernel/message.ts";
import { type AnyOperation, operationsOf } from "../../kernel/operation.ts";
import { bad, objectIn, onlyKnown, requiredText } from "./bodies.ts";
import type { GraphContext, GraphTarget } from "./context.ts";
import { shownServicePrincipal } from "./entities.ts";
import type { EntityType, Json } from "./filter.ts";
import { collection } from "./listing.ts";
import { missing, servicePrincipalAt } from "./lookups.ts";
import type { GraphPermission } from "./permissions.ts";

const operation = operationsOf<GraphTarget, GraphPermission, never>();
const type: EntityType = {
  name: "microsoft.graph.appRoleAssignment",
  fields: [
    "id",
    "deletedDateTime",
    "appRoleId",
    "createdDateTime",
    "principalDisplayName",
    "principalId",
    "principalType",
    "resourceDisplayName",
    "resourceId",
  ],
};
const microsoft = "f8cdef31-a31e-4b4a-93e4-5f571e91255a";

/** Object id of Graph's own service principal: another one in each tenant, the same at each start. */
export const graphPrincipalId = ({ tenantId }: Pick<TenantInfo, "tenantId">): string => {
  const hex = createHash("sha256").update(`${tenantId}/${graphAppId}`).digest("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
};

/** Graph's own service principal, which is in every tenant. It is no record: nobody signs in as it. */
export const shownGraphPrincipal = (tenant: TenantInfo): Json => ({
  ...shownServicePrincipal(
    {
      kind: "ServicePrincipal",
      objectId: graphPrincipalId(tenant),
      appId: graphAppId,
      displayName: "Microsoft Graph",
      servicePrincipalType: "Application",
      names: ["https://graph.microsoft.com", "https://graph.microsoft.com/"],
    },
    tenant,
  ),
  appOwnerOrganizationId: microsoft,
  signInAudience: "AzureADMultipleOrgs",
  appRoles: Object.entries(graphAppRoles).map(([id, value]) => ({
    id,
    value,
    allowedMemberTypes: ["Application"],
    displayName: value,
    description: null,
    isEnabled: true,
    origin: "Application",
  })),
});

/** Derived from what it says, so that the same grant has one id. */
const idOf = (principalId: string, roleId: string): string =>
  Buffer.from(`${principalId}/${roleId}`).toString("base64url");

const grantsOf = (principal: ServicePrincipal, tenant: TenantInfo): readonly Json[] =>
  (principal.appRoles ?? []).flatMap(({ resourceAppId, value }) => {
    const [roleId] = Object.entries(graphAppRoles).find(([, name]) => name === value) ?? [];
    if (resourceAppId !== graphAppId || roleId === undefined) return [];
    return [
      {
        id: idOf(principal.objectId, roleId),
        deletedDateTime: null,
        appRoleId: roleId,
        createdDateTime: null,
        principalDisplayName: principal.displayName,
        principalId: principal.objectId,
        principalType: "ServicePrincipal",
        resourceDisplayName: "Microsoft Graph",
        resourceId: graphPrincipalId(tenant),
      },
    ];
  });

export const appRoleOperations = ({ directory, tenant }: GraphContext): readonly AnyOperation<GraphTarget>[] => {
  const graphId = graphPrincipalId(tenant);
  const isGraph = (id: string): boolean =>
    id.toLowerCase() === graphId || id.toLowerCase() === `(appid='${graphAppId}')`;
  /** `appRoleAssignments` are of who holds them, `appRoleAssignedTo` of the application that they are for. */
  const listed = async (call: Call<GraphTarget>, principals: readonly ServicePrincipal[]): Promise<Reply> =>
    collection(
      call.request,
      { version: call.target.version, name: "appRoleAssignments", type },
      principals.flatMap((each) => grantsOf(each, tenant)),
    );
  const grant = async (call: Call<GraphTarget>, allowed: (principalId: string) => boolean): Promise<Reply> => {
    const body = objectIn(await call.body.json());
    onlyKnown(body, ["principalId", "resourceId", "appRoleId"]);
    const principalId = requiredText(body, "principalId", "AppRoleAssignment").toLowerCase();
    const resourceId = requiredText(body, "resourceId", "AppRoleAssignment").toLowerCase();
    const roleId = requiredText(body, "appRoleId", "AppRoleAssignment").toLowerCase();
    if (resourceId !== graphId) throw notBuilt("An app role of another application than Microsoft Graph");
    if (!allowed(principalId)) throw bad("The 'principalId' or 'resourceId' is not the one in the address.");
    const value = graphAppRole(roleId);
    if (value === undefined)
      throw bad("Permission being assigned was not found on application 'Microsoft Graph' as Lanyard has it.");
    const made = await directory.transact(async (within) => {
      const principal = await servicePrincipalAt(principalId, within);
      const held = principal.appRoles ?? [];
      if (held.some((each) => each.resourceAppId === graphAppId && each.value === value))
        throw bad("Permission being assigned already exists on the object");
      const after = { ...principal, appRoles: [...held, { resourceAppId: graphAppId, value }] };
      await within.put(after);
      return after;
    });
    return json(
      {
        "@odata.context": `https://graph.microsoft.com/${call.target.version}/$metadata#appRoleAssignments/$entity`,
        ...grantsOf(made, tenant).find(({ appRoleId }) => appRoleId === roleId),
      },
      201,
    );
  };
  const take = async (assignment: string, allowed: (principalId: string) => boolean): Promise<Reply> => {
    const [principalId = "", roleId = ""] = Buffer.from(assignment, "base64url").toString().split("/");
    const value = graphAppRole(roleId);
    await directory.transact(async (within) => {
      const principal = allowed(principalId) ? await within.principal(principalId) : undefined;
      const held = principal?.kind === "ServicePrincipal" ? (principal.appRoles ?? []) : [];
      const kept = held.filter((each) => each.resourceAppId !== graphAppId || each.value !== value);
      if (principal?.kind !== "ServicePrincipal" || kept.length === held.length) throw missing(assignment);
      await within.put({ ...principal, appRoles: kept });
    });
    return empty(204);
  };
  const of = async (id: string): Promise<(principalId: string) => boolean> => {
    const { objectId } = await servicePrincipalAt(id, directory);
    return (principalId) => principalId === objectId;
  };
  const requireGraph = (id: string): (() => boolean) => {
    if (!isGraph(id)) throw notBuilt("App roles of another application than Microsoft Graph");
    return () => true;
  };
  const read = { action: "Application.Read.All" } as const;
  const write = { action: "AppRoleAssignment.ReadWrite.All" } as const;
  const [held, given] = [
    "/:version/serviceprincipals/:id/approleassignments",
    "/:version/serviceprincipals/:id/approleassignedto",
  ] as const;
  const bodyLimit = 64 * 1024;
  return [
    operation({
      name: "ListAppRoleAssignments",
      method: "GET",
      path: held,
      needs: read,
      handle: async (call) =>
        listed(call, isGraph(call.parameters.id) ? [] : [await servicePrincipalAt(call.parameters.id, directory)]),
    }),
    operation({
      name: "CreateAppRoleAssignment",
      method: "POST",
      path: held,
      needs: write,
      bodyLimit,
      handle: async (call) => grant(call, await of(call.parameters.id)),
    }),
    operation({
      name: "DeleteAppRoleAssignment",
      method: "DELETE",
      path: `${held}/:assignment`,
      needs: write,
      handle: async (call) => take(call.parameters.assignment, await of(call.parameters.id)),
    }),
    operation({
      name: "ListAppRoleAssignedTo",
      method: "GET",
      path: given,
      needs: read,
      handle: async (call) => {
        const isOwn = isGraph(call.parameters.id);
        if (!isOwn) await servicePrincipalAt(call.parameters.id, directory);
        const all = isOwn ? await directory.list() : [];
        return listed(
          call,
          all.filter((each) => each.kind === "ServicePrincipal"),
        );
      },
    }),
    operation({
      name: "CreateAppRoleAssignedTo",
      method: "POST",
      path: given,
      needs: write,
      bodyLimit,
      handle: (call) => grant(call, requireGraph(call.parameters.id)),
    }),
    operation({
      name: "DeleteAppRoleAssignedTo",
      method: "DELETE",
      path: `${given}/:assignment`,
      needs: write,
      handle: (call) => take(call.parameters.assignment, requireGraph(call.parameters.id)),
    }),
  ];
};
