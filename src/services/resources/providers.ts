import type { ArmContext } from "../../arm/context.ts";
import { armFault } from "../../arm/faults.ts";
import { present } from "../../arm/present.ts";
import type { ArmCall, ArmTarget, ResourceType } from "../../arm/resource-type.ts";
import { json, type Reply } from "../../kernel/message.ts";
import { type AnyOperation, operationsOf } from "../../kernel/operation.ts";
import { groupType, subscriptionScope } from "./groups.ts";
import { locations } from "./locations.ts";

type Action =
  | "Microsoft.Resources/subscriptions/providers/read"
  | "Microsoft.Resources/subscriptions/resources/read"
  | "Microsoft.Resources/subscriptions/resourceGroups/resources/read";
const operation = operationsOf<ArmTarget, Action | `${string}/register/action`, never>();

/** Provider manifests and the generic resource lists, both read from the declared types. */
export const providerOperations = (
  context: ArmContext,
  types: readonly ResourceType[],
): readonly AnyOperation<ArmTarget>[] => {
  const namespaces = [...new Set([...types.map((type) => type.type.split("/")[0] ?? ""), "Microsoft.Resources"])];
  const manifest = (namespace: string): Record<string, unknown> => ({
    id: `/subscriptions/${context.tenant.subscriptionId}/providers/${namespace}`,
    namespace,
    registrationState: "Registered",
    registrationPolicy: "RegistrationRequired",
    resourceTypes: types
      .filter((type) => type.type.startsWith(`${namespace}/`))
      .map((type) => ({
        resourceType: type.type.slice(namespace.length + 1),
        locations: locations.map((location) => location.displayName),
        apiVersions: type.apiVersions,
        defaultApiVersion: type.apiVersions[0],
        capabilities: type.tracked ? "SupportsTags, SupportsLocation" : "None",
      })),
  });
  const named = (asked: string): string => {
    const found = namespaces.find((namespace) => namespace.toLowerCase() === asked.toLowerCase());
    if (found === undefined) throw armFault("invalidNamespace", { namespace: asked });
    return found;
  };
  return [
    operation({
      name: "Providers_List",
      method: "GET",
      path: "/subscriptions/:subscriptionid/providers",
      needs: { action: "Microsoft.Resources/subscriptions/providers/read", at: subscriptionScope },
      handle: () => json({ value: namespaces.map(manifest) }),
    }),
    operation({
      name: "Providers_Get",
      method: "GET",
      path: "/subscriptions/:subscriptionid/providers/:namespace",
      needs: { action: "Microsoft.Resources/subscriptions/providers/read", at: subscriptionScope },
      handle: (call) => json(manifest(named(call.parameters.namespace))),
    }),
    operation({
      name: "Providers_Register",
      method: "POST",
      path: "/subscriptions/:subscriptionid/providers/:namespace/register",
      bodyLimit: 64 * 1024,
      needs: {
        depends: (call) => ({ action: `${named(call.parameters.namespace)}/register/action`, at: subscriptionScope }),
        says: "`{namespace}/register/action`",
      },
      handle: (call) => json(manifest(named(call.parameters.namespace))),
    }),
    operation({
      name: "Resources_List",
      method: "GET",
      path: "/subscriptions/:subscriptionid/resources",
      needs: { filtered: "Microsoft.Resources/subscriptions/resources/read", at: subscriptionScope },
      handle: (call) => listAll(call, subscriptionScope(call), context, types),
    }),
    operation({
      name: "Resources_ListByResourceGroup",
      method: "GET",
      path: "/subscriptions/:subscriptionid/resourcegroups/:name/resources",
      needs: {
        action: "Microsoft.Resources/subscriptions/resourceGroups/resources/read",
        at: (call) => `${subscriptionScope(call)}/resourceGroups/${call.parameters.name}`,
      },
      handle: async (call) => {
        const id = `${subscriptionScope(call)}/resourceGroups/${call.parameters.name}`;
        if ((await context.resources.get(id)) === undefined)
          throw armFault("groupNotFound", { name: call.parameters.name });
        return listAll(call, id, context, types);
      },
    }),
  ];
};

/** Tracked top-level resources below a scope that the caller may read; `resourceType eq` and `tagName eq` filters. */
const listAll = async (
  call: ArmCall,
  scope: string,
  context: ArmContext,
  types: readonly ResourceType[],
): Promise<Reply> => {
  const filter = call.request.query.get("$filter") ?? "";
  const wanted = (name: string): string | undefined =>
    new RegExp(`${name}\\s+eq\\s+'((?:[^']|'')*)'`, "i").exec(filter)?.[1]?.replaceAll("''", "'");
  const [type, tagName, tagValue, name] = [
    wanted("resourceType"),
    wanted("tagName"),
    wanted("tagValue"),
    wanted("name"),
  ];
  const byType = new Map(types.map((each) => [each.type.toLowerCase(), each]));
  const value: unknown[] = [];
  for (const record of await context.resources.below(scope)) {
    const declared = byType.get(record.type.toLowerCase());
    if (record.type === groupType || declared?.tracked !== true) continue;
    if (type !== undefined && record.type.toLowerCase() !== type.toLowerCase()) continue;
    if (name !== undefined && record.name.toLowerCase() !== name.toLowerCase()) continue;
    if (tagName !== undefined && record.tags?.[tagName] === undefined) continue;
    if (tagValue !== undefined && tagName !== undefined && record.tags?.[tagName] !== tagValue) continue;
    if (!(await call.permits({ kind: "action", name: `${record.type}/read`, scope: record.id }))) continue;
    const {
      properties: _properties,
      systemData: _systemData,
      ...shown
    } = await present(record, declared, call, context);
    value.push(shown);
  }
  return json({ value });
};
