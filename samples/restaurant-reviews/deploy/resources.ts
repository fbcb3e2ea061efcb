import { WebSiteManagementClient } from "@azure/arm-appservice";
import type { Site } from "@azure/arm-appservice";
import { PostgreSQLManagementFlexibleServerClient } from "@azure/arm-postgresql-flexible";
import { ResourceManagementClient } from "@azure/arm-resources";
import { ServiceLinkerManagementClient } from "@azure/arm-servicelinker";
import { StorageManagementClient } from "@azure/arm-storage";
import type { TokenCredential } from "@azure/identity";
import type { Deployer } from "./deployer.ts";
import type { DeploySettings } from "./settings.ts";

/** Says one line about one resource. */
export type Report = (subject: string, what: string) => void;

/** The value, or undefined when Azure Resource Manager answers 404. */
async function ifFound<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (typeof error === "object" && error !== null && "statusCode" in error && error.statusCode === 404)
      return undefined;
    throw error;
  }
}

export async function ensureGroup(credential: TokenCredential, to: DeploySettings, report: Report): Promise<void> {
  const client = new ResourceManagementClient(credential, to.subscriptionId);
  const found = await ifFound(client.resourceGroups.get(to.resourceGroup));
  if (!found) await client.resourceGroups.createOrUpdate(to.resourceGroup, { location: to.location });
  report(`resource group ${to.resourceGroup}`, found ? "kept" : "created");
}

export interface DatabaseServer {
  readonly host: string;
  readonly databaseId: string;
  /** Name of the deployer's database role. */
  readonly administrator: string;
  /** Opens the server's firewall for one address. */
  admit(address: string): Promise<void>;
}

/** A server that takes Entra tokens and no passwords, the database, and the deployer as its administrator. */
export async function ensureDatabase(
  credential: TokenCredential,
  to: DeploySettings,
  deployer: Deployer,
  report: Report,
): Promise<DatabaseServer> {
  const client = new PostgreSQLManagementFlexibleServerClient(credential, to.subscriptionId);
  const { resourceGroup: group, serverName: name, databaseName } = to;

  let server = await ifFound(client.servers.get(group, name));
  const isNew = !server;
  server ??= await client.servers.beginCreateOrUpdateAndWait(group, name, {
    location: to.location,
    version: "17",
    sku: { name: "Standard_B1ms", tier: "Burstable" },
    storage: { storageSizeGB: 32 },
    authConfig: { activeDirectoryAuth: "Enabled", passwordAuth: "Disabled", tenantId: deployer.tenantId },
  });
  report(`PostgreSQL server ${name}`, isNew ? "created" : "kept");

  if (!(await ifFound(client.databases.get(group, name, databaseName)))) {
    await client.databases.beginCreateAndWait(group, name, databaseName, { charset: "UTF8", collation: "en_US.utf8" });
    report(`database ${databaseName}`, "created");
  }
  // This address stands for "Azure services", App Service among them.
  await ensureRule("allow-azure-services", "0.0.0.0");

  let administrator = await ifFound(client.administratorsMicrosoftEntra.get(group, name, deployer.objectId));
  if (!administrator) {
    const principalName = to.deployerName ?? deployer.name;
    administrator = await client.administratorsMicrosoftEntra.beginCreateOrUpdateAndWait(
      group,
      name,
      deployer.objectId,
      {
        principalType: deployer.type,
        principalName,
        tenantId: deployer.tenantId,
      },
    );
    report(`database administrator ${principalName}`, "created");
  }

  async function ensureRule(rule: string, address: string): Promise<void> {
    if (await ifFound(client.firewallRules.get(group, name, rule))) return;
    const range = { startIpAddress: address, endIpAddress: address };
    await client.firewallRules.beginCreateOrUpdateAndWait(group, name, rule, range);
    report(`firewall rule ${rule}`, "created");
  }

  return {
    host: server.fullyQualifiedDomainName ?? `${name}.postgres.database.azure.com`,
    databaseId: `${resourceId(to, "Microsoft.DBforPostgreSQL/flexibleServers", name)}/databases/${databaseName}`,
    administrator: administrator.principalName ?? deployer.name,
    admit: (address) => ensureRule(`deployer-${address.replaceAll(".", "-")}`, address),
  };
}

/** An account whose container "photos" anyone may read from: browsers load the photos straight from it. */
export async function ensureStorage(credential: TokenCredential, to: DeploySettings, report: Report): Promise<string> {
  const client = new StorageManagementClient(credential, to.subscriptionId);
  const { resourceGroup: group, storageAccount: name } = to;
  const account = await ifFound(client.storageAccounts.getProperties(group, name));
  if (!account) {
    await client.storageAccounts.create(group, name, {
      location: to.location,
      kind: "StorageV2",
      sku: { name: "Standard_LRS" },
      allowBlobPublicAccess: true,
      minimumTlsVersion: "TLS1_2",
      // The app and the deployer use tokens only.
      allowSharedKeyAccess: false,
    });
  } else if (!account.allowBlobPublicAccess) {
    await client.storageAccounts.update(group, name, { allowBlobPublicAccess: true });
  }
  report(`storage account ${name}`, account ? "kept" : "created");
  const container = await ifFound(client.blobContainers.get(group, name, "photos"));
  if (container?.publicAccess !== "Blob") {
    await client.blobContainers.create(group, name, "photos", { publicAccess: "Blob" });
    report("container photos", container ? "opened for reading" : "created");
  }
  return `${resourceId(to, "Microsoft.Storage/storageAccounts", name)}/blobServices/default`;
}

export interface WebApp {
  readonly id: string;
  readonly host: string;
  readonly scmHost: string;
  /** Object id of the system-assigned identity. */
  readonly principalId: string;
  settings(): Promise<Readonly<Record<string, string>>>;
}

/** A Linux plan and a Node.js web app with a system-assigned identity that builds what is deployed to it. */
export async function ensureWebApp(credential: TokenCredential, to: DeploySettings, report: Report): Promise<WebApp> {
  const client = new WebSiteManagementClient(credential, to.subscriptionId);
  const { resourceGroup: group, appName: name, planName, location } = to;
  const plan = await ifFound(client.appServicePlans.get(group, planName));
  if (!plan) {
    const sku = { name: "B1", tier: "Basic", capacity: 1 };
    await client.appServicePlans.createOrUpdate(group, planName, { location, kind: "linux", reserved: true, sku });
  }
  report(`App Service plan ${planName}`, plan ? "kept" : "created");

  const found = await ifFound(client.webApps.get(group, name));
  const site: Site =
    found ??
    (await client.webApps.createOrUpdate(group, name, {
      location,
      kind: "app,linux",
      identity: { type: "SystemAssigned" },
      serverFarmId: resourceId(to, "Microsoft.Web/serverfarms", planName),
      reserved: true,
      httpsOnly: true,
      siteConfig: {
        linuxFxVersion: "NODE|24-lts",
        ftpsState: "Disabled",
        appSettings: [{ name: "SCM_DO_BUILD_DURING_DEPLOYMENT", value: "true" }],
      },
    }));
  report(`web app ${name}`, found ? "kept" : "created");
  const principalId = site.identity?.principalId;
  if (!principalId) throw new Error(`The web app ${name} has no system-assigned identity.`);
  const host = site.defaultHostName ?? `${name}.azurewebsites.net`;
  return {
    id: resourceId(to, "Microsoft.Web/sites", name),
    host,
    // The SCM host has "scm" as its second label; newer apps have more labels than the classic two.
    scmHost: site.enabledHostNames?.find((each) => each.includes(".scm.")) ?? host.replace(".", ".scm."),
    principalId,
    settings: async () => (await client.webApps.listApplicationSettings(group, name)).properties ?? {},
  };
}

/** Service Connector: settings for the app, and its role on the storage account. */
export async function ensureConnection(
  credential: TokenCredential,
  to: DeploySettings,
  webAppId: string,
  name: string,
  targetId: string,
  report: Report,
): Promise<void> {
  const { linker } = new ServiceLinkerManagementClient(credential);
  const found = await ifFound(linker.get(webAppId, name));
  const target = found?.targetService;
  const same =
    target?.type === "AzureResource" && "id" in target && target.id?.toLowerCase() === targetId.toLowerCase();
  if (!same || found?.provisioningState === "Failed") {
    await linker.beginCreateOrUpdateAndWait(webAppId, name, {
      targetService: { type: "AzureResource", id: targetId },
      authInfo: { authType: "systemAssignedIdentity" },
      clientType: "nodejs",
    });
  }
  report(`connection ${name} of ${to.appName}`, same ? "kept" : "created");
}

function resourceId(to: DeploySettings, type: string, name: string): string {
  return `/subscriptions/${to.subscriptionId}/resourceGroups/${to.resourceGroup}/providers/${type}/${name}`;
}
