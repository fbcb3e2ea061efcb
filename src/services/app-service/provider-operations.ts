/** Operations of Microsoft.Web that are no resource's. Source: az-cli.md 4.4. */
import { isObject, textOf } from "../../arm/record.ts";
import { idOf } from "../../arm/resource-id.ts";
import type { Resources } from "../../arm/resources.ts";
import type { ArmTarget } from "../../arm/resource-type.ts";
import { json } from "../../kernel/message.ts";
import { type AnyOperation, operationsOf } from "../../kernel/operation.ts";
import { siteType } from "./site.ts";

/**
 * Versions that clients may ask for; the nearest installed one runs. None is called deprecated, although some are: az 2.91
 * refuses those, and the tutorials ask for `PYTHON:3.9`.
 */
const stacks = [
  { name: "node", text: "Node", prefix: "NODE", versions: ["24-lts", "22-lts", "20-lts", "18-lts"] },
  {
    name: "python",
    text: "Python",
    prefix: "PYTHON",
    versions: ["3.14", "3.13", "3.12", "3.11", "3.10", "3.9"],
  },
] as const;

const webAppStacks = (): unknown => ({
  value: stacks.map(({ name, text, prefix, versions }) => ({
    id: `/providers/Microsoft.Web/webAppStacks/${name}`,
    name,
    type: "Microsoft.Web/webAppStacks",
    properties: {
      displayText: text,
      value: name,
      preferredOs: "linux",
      majorVersions: Object.entries(Object.groupBy(versions, (version) => version.split(/[.-]/)[0] ?? "")).map(
        ([major, minors = []]) => ({
          displayText: `${text} ${major}`,
          value: major,
          minorVersions: minors.map((version) => ({
            displayText: `${text} ${version.replace("-", " ").toUpperCase()}`,
            value: version,
            stackSettings: {
              linuxRuntimeSettings: {
                runtimeVersion: `${prefix}|${version}`,
                isHidden: false,
                isPreview: false,
                isDeprecated: false,
                remoteDebuggingSupported: false,
                appInsightsSettings: { isSupported: false },
                gitHubActionSettings: { isSupported: true, supportedVersion: version.replace("-lts", ".x") },
                isAutoUpdate: false,
              },
            },
          })),
        }),
      ),
    },
  })),
  nextLink: null,
});

const regions = [
  "East US",
  "East US 2",
  "West US",
  "West US 2",
  "West US 3",
  "Central US",
  "North Europe",
  "West Europe",
  "UK South",
  "Sweden Central",
  "Southeast Asia",
  "Australia East",
];

type Action =
  | "Microsoft.Web/checknameavailability/read"
  | "Microsoft.Web/geoRegions/read"
  | "Microsoft.Web/serverfarms/sites/read";

const operation = operationsOf<ArmTarget, Action, never>();
const catalogue = { open: "a list of language versions that is the same for everybody" } as const;

export const webOperations = (resources: Resources): readonly AnyOperation<ArmTarget>[] => [
  operation({
    name: "CheckNameAvailability",
    method: "POST",
    path: "/subscriptions/:subscription/providers/microsoft.web/checknameavailability",
    bodyLimit: 64 * 1024,
    needs: {
      action: "Microsoft.Web/checknameavailability/read",
      at: (call) => `/subscriptions/${call.parameters.subscription}`,
    },
    handle: async (call) => {
      const body = await call.body.json();
      const name = isObject(body) ? textOf(body["name"]) : "";
      if (!/^(?!-)[A-Za-z0-9-]{2,60}(?<!-)$/.test(name))
        return json({ nameAvailable: false, reason: "Invalid", message: `${name} is invalid` });
      if ((await resources.named(siteType, name)) === undefined)
        return json({ nameAvailable: true, reason: "", message: "" });
      const message = `Hostname '${name}' already exists. Please select a different name.`;
      return json({ nameAvailable: false, reason: "AlreadyExists", message });
    },
  }),
  operation({
    name: "Provider_GetWebAppStacks",
    method: "GET",
    path: "/providers/microsoft.web/webappstacks",
    needs: catalogue,
    handle: () => json(webAppStacks()),
  }),
  operation({
    name: "Provider_GetWebAppStacksForLocation",
    method: "GET",
    path: "/providers/microsoft.web/locations/:location/webappstacks",
    needs: catalogue,
    handle: () => json(webAppStacks()),
  }),
  operation({
    name: "ListGeoRegions",
    method: "GET",
    path: "/subscriptions/:subscription/providers/microsoft.web/georegions",
    needs: { action: "Microsoft.Web/geoRegions/read", at: (call) => `/subscriptions/${call.parameters.subscription}` },
    handle: (call) =>
      json({
        value: regions.map((name) => ({
          id: `/subscriptions/${call.parameters.subscription}/providers/Microsoft.Web/geoRegions/${name}`,
          name,
          type: "Microsoft.Web/geoRegions",
          properties: { name, description: null, displayName: name, orgDomain: "PUBLIC;LINUX" },
        })),
      }),
  }),
  operation({
    name: "AppServicePlans_ListWebApps",
    method: "GET",
    path: "/subscriptions/:subscription/resourcegroups/:group/providers/microsoft.web/serverfarms/:plan/sites",
    needs: { action: "Microsoft.Web/serverfarms/sites/read" },
    handle: async (call) => {
      const { path } = call.target;
      const plan = path === undefined ? undefined : await resources.get(idOf(path));
      const sites = await resources.ofType(resources.subscriptionId, siteType);
      const on = sites.filter(
        (site) => textOf(site.properties["serverFarmId"]).toLowerCase() === plan?.id.toLowerCase(),
      );
      return json({ value: on.map(({ id, name, type, location }) => ({ id, name, type, location, properties: {} })) });
    },
  }),
];
