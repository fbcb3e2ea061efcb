/** A site as this service reads it from its resource record. Settings and credentials are the record's sealed part. */
import { type JsonObject, objectOf, type ResourceRecord, textOf } from "../../arm/record.ts";
import { groupNameOf, subscriptionOf } from "../../arm/resource-id.ts";
import type { Resources } from "../../arm/resources.ts";
import type { Ids } from "../../kernel/ids.ts";
import { webFault } from "./faults.ts";
import type { SiteSetup } from "./runner.ts";

export const siteType = "Microsoft.Web/sites";
export const planType = "Microsoft.Web/serverfarms";
export const webApiVersions = ["2024-11-01", "2024-04-01", "2023-12-01", "2023-01-01", "2022-09-01", "2022-03-01"];

export const hostNameOf = (site: string): string => `${site.toLowerCase()}.azurewebsites.net`;
export const scmHostOf = (site: string): string => `${site.toLowerCase()}.scm.azurewebsites.net`;

export type ConnectionStrings = Readonly<Record<string, { readonly value: string; readonly type: string }>>;

export interface Site {
  readonly id: string;
  readonly name: string;
  readonly record: ResourceRecord;
  /** `siteConfig` as kept: without settings. */
  readonly config: JsonObject;
  readonly settings: Readonly<Record<string, string>>;
  readonly connectionStrings: ConnectionStrings;
  readonly publishingPassword: string;
  readonly instanceId: string;
  /** Desired state. */
  readonly running: boolean;
  /** Is Basic authentication with publishing credentials allowed, for `scm` and `ftp`? */
  readonly basicAllowed: { readonly scm: boolean; readonly ftp: boolean };
  /** Parts that are only kept and echoed: `logs`, `slotConfigNames`, `metadata`. */
  readonly kept: JsonObject;
}

const texts = (value: unknown): Record<string, string> =>
  Object.fromEntries(Object.entries(objectOf(value)).map(([name, each]) => [name, textOf(each)]));

export const siteOf = (record: ResourceRecord): Site => {
  const secrets = record.secrets ?? {};
  const allowed = objectOf(secrets["basicAllowed"]);
  return {
    id: record.id,
    name: record.name,
    record,
    config: objectOf(record.properties["siteConfig"]),
    settings: texts(secrets["appSettings"]),
    connectionStrings: Object.fromEntries(
      Object.entries(objectOf(secrets["connectionStrings"])).map(([name, each]) => {
        const { value, type } = objectOf(each);
        return [name, { value: textOf(value), type: textOf(type) || "Custom" }];
      }),
    ),
    publishingPassword: textOf(secrets["publishingPassword"]),
    instanceId: textOf(secrets["instanceId"]),
    running: record.properties["state"] !== "Stopped",
    basicAllowed: { scm: allowed["scm"] !== false, ftp: allowed["ftp"] !== false },
    kept: objectOf(secrets["kept"]),
  };
};

/** 60 letters and digits, as Azure's publishing passwords look. */
export const newPublishingPassword = (ids: Ids): string =>
  ids
    .bytes(96)
    .toString("base64")
    .replaceAll(/[^A-Za-z0-9]/g, "")
    .slice(0, 60);

/** The site that a path below it addresses. @throws 404 */
export const requireSite = async (resources: Resources, id: string): Promise<Site> => {
  const record = await resources.get(id);
  if (record?.type !== siteType) throw webFault("siteNotFound", { name: id.slice(id.lastIndexOf("/") + 1) });
  return siteOf(record);
};

/** Id of the site at the beginning of a longer id. */
export const siteIdIn = (id: string): string => /^.*?\/providers\/Microsoft\.Web\/sites\/[^/]+/i.exec(id)?.[0] ?? id;

export const setupOf = async (site: Site, resources: Resources): Promise<SiteSetup> => {
  const { record, config } = site;
  const plan = await resources.get(textOf(record.properties["serverFarmId"]));
  return {
    id: record.id,
    name: record.name,
    resourceGroup: groupNameOf(record.id) ?? "",
    subscriptionId: subscriptionOf(record.id) ?? "",
    region: record.location ?? "",
    hostName: hostNameOf(record.name),
    linuxFxVersion: textOf(config["linuxFxVersion"]),
    startCommand: textOf(config["appCommandLine"]),
    tier: textOf(plan?.sku?.["tier"]) || "Basic",
    instanceId: site.instanceId,
    settings: site.settings,
    connectionStrings: site.connectionStrings,
    hasIdentity: record.identity !== undefined && record.identity.type !== "None",
    affinity: record.properties["clientAffinityEnabled"] !== false,
  };
};
