import { type JsonObject, merge, objectOf, type ResourceRecord, textOf } from "../../arm/record.ts";
import { groupIdOf, idKey } from "../../arm/resource-id.ts";
import type { Resources } from "../../arm/resources.ts";
import type { ArmCall, Change, Draft, ResourceType } from "../../arm/resource-type.ts";
import { managementHost } from "../../arm/context.ts";
import type { Ids } from "../../kernel/ids.ts";
import { json, queryValue, type Reply } from "../../kernel/message.ts";
import type { Deployments } from "./deployments.ts";
import { webFault } from "./faults.ts";
import { sitesOn } from "./plans.ts";
import { publishProfiles } from "./publishing.ts";
import { refuseRestrictions } from "./restrictions.ts";
import type { SiteRunner } from "./runner.ts";
import { connectionStringsInArray, settingsInArray, withoutNulls } from "./settings.ts";
import { newPublishingPassword, planType, siteOf, siteType, webApiVersions } from "./site.ts";
import { siteView } from "./site-view.ts";
import type { SiteSync } from "./sync.ts";

export interface SitesContext {
  readonly resources: Resources;
  readonly ids: Ids;
  readonly runner: SiteRunner;
  readonly sync: SiteSync;
  readonly deployments: Deployments;
}

/** Computed members that clients echo; kept ones would go stale. */
const computed = new Set([
  "state",
  "hostNames",
  "repositorySiteName",
  "usageState",
  "enabled",
  "enabledHostNames",
  "availabilityState",
  "hostNameSslStates",
  "defaultHostName",
  "lastModifiedTimeUtc",
  "resourceGroup",
  "outboundIpAddresses",
  "name",
  "possibleOutboundIpAddresses",
  "provisioningState",
  "customDomainVerificationId",
  "inProgressOperationId",
  "siteConfig",
  "serverFarmId",
  "reserved",
  "isXenon",
  "hyperV",
  "containerSize",
  "dailyMemoryTimeQuota",
]);

/** Where a site may run. A name alone means the site's own group. */
const planOf = async (change: Change, { resources }: SitesContext): Promise<ResourceRecord> => {
  const asked = textOf(objectOf(change.body["properties"])["serverFarmId"]);
  const before = textOf(change.existing?.properties["serverFarmId"]);
  const given = asked === "" ? before : asked;
  if (given === "") throw webFault("planRequired");
  const id = given.startsWith("/") ? given : `${groupIdOf(change.id)}/providers/${planType}/${given}`;
  const plan = await resources.get(id);
  if (plan?.type !== planType) throw webFault("planNotFound", { id });
  if (idKey(plan.id) !== idKey(before))
    await change.call.require({
      kind: "action",
      name: "Microsoft.Web/serverfarms/join/action",
      scope: plan.id,
      linkedTo: { name: change.call.operation, scope: change.id },
    });
  return plan;
};

/** Checks and keeps a `siteConfig` (also of config/web). Settings in it are returned apart. */
export const mergeConfig = (before: JsonObject, asked: JsonObject, runner: Pick<SiteRunner, "supports">) => {
  const { appSettings, connectionStrings, ...rest } = withoutNulls(asked);
  const { publishingUsername: _user, publishingPassword: _password, ...config } = rest;
  refuseRestrictions({}, config);
  const stack = textOf(config["linuxFxVersion"]);
  if (stack !== "" && !runner.supports(stack))
    throw webFault("invalidStack", {}, { hint: `${stack} cannot run here: only NODE and PYTHON stacks can.` });
  return {
    config: merge(before, config),
    settings: settingsInArray(appSettings),
    connectionStrings: connectionStringsInArray(connectionStrings),
  };
};

const draft = async (change: Change, context: SitesContext): Promise<Draft> => {
  const { body, existing } = change;
  const { ids } = context;
  const plan = await planOf(change, context);
  const asked = withoutNulls(objectOf(body["properties"]));
  refuseRestrictions(asked, {});
  const kept = Object.fromEntries(Object.entries(asked).filter(([name]) => !computed.has(name)));
  const before = existing === undefined ? undefined : siteOf(existing);
  const { config, settings, connectionStrings } = mergeConfig(
    before?.config ?? {},
    objectOf(asked["siteConfig"]),
    context.runner,
  );
  const secrets: JsonObject = {
    publishingPassword: newPublishingPassword(ids),
    instanceId: ids.bytes(32).toString("hex"),
    ...existing?.secrets,
    appSettings: settings ?? before?.settings ?? {},
    connectionStrings: connectionStrings ?? before?.connectionStrings ?? {},
  };
  return {
    kind: existing?.kind ?? "app,linux",
    properties: merge(existing?.properties ?? { state: "Running" }, {
      ...kept,
      serverFarmId: plan.id,
      reserved: true,
      siteConfig: config,
    }),
    secrets,
  };
};

const setState = async (
  record: ResourceRecord,
  state: "Running" | "Stopped",
  context: SitesContext,
): Promise<Reply> => {
  await context.resources.update(record.id, (kept) => ({ ...kept, properties: { ...kept.properties, state } }));
  await context.sync.now(record.id);
  return { status: 200 };
};

/** By default the last site takes its plan with it (management-sdks.md 5.4), if the caller may delete that as well. */
const deletePlan = async (record: ResourceRecord, call: ArmCall, { resources }: SitesContext): Promise<void> => {
  // Going with its group, a site has no caller whose right to the plan could be asked for; a plan in the group goes too.
  if (call.caller.kind === "platform") return;
  if (queryValue(call.request, "deleteEmptyServerFarm")?.toLowerCase() === "false") return;
  const plan = await resources.get(textOf(record.properties["serverFarmId"]));
  if (plan === undefined || (await sitesOn(resources, plan)).length > 0) return;
  await call.invoke(
    { as: "caller" },
    { method: "DELETE", host: managementHost, path: `${encodeURI(plan.id)}?api-version=${webApiVersions[0]}` },
  );
};

/** `Microsoft.Web/sites`. Source: az-cli.md 4.4; app-service.md 4. */
export const siteResource = (context: SitesContext): ResourceType => ({
  type: siteType,
  apiVersions: webApiVersions,
  at: "group",
  tracked: true,
  identity: true,
  nameRule: {
    pattern: /^(?!-)[A-Za-z0-9-]{2,60}(?<!-)$/,
    text: "Use 2 to 60 letters, digits and hyphens; a hyphen may not be first or last.",
  },
  globalName: {
    code: "Conflict",
    message: (name) => `Website with given name ${name} already exists.`,
  },
  codes: { created: 200, updated: 200, deleted: 200 },
  write: (change) => draft(change, context),
  written: async (record) => context.sync.soon(record.id),
  // The app and its files go before the record: after a crash in between, a namesake must not find them.
  deleting: async (record) => {
    await context.deployments.abort(record.id);
    await context.sync.end(record.id);
    await context.deployments.forget(record.id);
  },
  deleted: async (record, call) => {
    // Whatever a visitor or a deployment began meanwhile.
    await context.deployments.abort(record.id);
    await context.sync.now(record.id);
    await context.deployments.forget(record.id);
    await deletePlan(record, call, context);
  },
  present: async (record) => {
    const plan = await context.resources.get(textOf(record.properties["serverFarmId"]));
    return siteView(record, textOf(plan?.sku?.["tier"]));
  },
  actions: [
    { name: "start", handle: (_call, record) => setState(record, "Running", context) },
    { name: "stop", handle: (_call, record) => setState(record, "Stopped", context) },
    {
      name: "restart",
      handle: async (call, record) => {
        // softRestart: only if needed, which it never is when settings already are in effect.
        if (queryValue(call.request, "softRestart")?.toLowerCase() !== "true" && siteOf(record).running)
          await context.sync.restart(record.id);
        return { status: 200 };
      },
    },
    {
      name: "publishxml",
      handle: (_call, record) => ({
        status: 200,
        body: { text: publishProfiles(siteOf(record)), type: "application/xml" },
      }),
    },
    {
      name: "newpassword",
      handle: async (_call, record) => {
        const publishingPassword = newPublishingPassword(context.ids);
        await context.resources.update(record.id, (kept) => ({
          ...kept,
          secrets: { ...kept.secrets, publishingPassword },
        }));
        return { status: 200 };
      },
    },
    { name: "syncfunctiontriggers", handle: () => json({}, 204) },
  ],
});
