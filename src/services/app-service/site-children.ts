/** What stands below a site besides its configuration: deployments, their status, publishing policies, instances. */
import { objectOf } from "../../arm/record.ts";
import type { ArmCall, ResourceType } from "../../arm/resource-type.ts";
import { json, type Reply } from "../../kernel/message.ts";
import { type Deployment, status } from "./deployments.ts";
import { webFault } from "./faults.ts";
import { deploymentView, logView } from "./kudu/deployment-view.ts";
import type { SiteState } from "./runner.ts";
import { hostNameOf, requireSite, type Site, siteIdIn, siteType, webApiVersions } from "./site.ts";
import type { SitesContext } from "./sites.ts";

const child = (name: string, source: ResourceType["source"] & object): ResourceType => ({
  type: `${siteType}/${name}`,
  apiVersions: webApiVersions,
  at: "group",
  tracked: false,
  source,
});

const wrapped = (site: Site, type: string, name: string, properties: unknown): Record<string, unknown> => ({
  id: `${site.id}/${type}/${name}`,
  name,
  type: `${siteType}/${type}`,
  location: site.record.location,
  properties,
});

/** az and the SDKs poll this after a tracked deployment (app-service.md 4.4). */
const runtimeStatus = (deployment: Deployment, state: SiteState): string => {
  if (deployment.status === status.failed) return "BuildFailed";
  if (deployment.status !== status.success) return "BuildInProgress";
  if (state.phase === "running" || state.phase === "default-page") return "RuntimeSuccessful";
  if (state.phase === "waiting" || state.phase === "blocked") return "RuntimeFailed";
  return state.phase === "starting" ? "RuntimeStarting" : "RuntimeSuccessful";
};

const statusProperties = (deployment: Deployment, state: SiteState): Record<string, unknown> => {
  const value = runtimeStatus(deployment, state);
  const bad = value === "RuntimeFailed" || value === "BuildFailed";
  const message = value === "BuildFailed" ? deployment.statusText : (state.lastError ?? "");
  return {
    deploymentId: deployment.id,
    status: value,
    numberOfInstancesInProgress: value === "RuntimeStarting" ? 1 : 0,
    numberOfInstancesSuccessful: value === "RuntimeSuccessful" ? 1 : 0,
    numberOfInstancesFailed: bad ? 1 : 0,
    failedInstancesLogs: [],
    errors: bad ? [{ code: value, message, extendedCode: null, messageTemplate: null, parameters: null }] : [],
  };
};

/** az asks every 15 seconds: an answer held back until the end, up to 20 seconds, spares it most of the wait. */
const holdMilliseconds = 250;
const holdLooks = 80;

const underWay = (properties: Record<string, unknown>): boolean =>
  properties["status"] === "BuildInProgress" || properties["status"] === "RuntimeStarting";

export const siteChildren = (context: SitesContext): readonly ResourceType[] => {
  const { resources, deployments, runner } = context;
  const siteAt = (id: string): Promise<Site> => requireSite(resources, siteIdIn(id));
  const find = async (id: string, name: string): Promise<{ site: Site; deployment: Deployment }> => {
    const site = await siteAt(id);
    const all = await deployments.list(site.id);
    const deployment = name === "latest" ? all[0] : all.find((each) => each.id === name);
    if (deployment === undefined) throw webFault("deploymentNotFound", { id: name });
    return { site, deployment };
  };
  const policy = (site: Site, name: string): Record<string, unknown> =>
    wrapped(site, "basicPublishingCredentialsPolicies", name, {
      allow: site.basicAllowed[name === "ftp" ? "ftp" : "scm"],
    });
  const policyName = (name: string): "scm" | "ftp" => {
    const lower = name.toLowerCase();
    if (lower !== "scm" && lower !== "ftp") throw webFault("configNotFound", { name });
    return lower;
  };
  const putPolicy = async (call: ArmCall, id: string, name: string): Promise<Reply> => {
    const known = policyName(name);
    const site = await siteAt(id);
    const { allow } = objectOf(objectOf(await call.body.json())["properties"]);
    if (typeof allow !== "boolean")
      throw webFault("invalidSettings", { why: "properties.allow must be true or false." });
    const basicAllowed = { ...site.basicAllowed, [known]: allow };
    await resources.update(site.id, (kept) => ({ ...kept, secrets: { ...kept.secrets, basicAllowed } }));
    return json(policy({ ...site, basicAllowed }, known));
  };
  return [
    child("deployments", {
      get: async (_call, id, name) => {
        const { site, deployment } = await find(id, name);
        return json(wrapped(site, "deployments", deployment.id, deploymentView(deployment, site.name)));
      },
      list: async (_call, id) => {
        const site = await siteAt(id);
        const all = await deployments.list(site.id);
        return json({
          value: all.map((each) => wrapped(site, "deployments", each.id, deploymentView(each, site.name))),
        });
      },
    }),
    child("deployments/log", {
      list: async (_call, id) => {
        const { site, deployment } = await find(id, id.slice(id.lastIndexOf("/") + 1));
        const entries = logView(deployment, site.name);
        return json({ value: entries.map((each) => wrapped(site, `deployments/${deployment.id}/log`, each.id, each)) });
      },
    }),
    child("deploymentStatus", {
      get: async (call, id, name) => {
        const look = async () => {
          const { site, deployment } = await find(id, name);
          return { site, deployment, properties: statusProperties(deployment, await runner.state(site.id)) };
        };
        let found = await look();
        for (
          let looks = 1;
          looks < holdLooks && underWay(found.properties) && !call.request.signal.aborted;
          looks += 1
        ) {
          await new Promise((resolve) => setTimeout(resolve, holdMilliseconds));
          found = await look();
        }
        return json(wrapped(found.site, "deploymentStatus", found.deployment.id, found.properties));
      },
      list: async (_call, id) => {
        const site = await siteAt(id);
        const state = await runner.state(site.id);
        const all = await deployments.list(site.id);
        return json({
          value: all.map((each) => wrapped(site, "deploymentStatus", each.id, statusProperties(each, state))),
        });
      },
    }),
    child("basicPublishingCredentialsPolicies", {
      get: async (_call, id, name) => json(policy(await siteAt(id), policyName(name))),
      list: async (_call, id) => {
        const site = await siteAt(id);
        return json({ value: [policy(site, "ftp"), policy(site, "scm")] });
      },
      put: putPolicy,
    }),
    child("instances", {
      list: async (_call, id) => {
        const site = await siteAt(id);
        const { instanceId } = site;
        return json({
          value: [wrapped(site, "instances", instanceId, { name: instanceId, siteInstanceName: instanceId })],
        });
      },
    }),
    child("hostNameBindings", {
      list: async (_call, id) => {
        const site = await siteAt(id);
        const host = hostNameOf(site.name);
        const properties = { siteName: site.name, hostNameType: "Verified", sslState: "Disabled" };
        return json({ value: [wrapped(site, "hostNameBindings", host, properties)] });
      },
    }),
  ];
};
