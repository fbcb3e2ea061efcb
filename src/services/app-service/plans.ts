import { type JsonObject, merge, objectOf, type ResourceRecord, textOf } from "../../arm/record.ts";
import { groupNameOf, idKey, subscriptionOf } from "../../arm/resource-id.ts";
import type { Resources } from "../../arm/resources.ts";
import type { Change, Draft, ResourceType } from "../../arm/resource-type.ts";
import { notBuilt } from "../../kernel/fault.ts";
import { webFault } from "./faults.ts";
import { planType, siteType, webApiVersions } from "./site.ts";
import { withoutNulls } from "./settings.ts";

/** https://learn.microsoft.com/azure/app-service/overview-hosting-plans: size -> tier, family. */
const tiers: Readonly<Record<string, readonly [tier: string, family: string]>> = {
  F1: ["Free", "F"],
  D1: ["Shared", "D"],
  B1: ["Basic", "B"],
  B2: ["Basic", "B"],
  B3: ["Basic", "B"],
  S1: ["Standard", "S"],
  S2: ["Standard", "S"],
  S3: ["Standard", "S"],
  P1V2: ["PremiumV2", "Pv2"],
  P2V2: ["PremiumV2", "Pv2"],
  P3V2: ["PremiumV2", "Pv2"],
  P0V3: ["Premium0V3", "Pv3"],
  P1V3: ["PremiumV3", "Pv3"],
  P2V3: ["PremiumV3", "Pv3"],
  P3V3: ["PremiumV3", "Pv3"],
};

const skuOf = ({ body, existing }: Change): JsonObject => {
  const asked = objectOf(body["sku"]);
  const name = textOf(asked["name"]) || textOf(existing?.sku?.["name"]) || "B1";
  const known = tiers[name.toUpperCase()];
  const capacity = Number(asked["capacity"] ?? existing?.sku?.["capacity"] ?? 1);
  return {
    name,
    tier: known?.[0] ?? (textOf(asked["tier"]) || "Basic"),
    size: name,
    family: known?.[1] ?? name.slice(0, 1),
    capacity: Number.isSafeInteger(capacity) && capacity > 0 ? capacity : 1,
  };
};

const computed = new Set([
  "status",
  "subscription",
  "maximumNumberOfWorkers",
  "geoRegion",
  "numberOfSites",
  "resourceGroup",
  "provisioningState",
  "numberOfWorkers",
  "currentNumberOfWorkers",
  "name",
]);

const draft = (change: Change): Draft => {
  const { body, existing } = change;
  const asked = withoutNulls(objectOf(body["properties"]));
  const kind = textOf(body["kind"]) || existing?.kind;
  const linux = existing !== undefined || asked["reserved"] === true || /linux/i.test(kind ?? "");
  if (!linux) throw notBuilt("A Windows App Service plan (use a Linux plan: properties.reserved = true)", 400);
  const kept = Object.fromEntries(Object.entries(asked).filter(([name]) => !computed.has(name)));
  return {
    kind: "linux",
    sku: skuOf(change),
    properties: merge(existing?.properties ?? { perSiteScaling: false, isXenon: false, hyperV: false }, {
      ...kept,
      reserved: true,
    }),
  };
};

/** Sites that run on a plan. */
export const sitesOn = async (resources: Resources, plan: ResourceRecord): Promise<readonly ResourceRecord[]> => {
  const sites = await resources.ofType(resources.subscriptionId, siteType);
  return sites.filter((site) => idKey(textOf(site.properties["serverFarmId"])) === idKey(plan.id));
};

const displayRegions: Readonly<Record<string, string>> = {
  eastus: "East US",
  eastus2: "East US 2",
  westus: "West US",
  westus2: "West US 2",
  westus3: "West US 3",
  centralus: "Central US",
  northeurope: "North Europe",
  westeurope: "West Europe",
};

export const geoRegion = (location: string | undefined): string => displayRegions[location ?? ""] ?? location ?? "";

/** `Microsoft.Web/serverfarms`. Source: az-cli.md 4.4; app-service.md 4.1. */
export const planResource = (resources: Resources): ResourceType => ({
  type: planType,
  apiVersions: webApiVersions,
  at: "group",
  tracked: true,
  nameRule: {
    pattern: /^[\w-]{1,60}$/,
    text: "Use 1 to 60 letters, digits, underscores and hyphens.",
  },
  codes: { created: 200, updated: 200, deleted: 200 },
  write: draft,
  deleting: async (record) => {
    const sites = await sitesOn(resources, record);
    if (sites.length > 0)
      throw webFault("planInUse", { name: record.name, sites: sites.map(({ name }) => name).join(", ") });
  },
  present: async (record) => ({
    ...record.properties,
    status: "Ready",
    subscription: subscriptionOf(record.id) ?? "",
    resourceGroup: groupNameOf(record.id) ?? "",
    geoRegion: geoRegion(record.location),
    numberOfSites: (await sitesOn(resources, record)).length,
    numberOfWorkers: Number(record.sku?.["capacity"] ?? 1),
    maximumNumberOfWorkers: 3,
    maximumElasticWorkerCount: 1,
    elasticScaleEnabled: false,
    targetWorkerCount: 0,
    targetWorkerSizeId: 0,
    zoneRedundant: false,
    provisioningState: "Succeeded",
  }),
});
