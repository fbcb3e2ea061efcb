/** `Microsoft.App/managedEnvironments`: a domain of its own that apps get their host names from. */
import { type JsonObject, merge, objectOf, type ResourceRecord, textOf } from "../../arm/record.ts";
import { idKey } from "../../arm/resource-id.ts";
import type { Resources } from "../../arm/resources.ts";
import type { Change, Draft, ResourceType } from "../../arm/resource-type.ts";
import type { Ids } from "../../kernel/ids.ts";
import { appApiVersions, appType, environmentType } from "./app.ts";
import { containerAppFault } from "./faults.ts";

/** Members that Azure computes; what a client echoes of them is ignored. */
const computed = new Set(["provisioningState", "defaultDomain", "staticIp", "deploymentErrors", "eventStreamEndpoint"]);

const words = [
  "agreeable",
  "blue",
  "calm",
  "gentle",
  "happy",
  "kind",
  "lively",
  "nice",
  "orange",
  "purple",
  "wonderful",
];
const things = ["bay", "cliff", "desert", "field", "flower", "forest", "hill", "meadow", "pond", "rock", "sea", "tree"];

/** `happyfield-1a2b3c4d.eastus.azurecontainerapps.io`, as Azure makes them up. */
const newDomain = (ids: Ids, region: string): string => {
  const bytes = ids.bytes(6);
  const word = words[(bytes[4] ?? 0) % words.length] ?? "";
  const thing = things[(bytes[5] ?? 0) % things.length] ?? "";
  return `${word}${thing}-${bytes.subarray(0, 4).toString("hex")}.${region}.azurecontainerapps.io`;
};

const draft = (change: Change, ids: Ids): Draft => {
  const { existing, body } = change;
  const asked = Object.fromEntries(
    Object.entries(objectOf(body["properties"])).filter(([name]) => !computed.has(name)),
  );
  const before = existing?.properties ?? {};
  const region = (existing?.location ?? textOf(body["location"])).toLowerCase().replaceAll(" ", "") || "eastus";
  const kept: JsonObject = change.verb === "PATCH" ? merge(before, asked) : asked;
  const { logs, sharedKey } = withoutSharedKey(objectOf(kept["appLogsConfiguration"]));
  return {
    properties: {
      zoneRedundant: false,
      workloadProfiles: [{ name: "Consumption", workloadProfileType: "Consumption" }],
      ...kept,
      appLogsConfiguration: logs,
      defaultDomain: textOf(before["defaultDomain"]) || newDomain(ids, region),
      staticIp: "127.0.0.1",
    },
    secrets: { ...existing?.secrets, ...(sharedKey === "" ? {} : { sharedKey }) },
  };
};

/** The Log Analytics key is write-only. */
const withoutSharedKey = (logs: JsonObject): { readonly logs: JsonObject; readonly sharedKey: string } => {
  const { sharedKey, ...analytics } = objectOf(logs["logAnalyticsConfiguration"]);
  return Object.keys(analytics).length === 0
    ? { logs, sharedKey: textOf(sharedKey) }
    : { logs: { ...logs, logAnalyticsConfiguration: analytics }, sharedKey: textOf(sharedKey) };
};

export const appsIn = async (resources: Resources, environmentId: string): Promise<readonly ResourceRecord[]> =>
  (await resources.ofType(resources.subscriptionId, appType)).filter(
    ({ properties }) => idKey(textOf(properties["environmentId"])) === idKey(environmentId),
  );

export const environmentResource = (resources: Resources, ids: Ids): ResourceType => ({
  type: environmentType,
  apiVersions: appApiVersions,
  at: "group",
  tracked: true,
  identity: true,
  nameRule: {
    pattern: /^[A-Za-z](?:[A-Za-z0-9-]{0,58}[A-Za-z0-9])?$/,
    text: "Use 1 to 60 letters, digits and hyphens, beginning with a letter and ending with a letter or digit.",
  },
  // az reads the body of a 200 and would poll a 201 (az-cli.md 4.14).
  codes: { created: 200, updated: 200, deleted: 200 },
  write: (change) => draft(change, ids),
  deleting: async (record) => {
    const apps = await appsIn(resources, record.id);
    if (apps.length > 0)
      throw containerAppFault("environmentInUse", {
        name: record.name,
        apps: apps.map(({ name }) => `'${name}'`).join(", "),
      });
  },
});
