/** `Microsoft.Authorization/denyAssignments`. Users may write them since api-version 2024-07-01-preview (access.md 1.4). */
import { type DenyAssignment, type DenyPrincipal, everyonePrincipalId } from "../../access/assignments.ts";
import { isGuid, undashed } from "../../access/definitions.ts";
import { covers, scopeKey } from "../../access/scopes.ts";
import { objectOf } from "../../arm/record.ts";
import type { ArmCall, ResourceType } from "../../arm/resource-type.ts";
import { empty, json, type Reply } from "../../kernel/message.ts";
import { authorizationFault as fault } from "./faults.ts";
import { filterOf } from "./filters.ts";
import { itemsOf, permissionsOf, propertiesOf, readable, scopeOf, stringOf } from "./requests.ts";
import type { AccessState } from "./state.ts";

const type = "Microsoft.Authorization/denyAssignments";

export const denyAssignments = (state: AccessState): ResourceType => ({
  type,
  apiVersions: ["2024-07-01-preview", "2022-04-01", "2018-07-01-preview"],
  at: "extension",
  tracked: false,
  source: {
    get: (call, _id, name) => {
      const found = existing(state, scopeOf(call), name);
      if (found === undefined) throw fault("denyAssignmentNotFound", { id: undashed(name) });
      return json(shown(found));
    },
    list: async (call) => {
      const scope = scopeOf(call);
      const filter = filterOf(call, ["atscope", "principalid", "denyassignmentname"]);
      const principal = filter.get("principalid")?.toLowerCase();
      const name = filter.get("denyassignmentname")?.toLowerCase();
      const found = state.index
        .denyAssignments()
        .filter((each) => covers(each.scope, scope) || (!filter.has("atscope") && covers(scope, each.scope)))
        .filter((each) => principal === undefined || each.principals.some(({ id }) => id.toLowerCase() === principal))
        .filter((each) => name === undefined || each.denyAssignmentName.toLowerCase() === name);
      return json({ value: (await readable(call, `${type}/read`, found)).map(shown) });
    },
    put: (call, _id, name) => put(call, name, state),
    delete: async (call, _id, name) => {
      const found = existing(state, scopeOf(call), name);
      if (found === undefined) return empty(204);
      if (found.isSystemProtected && call.caller.kind !== "platform")
        throw fault("systemProtected", { id: undashed(name) });
      await state.removeDenyAssignment(found.name);
      return json(shown(found));
    },
  },
});

const existing = (state: AccessState, scope: string, name: string): DenyAssignment | undefined =>
  state.index
    .denyAssignments()
    .find((each) => each.name === name.toLowerCase() && scopeKey(each.scope) === scopeKey(scope));

const put = async (call: ArmCall, name: string, state: AccessState): Promise<Reply> => {
  const invalid = (why: string): Error => fault("invalidDenyAssignment", { why });
  if (!isGuid(name)) throw invalid(`The deny assignment ID '${name.slice(0, 100)}' is not valid. It must be a GUID.`);
  const scope = scopeOf(call);
  const before = state.index.denyAssignments().find((each) => each.name === name.toLowerCase());
  if (before !== undefined && scopeKey(before.scope) !== scopeKey(scope)) throw fault("updateNotPermitted");
  if (before?.isSystemProtected === true) throw fault("systemProtected", { id: undashed(name) });
  const properties = await propertiesOf(call);
  const principals = principalsOf(properties["principals"]);
  const excludePrincipals = principalsOf(properties["excludePrincipals"]);
  if (principals.length === 0) throw invalid("A deny assignment needs at least one principal.");
  const everyone = principals.some(({ id }) => id === everyonePrincipalId);
  if (everyone && excludePrincipals.length === 0) {
    throw invalid("A deny assignment for everyone needs at least one excluded principal.");
  }
  if (!everyone && principals.some((each) => each.type === "Group")) {
    throw invalid("A deny assignment for single principals takes users and service principals only.");
  }
  const deny: DenyAssignment = {
    id: `${scope === "/" ? "" : scope}/providers/${type}/${name.toLowerCase()}`,
    name: name.toLowerCase(),
    denyAssignmentName: stringOf(properties["denyAssignmentName"]) ?? name,
    ...(typeof properties["description"] === "string" ? { description: properties["description"] } : {}),
    permissions: permissionsOf(properties["permissions"]),
    scope,
    doNotApplyToChildScopes: properties["doNotApplyToChildScopes"] === true,
    principals,
    excludePrincipals,
    isSystemProtected: false,
  };
  await state.putDenyAssignment(deny);
  return json(shown(deny), 201);
};

const principalsOf = (value: unknown): readonly DenyPrincipal[] =>
  itemsOf(value).map((each): DenyPrincipal => {
    const { id, type: given } = objectOf(each);
    if (typeof id !== "string" || !isGuid(id))
      throw fault("invalidPrincipalId", { id: typeof id === "string" ? id.slice(0, 100) : "" });
    if (id === everyonePrincipalId) return { id, type: "SystemDefined" };
    return { id: id.toLowerCase(), type: given === "User" || given === "Group" ? given : "ServicePrincipal" };
  });

const shown = (deny: DenyAssignment): unknown => {
  const { id, name, ...properties } = deny;
  return { properties, id, type, name };
};
