import { graphAppId } from "../../identity/graph-resource.ts";
import type { Group, Principal, ServicePrincipal, User } from "../../identity/principals.ts";
import type { Call } from "../../kernel/call.ts";
import { json } from "../../kernel/message.ts";
import { type AnyOperation, operationsOf } from "../../kernel/operation.ts";
import { graphPrincipalId, shownGraphPrincipal } from "./app-roles.ts";
import type { GraphContext, GraphTarget } from "./context.ts";
import {
  applicationType,
  directoryObjectType,
  groupType,
  servicePrincipalType,
  shownApplication,
  shownDomain,
  shownGroup,
  shownObject,
  shownOrganization,
  shownServicePrincipal,
  shownUser,
  userType,
} from "./entities.ts";
import { graphFault, missingToken } from "./faults.ts";
import type { EntityType, Json } from "./filter.ts";
import { collection, entity } from "./listing.ts";
import { applicationAt, groupAt, keyOf, missing, principalAt, servicePrincipalAt } from "./lookups.ts";
import type { GraphPermission } from "./permissions.ts";

const operation = operationsOf<GraphTarget, GraphPermission, never>();
type GraphCall = Call<GraphTarget>;
/** getByIds takes at most 1000 ids (learn.microsoft.com/graph/api/directoryobject-getbyids). */
const maximumIds = 1000;
const bodyLimit = 256 * 1024;

/** Every operation: who one is, users, groups, service principals, applications, the tenant itself. */
export const readOperations = (context: GraphContext): readonly AnyOperation<GraphTarget>[] => [
  ...own(context),
  ...users(context),
  ...groups(context),
  ...servicePrincipals(context),
  ...applications(context),
  ...objects(context),
  ...tenantItself(context),
];

const set = (call: GraphCall, name: string, type: EntityType) => ({ version: call.target.version, name, type });

const own = ({ directory }: GraphContext): readonly AnyOperation<GraphTarget>[] => [
  operation({
    name: "GetMe",
    method: "GET",
    path: "/:version/me",
    needs: { open: "a signed-in user may always ask who it is; apps are refused by Graph's own rule" },
    handle: async (call) => {
      if (call.caller.kind !== "principal") throw missingToken();
      const user = await directory.principal(call.caller.objectId);
      if (call.caller.type !== "User" || user?.kind !== "User") throw graphFault("meIsDelegated");
      return entity(call.request, set(call, "users", userType), shownUser(user));
    },
  }),
];

const users = ({ directory }: GraphContext): readonly AnyOperation<GraphTarget>[] => [
  operation({
    name: "ListUsers",
    method: "GET",
    path: "/:version/users",
    needs: { action: "User.Read.All" },
    handle: async (call) =>
      collection(call.request, set(call, "users", userType), (await directory.list()).filter(isUser).map(shownUser)),
  }),
  operation({
    name: "GetUser",
    method: "GET",
    path: "/:version/users/:id",
    needs: { action: "User.Read.All" },
    handle: async (call) => {
      const { id } = call.parameters;
      const byId = await directory.principal(id);
      const found = byId?.kind === "User" ? byId : (await directory.named(id)).find(isUser);
      if (found === undefined) throw missing(id);
      return entity(call.request, set(call, "users", userType), shownUser(found));
    },
  }),
];

const groups = (context: GraphContext): readonly AnyOperation<GraphTarget>[] => {
  const { directory, tenant } = context;
  return [
    operation({
      name: "ListGroups",
      method: "GET",
      path: "/:version/groups",
      needs: { action: "GroupMember.Read.All" },
      handle: async (call) =>
        collection(
          call.request,
          set(call, "groups", groupType),
          (await directory.list()).filter(isGroup).map(shownGroup),
        ),
    }),
    operation({
      name: "GetGroup",
      method: "GET",
      path: "/:version/groups/:id",
      needs: { action: "GroupMember.Read.All" },
      handle: async (call) =>
        entity(call.request, set(call, "groups", groupType), shownGroup(await groupAt(call.parameters.id, directory))),
    }),
    operation({
      name: "ListGroupMembers",
      method: "GET",
      path: "/:version/groups/:id/members",
      needs: { action: "GroupMember.Read.All" },
      handle: async (call) => {
        const { members } = await groupAt(call.parameters.id, directory);
        const found = await Promise.all(members.map((id) => directory.principal(id)));
        const shown = found.flatMap((each) => (each === undefined ? [] : [shownObject(each, tenant)]));
        return collection(call.request, set(call, "directoryObjects", directoryObjectType), shown);
      },
    }),
    ...(["users", "groups", "serviceprincipals"] as const).flatMap((owners) =>
      (["memberof", "transitivememberof"] as const).map((relation) =>
        operation({
          name: relation === "memberof" ? "ListMemberOf" : "ListTransitiveMemberOf",
          method: "GET",
          path: `/:version/${owners}/:id/${relation}`,
          needs: { action: "Directory.Read.All" },
          handle: async (call) => {
            const member = await principalAt(owners, call.parameters.id, directory);
            const holding = await groupsHolding(member.objectId, relation === "memberof", context);
            const shown = holding.map((each) => shownObject(each, tenant));
            return collection(call.request, set(call, "directoryObjects", directoryObjectType), shown);
          },
        }),
      ),
    ),
  ];
};

const groupsHolding = async (id: string, direct: boolean, { directory }: GraphContext): Promise<readonly Group[]> => {
  const all = (await Promise.all((await directory.groupsOf(id)).map((each) => directory.principal(each)))).filter(
    isGroup,
  );
  return direct ? all.filter((group) => group.members.includes(id)) : all;
};

const servicePrincipals = ({ directory, tenant }: GraphContext): readonly AnyOperation<GraphTarget>[] => [
  operation({
    name: "ListServicePrincipals",
    method: "GET",
    path: "/:version/serviceprincipals",
    needs: { action: "Application.Read.All" },
    handle: async (call) =>
      collection(call.request, set(call, "servicePrincipals", servicePrincipalType), [
        ...(await directory.list()).filter(isServicePrincipal).map((each) => shownServicePrincipal(each, tenant)),
        shownGraphPrincipal(tenant),
      ]),
  }),
  operation({
    name: "GetServicePrincipal",
    method: "GET",
    path: "/:version/serviceprincipals/:id",
    needs: { action: "Application.Read.All" },
    handle: async (call) => {
      const { id } = call.parameters;
      const entities = set(call, "servicePrincipals", servicePrincipalType);
      if (id.toLowerCase() === graphPrincipalId(tenant) || keyOf(id, "appId") === graphAppId)
        return entity(call.request, entities, shownGraphPrincipal(tenant));
      const found = await servicePrincipalAt(id, directory);
      const application = await directory.application(found.appId);
      return entity(call.request, entities, shownServicePrincipal(found, tenant, application));
    },
  }),
];

const applications = ({ directory, tenant }: GraphContext): readonly AnyOperation<GraphTarget>[] => [
  operation({
    name: "ListApplications",
    method: "GET",
    path: "/:version/applications",
    needs: { action: "Application.Read.All" },
    handle: async (call) =>
      collection(
        call.request,
        set(call, "applications", applicationType),
        (await directory.applications()).map((each) => shownApplication(each, tenant)),
      ),
  }),
  operation({
    name: "GetApplication",
    method: "GET",
    path: "/:version/applications/:id",
    needs: { action: "Application.Read.All" },
    handle: async (call) => {
      const found = await applicationAt(call.parameters.id, directory);
      return entity(call.request, set(call, "applications", applicationType), shownApplication(found, tenant));
    },
  }),
];

const objects = ({ directory, tenant }: GraphContext): readonly AnyOperation<GraphTarget>[] => [
  operation({
    name: "GetDirectoryObject",
    method: "GET",
    path: "/:version/directoryobjects/:id",
    needs: { action: "Directory.Read.All" },
    handle: async (call) => {
      const found = await directory.principal(call.parameters.id);
      if (found === undefined) throw missing(call.parameters.id);
      return json({
        "@odata.context": `https://graph.microsoft.com/${call.target.version}/$metadata#directoryObjects/$entity`,
        ...shownObject(found, tenant),
      });
    },
  }),
  operation({
    name: "GetDirectoryObjectsByIds",
    method: "POST",
    path: "/:version/directoryobjects/getbyids",
    needs: { action: "Directory.Read.All" },
    bodyLimit,
    handle: async (call) => {
      const { ids, types } = byIdsBody(await call.body.json());
      const found = await Promise.all([...new Set(ids)].map((id) => directory.principal(id)));
      const wanted = (each: Principal): boolean => types === undefined || types.includes(each.kind.toLowerCase());
      return json({
        "@odata.context": `https://graph.microsoft.com/${call.target.version}/$metadata#directoryObjects`,
        value: found.flatMap((each) => (each !== undefined && wanted(each) ? [shownObject(each, tenant)] : [])),
      });
    },
  }),
];

const byIdsBody = (
  body: unknown,
): { readonly ids: readonly string[]; readonly types: readonly string[] | undefined } => {
  const { ids, types } = (typeof body === "object" && body !== null ? body : {}) as Json;
  if (!isTexts(ids)) throw graphFault("badRequest", { why: "The 'ids' collection must be an array of object ids." });
  if (ids.length > maximumIds)
    throw graphFault("badRequest", { why: `The number of 'ids' exceeds the limit of ${maximumIds}.` });
  if (types !== undefined && !isTexts(types))
    throw graphFault("badRequest", { why: "The 'types' collection must be an array of resource types." });
  return { ids: ids.map((id) => id.toLowerCase()), types: types?.map((type) => type.toLowerCase()) };
};

const isTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((each) => typeof each === "string");

const tenantItself = ({ tenant }: GraphContext): readonly AnyOperation<GraphTarget>[] => [
  operation({
    name: "ListOrganization",
    method: "GET",
    path: "/:version/organization",
    needs: { action: "Organization.Read.All" },
    handle: (call) =>
      json({
        "@odata.context": `https://graph.microsoft.com/${call.target.version}/$metadata#organization`,
        value: [shownOrganization(tenant)],
      }),
  }),
  operation({
    name: "ListDomains",
    method: "GET",
    path: "/:version/domains",
    needs: { action: "Domain.Read.All" },
    handle: (call) =>
      json({
        "@odata.context": `https://graph.microsoft.com/${call.target.version}/$metadata#domains`,
        value: [shownDomain(tenant)],
      }),
  }),
];

const isUser = (principal: Principal | undefined): principal is User => principal?.kind === "User";
const isGroup = (principal: Principal | undefined): principal is Group => principal?.kind === "Group";
const isServicePrincipal = (principal: Principal | undefined): principal is ServicePrincipal =>
  principal?.kind === "ServicePrincipal";
