/**
 * Creates what the restaurant reviews need on Azure and deploys the app. Running it again does only what is missing
 * and sends the code only when it has changed. `node deploy.ts --help` names the settings.
 */
import { fileURLToPath } from "node:url";
import { setTimeout as sleep } from "node:timers/promises";
import { DefaultAzureCredential } from "@azure/identity";
import { ensureDatabaseRole, FirewallError } from "./database-role.ts";
import type { RoleRequest } from "./database-role.ts";
import { whoAmI } from "./deployer.ts";
import { zipDeploy } from "./kudu.ts";
import { packageApp } from "./package-zip.ts";
import { ensureConnection, ensureDatabase, ensureGroup, ensureStorage, ensureWebApp } from "./resources.ts";
import type { DatabaseServer, Report } from "./resources.ts";
import { readDeploySettings, USAGE } from "./settings.ts";

const APP_FOLDER = fileURLToPath(new URL("..", import.meta.url));
const START_LIMIT_MS = 4 * 60_000;

const report: Report = (subject, what) => console.log(`${subject}: ${what}`);

async function main(): Promise<void> {
  const to = readDeploySettings(process.argv.slice(2), process.env);
  const credential = new DefaultAzureCredential();
  const deployer = await whoAmI(credential);
  report("deployer", `${deployer.name} (${deployer.type})`);

  await ensureGroup(credential, to, report);
  // The slow one is the database server (minutes on Azure); the others do not wait for it.
  const [database, storageId, webApp, app] = await Promise.all([
    ensureDatabase(credential, to, deployer, report),
    ensureStorage(credential, to, report),
    ensureWebApp(credential, to, report),
    packageApp(APP_FOLDER),
  ]);

  // One after the other: both write the app's settings.
  await ensureConnection(credential, to, webApp.id, "database", database.databaseId, report);
  await ensureConnection(credential, to, webApp.id, "photos", storageId, report);

  const role = (await webApp.settings())["AZURE_POSTGRESQL_USER"];
  if (!role) throw new Error("Service Connector did not set AZURE_POSTGRESQL_USER.");
  const { host, administrator } = database;
  const { principalId } = webApp;
  const request = { host, administrator, role, principalId, database: to.databaseName };
  report(`database role ${role}`, await roleThroughFirewall(credential, database, request));

  const deployed = await zipDeploy(credential, webApp.scmHost, app, (line) => report("code", line));
  report("code", deployed);

  await answering(`https://${webApp.host}/health`);
  console.log(`\nThe restaurant reviews are at https://${webApp.host}/`);
}

/** The refusal names the address to admit: ours, as the server sees it. */
async function roleThroughFirewall(
  credential: DefaultAzureCredential,
  server: DatabaseServer,
  request: RoleRequest,
): Promise<string> {
  try {
    return await ensureDatabaseRole(credential, request);
  } catch (error) {
    if (!(error instanceof FirewallError)) throw error;
    await server.admit(error.address);
    return ensureDatabaseRole(credential, request);
  }
}

/** Waits until the app says that it is well: it has started, and its database has let it in. */
async function answering(url: string): Promise<void> {
  const deadline = Date.now() + START_LIMIT_MS;
  let last: string;
  do {
    try {
      const answer = await fetch(url, { signal: AbortSignal.timeout(30_000) });
      const body = await answer.text();
      if (answer.ok) {
        report("app", body);
        return;
      }
      last = `${answer.status} ${body.slice(0, 300)}`;
    } catch (error) {
      last = String(error instanceof Error && error.cause ? error.cause : error);
    }
    await sleep(1000);
  } while (Date.now() < deadline);
  throw new Error(`The app does not answer well at ${url}: ${last}`);
}

if (process.argv.includes("--help")) {
  console.log(USAGE);
} else {
  try {
    await main();
  } catch (error) {
    console.error(`Deployment failed: ${error instanceof Error ? error.message : String(error)}`);
    if (process.env["DEBUG"]) console.error(error);
    process.exitCode = 1;
  }
}
