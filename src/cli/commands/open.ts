import { spawn } from "node:child_process";
import { Problem } from "../../control/problem.ts";
import type { AppSummary } from "../../control/protocol.ts";
import { type Command, type Invocation, usageProblem } from "../command.ts";
import { exitCodes } from "../exit-codes.ts";
import { findProgram } from "../programs.ts";
import { join } from "../tenants.ts";

const browsers = [
  "chromium",
  "chromium-browser",
  "google-chrome",
  "google-chrome-stable",
  "microsoft-edge",
  "brave-browser",
  "Chromium",
  "Google Chrome",
  "Microsoft Edge",
];
const macFolders = ["Chromium", "Google Chrome", "Microsoft Edge"].map(
  (name) => `/Applications/${name}.app/Contents/MacOS`,
);

const run = async (invocation: Invocation): Promise<number> => {
  const { rest, output, machine } = invocation;
  if (rest.length > 1) throw usageProblem("One app at a time.", "open");
  const browser = machine.env["LANYARD_CHROMIUM"] ?? findProgram(browsers, machine.env["PATH"] ?? "", macFolders);
  if (browser === undefined)
    throw new Problem({
      code: "not-found",
      what: "There is no Chromium, Chrome or Edge on this machine.",
      why: "Only a browser of that family can be told to trust exactly this tenant's certificates, for one profile.",
      help: [
        "install one (Debian: apt install chromium)",
        "or name it: LANYARD_CHROMIUM=/path/browser",
        "lanyard status shows addresses that any browser opens",
      ],
    });
  if (machine.uid === 0)
    throw new Problem({
      code: "root-browser",
      what: "A browser of the Chromium family does not run as root: its sandbox needs an ordinary user.",
      help: ["run Lanyard as an ordinary user", "lanyard status shows addresses that any browser opens"],
    });
  const { client } = await join(invocation);
  const { openPort, spki, profile, apps } = await client.browser();
  const url = addressOf(apps, rest[0]);
  const child = spawn(browser, [...browserArguments({ openPort, spki, profile }), url], {
    stdio: "ignore",
    detached: true,
  });
  await new Promise<void>((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", reject);
  });
  child.unref();
  output.emit({ type: "result", value: { url, browser, profile }, text: `opened ${url}\n` });
  return exitCodes.ok;
};

/**
 * A profile of its own that trusts the tenant's intermediate, by its public key, and nothing more; its traffic goes to the
 * port that answers the tenant's hosts and tunnels nothing.
 */
export const browserArguments = (grant: {
  readonly openPort: number;
  readonly spki: string;
  readonly profile: string;
}): readonly string[] => [
  `--user-data-dir=${grant.profile}`,
  `--ignore-certificate-errors-spki-list=${grant.spki}`,
  `--proxy-server=http://127.0.0.1:${grant.openPort}`,
  "--no-first-run",
  "--no-default-browser-check",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

const addressOf = (apps: readonly AppSummary[], name: string | undefined): string => {
  const found = name === undefined ? apps[0] : apps.find((app) => app.name.toLowerCase() === name.toLowerCase());
  if (found?.productionUrl !== undefined) return found.productionUrl;
  throw new Problem({
    code: "unknown-app",
    what: name === undefined ? "The tenant has no app yet." : `The tenant has no app named ${name}.`,
    ...(apps.length === 0 ? {} : { why: `It has: ${apps.map((app) => app.name).join(", ")}.` }),
    help: ["npm start in a checkout deploys the sample", "lanyard az webapp up ..."],
  });
};

export const command: Command = {
  name: "open",
  summary: "Open an app under its production address, in a browser profile that trusts this tenant.",
  usage: "[APP] [options]",
  options: {},
  rest: "words",
  run,
};
