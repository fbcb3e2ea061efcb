/** `sites/{n}/config/*` (app-service.md 4.2): parts of the site's own record, with rights of their own. */
import { armFault } from "../../arm/faults.ts";
import { isObject, type JsonObject, objectOf } from "../../arm/record.ts";
import type { ArmCall, ArmTarget, ResourceType } from "../../arm/resource-type.ts";
import { json, type Reply } from "../../kernel/message.ts";
import { type AnyOperation, operationsOf } from "../../kernel/operation.ts";
import { webFault } from "./faults.ts";
import { publishingCredentials } from "./publishing.ts";
import { connectionStringsOf, settingsOf } from "./settings.ts";
import { requireSite, type Site, siteIdIn, siteOf, siteType, webApiVersions } from "./site.ts";
import { configView } from "./site-view.ts";
import { mergeConfig, type SitesContext } from "./sites.ts";

const type = `${siteType}/config`;

const shown = (site: Site, name: string, properties: unknown): Reply =>
  json({ id: `${site.id}/config/${name}`, name, type, location: site.record.location, properties });

const propertiesOf = async (call: Pick<ArmCall, "body">): Promise<JsonObject> => {
  const body = (await call.body.json()) ?? {};
  if (!isObject(body)) throw armFault("invalidContent", { why: "The request body must be a JSON object." });
  return objectOf(body["properties"]);
};

/** Parts that mean nothing to a local app and are kept for their readers. */
const keptParts: Readonly<Record<string, JsonObject>> = {
  logs: {
    applicationLogs: { fileSystem: { level: "Off" } },
    httpLogs: { fileSystem: { retentionInMb: 35, retentionInDays: 0, enabled: false } },
    failedRequestsTracing: { enabled: false },
    detailedErrorMessages: { enabled: false },
  },
  slotconfignames: { appSettingNames: null, connectionStringNames: null, azureStorageConfigNames: null },
  metadata: {},
};
/** Letter case of names in answers. */
const spelled: Readonly<Record<string, string>> = { slotconfignames: "slotConfigNames" };

const update = async (
  site: Site,
  context: SitesContext,
  change: (site: Site) => { readonly config?: JsonObject; readonly secrets?: JsonObject },
): Promise<Site> => {
  const record = await context.resources.update(site.id, (kept) => {
    const { config, secrets } = change(siteOf(kept));
    return {
      ...kept,
      ...(config === undefined ? {} : { properties: { ...kept.properties, siteConfig: config } }),
      ...(secrets === undefined ? {} : { secrets: { ...kept.secrets, ...secrets } }),
    };
  });
  if (record === undefined) throw webFault("siteNotFound", { name: site.name });
  context.sync.soon(site.id);
  return siteOf(record);
};

const putWeb = async (call: ArmCall, site: Site, context: SitesContext): Promise<Reply> => {
  const asked = await propertiesOf(call);
  const after = await update(site, context, (current) => {
    const { config, settings, connectionStrings } = mergeConfig(current.config, asked, context.runner);
    return {
      config,
      secrets: {
        ...(settings === undefined ? {} : { appSettings: settings }),
        ...(connectionStrings === undefined ? {} : { connectionStrings }),
      },
    };
  });
  return shown(after, "web", configView(after.record));
};

const put = async (call: ArmCall, id: string, name: string, context: SitesContext): Promise<Reply> => {
  const site = await requireSite(context.resources, siteIdIn(id));
  const part = name.toLowerCase();
  if (part === "web") return putWeb(call, site, context);
  const properties = await propertiesOf(call);
  if (part === "appsettings") {
    const appSettings = settingsOf(properties);
    await update(site, context, () => ({ secrets: { appSettings } }));
    return shown(site, "appsettings", appSettings);
  }
  if (part === "connectionstrings") {
    const connectionStrings = connectionStringsOf(properties);
    await update(site, context, () => ({ secrets: { connectionStrings } }));
    return shown(site, "connectionstrings", connectionStrings);
  }
  if (keptParts[part] === undefined) throw webFault("configNotFound", { name });
  const after = await update(site, context, (current) => ({
    secrets: { kept: { ...current.kept, [part]: properties } },
  }));
  return shown(after, spelled[part] ?? part, properties);
};

const get = async (id: string, name: string, context: SitesContext): Promise<Reply> => {
  const site = await requireSite(context.resources, siteIdIn(id));
  const part = name.toLowerCase();
  if (part === "web") return shown(site, "web", configView(site.record));
  const fallback = keptParts[part];
  // Settings are read by POST list only, which wants a right of its own.
  if (fallback === undefined || part === "metadata") throw webFault("configNotFound", { name });
  return shown(site, spelled[part] ?? part, site.kept[part] ?? fallback);
};

export const configResource = (context: SitesContext): ResourceType => ({
  type,
  apiVersions: webApiVersions,
  at: "group",
  tracked: false,
  source: {
    get: (_call, id, name) => get(id, name, context),
    list: async (_call, id) => {
      const site = await requireSite(context.resources, siteIdIn(id));
      const web = { id: `${site.id}/config/web`, name: "web", type, properties: configView(site.record) };
      return json({ value: [web] });
    },
    put: (call, id, name) => put(call, id, name, context),
    patch: async (call, id, name) => {
      if (name.toLowerCase() === "web")
        return putWeb(call, await requireSite(context.resources, siteIdIn(id)), context);
      throw webFault("configNotFound", { name });
    },
  },
});

const operation = operationsOf<ArmTarget, "Microsoft.Web/sites/config/list/action", never>();

/** What `POST config/{name}/list` shows. */
const secretParts: Readonly<Record<string, (site: Site) => Reply>> = {
  appsettings: (site) => shown(site, "appsettings", site.settings),
  connectionstrings: (site) => shown(site, "connectionstrings", site.connectionStrings),
  publishingcredentials: (site) => json(publishingCredentials(site)),
  metadata: (site) => shown(site, "metadata", site.kept["metadata"] ?? {}),
  azurestorageaccounts: (site) => shown(site, "azurestorageaccounts", {}),
  authsettings: (site) => shown(site, "authsettings", { enabled: false }),
};

/** Reading secrets wants `config/list/action`, which Reader lacks; the scope in a refusal is without `/list` (access.md). */
export const configListOperations = (context: SitesContext): readonly AnyOperation<ArmTarget>[] => [
  operation({
    name: "WebApps_ListConfiguration",
    method: "POST",
    path: "/subscriptions/:subscription/resourcegroups/:group/providers/microsoft.web/sites/:site/config/:name/list",
    bodyLimit: 64 * 1024,
    needs: { action: "Microsoft.Web/sites/config/list/action" },
    handle: async (call) => {
      const site = await requireSite(context.resources, siteIdIn(call.target.id));
      const show = secretParts[call.parameters.name.toLowerCase()];
      if (show === undefined) throw webFault("configNotFound", { name: call.parameters.name });
      return show(site);
    },
  }),
];
