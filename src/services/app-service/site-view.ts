/** What ARM shows of a site. Fields that clients insist on: az-cli.md 4.4, app-service.md 4.1. */
import { type JsonObject, type ResourceRecord, textOf } from "../../arm/record.ts";
import { groupNameOf } from "../../arm/resource-id.ts";
import { hostNameOf, scmHostOf, siteOf } from "./site.ts";

/** Members of `siteConfig` whatever was put (app-service.md 4.2); unset ones as Azure shows them. */
const configDefaults: JsonObject = {
  numberOfWorkers: 1,
  defaultDocuments: ["Default.htm", "Default.html", "index.htm", "index.html", "hostingstart.html"],
  netFrameworkVersion: "v4.0",
  phpVersion: "",
  pythonVersion: "",
  nodeVersion: "",
  linuxFxVersion: "",
  requestTracingEnabled: false,
  remoteDebuggingEnabled: false,
  httpLoggingEnabled: false,
  detailedErrorLoggingEnabled: false,
  scmType: "None",
  use32BitWorkerProcess: true,
  webSocketsEnabled: false,
  alwaysOn: false,
  appCommandLine: "",
  managedPipelineMode: "Integrated",
  loadBalancing: "LeastRequests",
  autoHealEnabled: false,
  localMySqlEnabled: false,
  ipSecurityRestrictions: [],
  scmIpSecurityRestrictions: [],
  http20Enabled: false,
  minTlsVersion: "1.2",
  scmMinTlsVersion: "1.2",
  ftpsState: "FtpsOnly",
  azureStorageAccounts: {},
};

export const configView = (record: ResourceRecord): JsonObject => ({
  ...configDefaults,
  ...siteOf(record).config,
  publishingUsername: `$${record.name}`,
});

/**
 * `properties` of GET: desired state, host names, and no settings.
 * @param tier of its plan: newer az reads `sku` of every site to tell function apps apart, and fails without it
 */
export const siteView = (record: ResourceRecord, tier: string): JsonObject => {
  const host = hostNameOf(record.name);
  const scm = scmHostOf(record.name);
  const { config } = siteOf(record);
  const part = (name: string): JsonObject[string] => config[name] ?? configDefaults[name] ?? null;
  return {
    clientAffinityEnabled: true,
    clientCertEnabled: false,
    clientCertMode: "Required",
    hostNamesDisabled: false,
    httpsOnly: false,
    redundancyMode: "None",
    publicNetworkAccess: null,
    storageAccountRequired: false,
    keyVaultReferenceIdentity: "SystemAssigned",
    ...record.properties,
    name: record.name,
    state: textOf(record.properties["state"]) || "Running",
    hostNames: [host],
    defaultHostName: host,
    repositorySiteName: record.name,
    usageState: "Normal",
    availabilityState: "Normal",
    enabled: true,
    enabledHostNames: [host, scm],
    hostNameSslStates: [
      { name: host, sslState: "Disabled", hostType: "Standard" },
      { name: scm, sslState: "Disabled", hostType: "Repository" },
    ],
    lastModifiedTimeUtc: record.changed.at,
    resourceGroup: groupNameOf(record.id) ?? "",
    sku: tier || "Basic",
    reserved: true,
    isXenon: false,
    hyperV: false,
    scmSiteAlsoStopped: false,
    containerSize: 0,
    dailyMemoryTimeQuota: 0,
    outboundIpAddresses: "127.0.0.1",
    possibleOutboundIpAddresses: "127.0.0.1",
    customDomainVerificationId: siteOf(record).instanceId.toUpperCase(),
    siteConfig: {
      numberOfWorkers: part("numberOfWorkers"),
      linuxFxVersion: part("linuxFxVersion"),
      alwaysOn: part("alwaysOn"),
      http20Enabled: part("http20Enabled"),
      acrUseManagedIdentityCreds: false,
      functionAppScaleLimit: null,
      minimumElasticInstanceCount: 0,
    },
  };
};
