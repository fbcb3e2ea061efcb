/**
 * Deploys the Flask app along the tutorial's path with Microsoft's management SDKs, run as the developer.
 *
 *   node deploy.ts app        everything but the connections: the app's settings are written by hand, and nothing is granted
 *   node deploy.ts connect    Service Connector's two connections, and the database role by SQL
 *
 * Prints one JSON object. Nothing in it knows Lanyard.
 */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { WebSiteManagementClient } from "@azure/arm-appservice";
import { ServiceLinkerManagementClient } from "@azure/arm-servicelinker";
import { DefaultAzureCredential } from "@azure/identity";
import { zipSync } from "fflate";
import { ensureDatabaseRole } from "../../samples/restaurant-reviews/deploy/database-role.ts";
import { whoAmI } from "../../samples/restaurant-reviews/deploy/deployer.ts";
import { zipDeploy } from "../../samples/restaurant-reviews/deploy/kudu.ts";
import { type AppPackage } from "../../samples/restaurant-reviews/deploy/package-zip.ts";
import { ensureDatabase, ensureGroup, ensureStorage } from "../../samples/restaurant-reviews/deploy/resources.ts";
import type { DeploySettings } from "../../samples/restaurant-reviews/deploy/settings.ts";

const subscriptionId = process.env["AZURE_SUBSCRIPTION_ID"] ?? "";
const group = "msdocs-mi-web-app";
const app = "flask-reviews";
const to: DeploySettings = {
  subscriptionId,
  location: "eastus",
  resourceGroup: group,
  appName: app,
  planName: `${app}-plan`,
  serverName: "flask-reviews-db",
  databaseName: "restaurant",
  storageAccount: "flaskreviews",
  deployerName: undefined,
};
const credential = new DefaultAzureCredential();
const web = new WebSiteManagementClient(credential, subscriptionId);
const say = (subject: string, what: string): void => void process.stderr.write(`${subject}: ${what}\n`);
const idOf = (type: string, name: string): string =>
  `/subscriptions/${subscriptionId}/resourceGroups/${group}/providers/${type}/${name}`;
const siteId = idOf("Microsoft.Web/sites", app);

const deployApp = async (): Promise<Record<string, string>> => {
  await ensureGroup(credential, to, say);
  const database = await ensureDatabase(credential, to, await whoAmI(credential), say);
  await ensureStorage(credential, to, say);
  await web.appServicePlans.createOrUpdate(group, to.planName, {
    location: to.location,
    kind: "linux",
    reserved: true,
    sku: { name: "B1", tier: "Basic", capacity: 1 },
  });
  const site = await web.webApps.createOrUpdate(group, app, {
    location: to.location,
    kind: "app,linux",
    identity: { type: "SystemAssigned" },
    serverFarmId: idOf("Microsoft.Web/serverfarms", to.planName),
    reserved: true,
    siteConfig: {
      linuxFxVersion: "PYTHON|3.11",
      appCommandLine: "start.sh",
      appSettings: [
        { name: "SCM_DO_BUILD_DURING_DEPLOYMENT", value: "true" },
        { name: "AZURE_POSTGRESQL_CONNECTIONSTRING", value: handWritten(database.host) },
        { name: "AZURE_STORAGEBLOB_RESOURCEENDPOINT", value: `https://${to.storageAccount}.blob.core.windows.net/` },
      ],
    },
  });
  const scmHost = site.enabledHostNames?.find((host) => host.includes(".scm.")) ?? `${app}.scm.azurewebsites.net`;
  await zipDeploy(credential, scmHost, packageFixture(), (line) => say("code", line));
  return { url: `https://${site.defaultHostName ?? ""}`, principalId: site.identity?.principalId ?? "" };
};

/** What Service Connector would write, for a role that nobody has made. */
const handWritten = (host: string): string =>
  `dbname=${to.databaseName} host=${host} port=5432 sslmode=require user=aad_database`;

const packageFixture = (): AppPackage => {
  const folder = join(import.meta.dirname, "fixtures", "flask-reviews");
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.includes("__pycache__"))
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
  const content = Object.fromEntries(files.map((file) => [file, new Uint8Array(readFileSync(join(folder, file)))]));
  const zip = zipSync(content);
  return { zip, files, hash: createHash("sha256").update(zip).digest("hex") };
};

const connect = async (): Promise<Record<string, string>> => {
  const { linker } = new ServiceLinkerManagementClient(credential);
  const targets = {
    database: `${idOf("Microsoft.DBforPostgreSQL/flexibleServers", to.serverName)}/databases/${to.databaseName}`,
    photos: `${idOf("Microsoft.Storage/storageAccounts", to.storageAccount)}/blobServices/default`,
  };
  for (const [name, id] of Object.entries(targets))
    await linker.beginCreateOrUpdateAndWait(siteId, name, {
      targetService: { type: "AzureResource", id },
      authInfo: { authType: "systemAssignedIdentity" },
      clientType: "python",
    });
  const settings = (await web.webApps.listApplicationSettings(group, app)).properties ?? {};
  const connection = settings["AZURE_POSTGRESQL_CONNECTIONSTRING"] ?? "";
  const part = (name: string): string => new RegExp(`(?:^| )${name}=(\\S+)`).exec(connection)?.[1] ?? "";
  const site = await web.webApps.get(group, app);
  await ensureDatabaseRole(credential, {
    host: part("host"),
    database: to.databaseName,
    administrator: (await whoAmI(credential)).name,
    role: part("user"),
    principalId: site.identity?.principalId ?? "",
  });
  await web.webApps.restart(group, app);
  return { connection, endpoint: settings["AZURE_STORAGEBLOB_RESOURCEENDPOINT"] ?? "" };
};

const result = process.argv[2] === "connect" ? await connect() : await deployApp();
process.stdout.write(`${JSON.stringify(result)}\n`);
