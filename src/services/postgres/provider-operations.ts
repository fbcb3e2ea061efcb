/** Operations of Microsoft.DBforPostgreSQL that are no resource's. Source: az-cli.md 4.2. */
import { armFault } from "../../arm/faults.ts";
import { isObject, textOf } from "../../arm/record.ts";
import type { Resources } from "../../arm/resources.ts";
import type { ArmTarget } from "../../arm/resource-type.ts";
import type { Call } from "../../kernel/call.ts";
import { json, type Reply } from "../../kernel/message.ts";
import { type AnyOperation, operationsOf } from "../../kernel/operation.ts";
import { capabilities } from "./capabilities.ts";
import { serverNameRule, serverType } from "./flexible-servers.ts";

type Action =
  | "Microsoft.DBforPostgreSQL/checkNameAvailability/action"
  | "Microsoft.DBforPostgreSQL/locations/checkNameAvailability/action"
  | "Microsoft.DBforPostgreSQL/locations/capabilities/read"
  | "Microsoft.DBforPostgreSQL/flexibleServers/capabilities/read";

const operation = operationsOf<ArmTarget, Action, never>();

const checkName = async (call: Pick<Call, "body">, resources: Resources): Promise<Reply> => {
  const body = await call.body.json();
  const name = isObject(body) ? textOf(body["name"]) : "";
  const answer = { name, type: serverType };
  if (!serverNameRule.pattern.test(name))
    return json({ ...answer, nameAvailable: false, reason: "Invalid", message: serverNameRule.text });
  if ((await resources.named(serverType, name)) === undefined)
    return json({ ...answer, nameAvailable: true, message: "" });
  const message = `Specified server name '${name}' is already used.`;
  return json({ ...answer, nameAvailable: false, reason: "AlreadyExists", message });
};

const subscription = (call: { readonly parameters: { readonly subscriptionid: string } }): string =>
  `/subscriptions/${call.parameters.subscriptionid}`;

const server = (call: {
  readonly parameters: { readonly subscriptionid: string; readonly group: string; readonly name: string };
}): string =>
  `${subscription(call)}/resourceGroups/${call.parameters.group}/providers/${serverType}/${call.parameters.name}`;

export const postgresOperations = (resources: Resources): readonly AnyOperation<ArmTarget>[] => [
  operation({
    name: "NameAvailability_CheckGlobally",
    method: "POST",
    path: "/subscriptions/:subscriptionid/providers/microsoft.dbforpostgresql/checknameavailability",
    bodyLimit: 64 * 1024,
    needs: { action: "Microsoft.DBforPostgreSQL/checkNameAvailability/action", at: subscription },
    handle: (call) => checkName(call, resources),
  }),
  operation({
    name: "NameAvailability_CheckWithLocation",
    method: "POST",
    path: "/subscriptions/:subscriptionid/providers/microsoft.dbforpostgresql/locations/:location/checknameavailability",
    bodyLimit: 64 * 1024,
    needs: { action: "Microsoft.DBforPostgreSQL/locations/checkNameAvailability/action", at: subscription },
    handle: (call) => checkName(call, resources),
  }),
  operation({
    name: "CapabilitiesByLocation_List",
    method: "GET",
    path: "/subscriptions/:subscriptionid/providers/microsoft.dbforpostgresql/locations/:location/capabilities",
    needs: { action: "Microsoft.DBforPostgreSQL/locations/capabilities/read", at: subscription },
    handle: () => json(capabilities()),
  }),
  operation({
    name: "CapabilitiesByServer_List",
    method: "GET",
    path: "/subscriptions/:subscriptionid/resourcegroups/:group/providers/microsoft.dbforpostgresql/flexibleservers/:name/capabilities",
    needs: { action: "Microsoft.DBforPostgreSQL/flexibleServers/capabilities/read", at: server },
    handle: async (call) => {
      if ((await resources.get(server(call))) === undefined)
        throw armFault("resourceNotFound", {
          type: serverType,
          name: call.parameters.name,
          group: call.parameters.group,
        });
      return json(capabilities());
    },
  }),
];
