/**
 * Creates a key vault with a secret and a web app that may read it, and deploys the app. Running it again does only what is
 * missing and sends the code only when it has changed. `node deploy.ts --help` names the settings.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { DefaultAzureCredential } from "@azure/identity";
import { zipDeploy } from "./kudu.ts";
import { packageApp } from "./package-zip.ts";
import { ensureGroup, ensureRole, ensureVault, ensureWebApp, type Report } from "./resources.ts";
import { readDeploySettings, USAGE } from "./settings.ts";
import { tenantOf } from "./token.ts";

const APP_FOLDER = fileURLToPath(new URL("..", import.meta.url));
/** A new role assignment takes up to ten minutes on Azure. */
const START_LIMIT_MS = 12 * 60_000;

const report: Report = (subject, what) => console.log(`${subject}: ${what}`);

async function main(): Promise<void> {
  const to = readDeploySettings(process.argv.slice(2), process.env);
  const credential = new DefaultAzureCredential();
  await ensureGroup(credential, to, report);
  const vault = await ensureVault(credential, to, await tenantOf(credential), report);
  const app = await ensureWebApp(credential, to, vault.uri, report);
  await ensureRole(credential, to, vault.secretId, app.principalId, report);
  const deployed = await zipDeploy(credential, app.scmHost, await packageApp(APP_FOLDER), (line) =>
    report("code", line),
  );
  report("code", deployed);
  await answering(`https://${app.host}/`);
  console.log(`\nThe app is at https://${app.host}/`);
}

/** Waits until the app shows the secret: it has started, and its role has taken effect. */
async function answering(url: string): Promise<void> {
  const deadline = Date.now() + START_LIMIT_MS;
  let last: string;
  do {
    try {
      const answer = await fetch(url, { signal: AbortSignal.timeout(30_000) });
      if (answer.ok) return;
      last = `${answer.status} ${(await answer.text()).slice(0, 300)}`;
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
