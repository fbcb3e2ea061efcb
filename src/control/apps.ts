/** Apps by name: what `--as NAME` means, and what `status` and the Ready block list. */
import { isObject, objectOf, type ResourceRecord, textOf } from "../arm/record.ts";
import type { Method } from "../kernel/message.ts";
import type { Tenant } from "../tenant.ts";
import { type ArmAnswer, developerArm } from "./developer-arm.ts";
import { Problem } from "./problem.ts";
import type { AppSummary } from "./protocol.ts";

/** Types that an app can be, in the order in which a name is looked up. */
const appTypes = [
  "Microsoft.Web/sites",
  "Microsoft.App/containerApps",
  "Microsoft.ManagedIdentity/userAssignedIdentities",
] as const;

const group = "lanyard";
const location = "eastus";

export const listApps = async (tenant: Tenant): Promise<readonly AppSummary[]> => {
  const { resources, info, gateway } = tenant;
  const sites = await resources.ofType(info.subscriptionId, "Microsoft.Web/sites");
  const containerApps = await resources.ofType(info.subscriptionId, "Microsoft.App/containerApps");
  return [
    ...sites.map((site) => summary(site, gateway.port)),
    ...(await Promise.all(containerApps.map((app) => containerAppSummary(app, tenant)))),
  ];
};

/** Only an app with an ingress has addresses. */
const containerAppSummary = async (
  { name, id, type, properties }: ResourceRecord,
  tenant: Tenant,
): Promise<AppSummary> => {
  const ingress = objectOf(properties["configuration"])["ingress"];
  if (!isObject(ingress)) return { name, id, type };
  const environment = await tenant.resources.get(textOf(properties["environmentId"]));
  const domain = textOf(environment?.properties["defaultDomain"]);
  return {
    name,
    id,
    type,
    url: `http://${name}.localhost:${tenant.gateway.port}`,
    productionUrl: `https://${name}.${ingress["external"] === true ? "" : "internal."}${domain}`,
  };
};

const summary = (record: ResourceRecord, port: number): AppSummary => {
  const { defaultHostName } = record.properties;
  const host = typeof defaultHostName === "string" ? defaultHostName : `${record.name}.azurewebsites.net`;
  return {
    name: record.name,
    id: record.id,
    type: record.type,
    url: `http://${record.name}.localhost:${port}`,
    productionUrl: `https://${host}`,
  };
};

/** The app that a name stands for. Site and identity names are compared as Azure does, in any letter case. */
const findApp = async (tenant: Tenant, name: string): Promise<ResourceRecord | undefined> => {
  const { resources, info } = tenant;
  if (name.startsWith("/")) return resources.get(name);
  for (const type of appTypes) {
    const found = (await resources.ofType(info.subscriptionId, type)).filter(
      (record) => record.name.toLowerCase() === name.toLowerCase(),
    );
    if (found.length > 1)
      throw new Problem({
        code: "ambiguous-app",
        what: `${found.length} resources of the type ${type} are named ${name}.`,
        why: "They stand in different resource groups.",
        help: found.map((record) => `--as ${record.id}`),
      });
    if (found[0] !== undefined) return found[0];
  }
  return undefined;
};

/**
 * Finds an app, or creates a web app with a system-assigned identity in resource group `lanyard`: by the management
 * operations that anybody would use, with the developer's own rights.
 */
export const ensureApp = async (
  tenant: Tenant,
  name: string,
  create: boolean,
): Promise<{ readonly record: ResourceRecord; readonly created: boolean }> => {
  const found = await findApp(tenant, name);
  if (found !== undefined) return { record: found, created: false };
  if (!create || name.startsWith("/"))
    throw new Problem({
      code: "unknown-app",
      what: `The tenant has no web app, container app or user-assigned identity named ${name}.`,
      help: [
        `lanyard az webapp create ... or lanyard az identity create --name ${name} ...`,
        "or leave out --no-create: a web app is created then",
      ],
    });
  if (!/^[A-Za-z0-9](?:[A-Za-z0-9-]{0,58}[A-Za-z0-9])?$/.test(name))
    throw new Problem({
      code: "app-name",
      what: `"${name}" is no name for a web app.`,
      why: "It becomes a host name: 1 to 60 letters, digits and hyphens, no hyphen first or last.",
    });
  const send = developerArm(tenant);
  const arm = async (method: Method, path: string, json: unknown): Promise<void> => {
    const answer = await send(method, path, json);
    if (answer.status >= 300) throw refusalOf(answer, path);
  };
  const groupPath = `/subscriptions/${tenant.info.subscriptionId}/resourceGroups/${group}`;
  const plan = `${groupPath}/providers/Microsoft.Web/serverfarms/${group}-plan`;
  const site = `${groupPath}/providers/Microsoft.Web/sites/${name}`;
  if ((await tenant.resources.get(groupPath)) === undefined)
    await arm("PUT", `${groupPath}?api-version=2021-04-01`, { location });
  if ((await tenant.resources.get(plan)) === undefined)
    await arm("PUT", `${plan}?api-version=2024-11-01`, {
      location,
      kind: "linux",
      sku: { name: "B1", tier: "Basic" },
      properties: { reserved: true },
    });
  await arm("PUT", `${site}?api-version=2024-11-01`, {
    location,
    kind: "app,linux",
    identity: { type: "SystemAssigned" },
    properties: { serverFarmId: plan, reserved: true, httpsOnly: true },
  });
  const record = await tenant.resources.get(site);
  if (record === undefined) throw new Error(`${site} is missing although it was just created.`);
  return { record, created: true };
};

const refusalOf = ({ status, body }: ArmAnswer, path: string): Problem => {
  const { code, message } = objectOf(objectOf(body)["error"]);
  return new Problem({
    code: "app-not-created",
    what: `Azure Resource Manager of the tenant answered ${status} to PUT ${path.replace(/\?.*/, "")}.`,
    why: `${JSON.stringify(code)}: ${JSON.stringify(message)}`,
    help: ["lanyard logs --denied"],
  });
};
