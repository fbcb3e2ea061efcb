/**
 * Creates a container app with a system-assigned and a user-assigned identity. Running it again does only what is
 * missing. `node deploy.ts --help` names the settings.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { DefaultAzureCredential } from "@azure/identity";
import { ensureApp, ensureEnvironment, ensureGroup, ensureIdentity } from "./resources.ts";
import type { Report } from "./resources.ts";
import { readDeploySettings, USAGE } from "./settings.ts";

const START_LIMIT_MS = 4 * 60_000;

const report: Report = (subject, what) => console.log(`${subject}: ${what}`);

async function main(): Promise<void> {
  const to = readDeploySettings(process.argv.slice(2), process.env);
  const credential = new DefaultAzureCredential();
  await ensureGroup(credential, to, report);
  const [identity, environmentId] = await Promise.all([
    ensureIdentity(credential, to, report),
    ensureEnvironment(credential, to, report),
  ]);
  const app = await ensureApp(credential, to, environmentId, identity, report);
  await answering(`https://${app.host}/health`);
  console.log(`\nThe tokens are at https://${app.host}/`);
}

async function answering(url: string): Promise<void> {
  const deadline = Date.now() + START_LIMIT_MS;
  let last: string;
  do {
    try {
      const answer = await fetch(url, { signal: AbortSignal.timeout(30_000) });
      const body = await answer.text();
      if (answer.ok) return report("app", body.trim());
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
