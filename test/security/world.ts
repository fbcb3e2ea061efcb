/** A tenant in a process of its own, in folders of its own, with two hosted apps that tell and try what they are told to. */
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { zipSync } from "fflate";
import { startTenantProcess, type TenantProcess } from "../support/tenant-process.ts";
import { type Wire, type WireAnswer, wireOf } from "../support/wire.ts";

/** Variables of the developer that no app may see. */
export const poison: Readonly<Record<string, string>> = {
  AZURE_CLIENT_ID: "poison-client",
  AZURE_CLIENT_SECRET: "poison-secret",
  AZURE_TENANT_ID: "poison-tenant",
  AZURE_USERNAME: "poison-user",
  AZURE_PASSWORD: "poison-password",
  AZURE_FEDERATED_TOKEN_FILE: "/poison-token",
  AWS_SECRET_ACCESS_KEY: "poison-aws",
  GITHUB_TOKEN: "poison-github",
  npm_config__auth: "poison-npm",
  MY_OWN_PASSWORD: "poison-own",
};

export interface World extends AsyncDisposable {
  readonly folder: string;
  readonly state: string;
  readonly runtime: string;
  readonly tenant: TenantProcess;
  readonly developer: Readonly<Record<string, string>>;
  readonly wire: Wire;
  readonly arm: (method: string, path: string, body?: unknown) => Promise<WireAnswer>;
  token(resource: string): Promise<string>;
  /** Another start of the tenant, in the same folders. */
  readonly startAgain: () => Promise<TenantProcess>;
  /** Asks a hosted app to do something; the answer is what came of it. */
  ask(app: string, what: object): Promise<unknown>;
}

/** What runs as the hosted app: does what the request says and tells what came of it. */
const probe = `
const http = require("node:http");
const fs = require("node:fs");
const net = require("node:net");
const { execFileSync, spawn } = require("node:child_process");
const acts = {
  environment: () => ({ ...process.env }),
  whoami: () => ({ uid: process.getuid(), groups: process.getgroups() }),
  read: ({ path }) => fs.readFileSync(path).length,
  list: ({ path }) => fs.readdirSync(path),
  write: ({ path }) => fs.writeFileSync(path, "x"),
  find: ({ path }) => execFileSync("find", [path, "-readable", "-not", "-type", "l"], { stdio: ["ignore", "pipe", "ignore"] }).toString(),
  spawn: ({ command, detached }) => spawn("/bin/sh", ["-c", command], { detached, stdio: "ignore" }).pid,
  environments: () => fs.readdirSync("/proc").filter((name) => /^\\d+$/.test(name)).filter((pid) => {
    try { return fs.statSync("/proc/" + pid).uid !== process.getuid() && fs.readFileSync("/proc/" + pid + "/environ").length > 0; } catch { return false; }
  }),
  connect: ({ path, port, host }) => new Promise((resolve, reject) => {
    const socket = net.connect(path ? { path } : { port, host }, () => { socket.destroy(); resolve("connected"); });
    socket.on("error", reject);
  }),
  fetch: ({ url, headers }) => new Promise((resolve, reject) => {
    http.get(url, { headers }, (answer) => {
      let text = "";
      answer.on("data", (chunk) => (text += chunk)).on("end", () => resolve({ status: answer.statusCode, text }));
    }).on("error", reject);
  }),
};
http.createServer((request, response) => {
  if (request.method !== "POST") return response.end("ready");
  let text = "";
  request.on("data", (chunk) => (text += chunk)).on("end", async () => {
    const asked = JSON.parse(text);
    const result = await Promise.resolve().then(() => acts[asked.act](asked)).then((value) => ({ value }), (error) => ({ error: error.code ?? error.message }));
    response.end(JSON.stringify(result));
  });
}).listen(process.env.PORT, "127.0.0.1");
`;

export const openWorld = async (
  options: { readonly under?: (folder: string) => readonly string[] } = {},
): Promise<World> => {
  const folder = await mkdtemp(join(tmpdir(), "lanyard-world-"));
  // The way to the state is open to everybody here: only the state's own modes keep others out.
  await chmod(folder, 0o755);
  const at = (name: string): string => join(folder, name);
  for (const name of ["home", "project", "tmp"]) await mkdir(at(name), { mode: 0o755 });
  await mkdir(at("run"), { mode: 0o700 });
  await writeFile(join(at("project"), "package.json"), "{}");
  const state = at("state");
  const env: Record<string, string | undefined> = {
    PATH: process.env["PATH"],
    ...poison,
    HOME: at("home"),
    TMPDIR: at("tmp"),
    XDG_RUNTIME_DIR: at("run"),
  };
  const under = options.under?.(folder);
  const tenant = await startTenantProcess({
    state,
    env,
    cwd: at("project"),
    ...(under === undefined ? {} : { under }),
  });
  const developer = await tenant.environment();
  const wire = wireOf(developer);
  const token = async (resource: string): Promise<string> => {
    const { AZURE_CLIENT_ID = "", AZURE_CLIENT_SECRET = "", AZURE_TENANT_ID = "" } = developer;
    const answer = await wire.send({
      method: "POST",
      host: "login.microsoftonline.com",
      path: `/${AZURE_TENANT_ID}/oauth2/v2.0/token`,
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: new URLSearchParams({
        grant_type: "client_credentials",
        client_id: AZURE_CLIENT_ID,
        client_secret: AZURE_CLIENT_SECRET,
        scope: `${resource}/.default`,
      }).toString(),
    });
    return (JSON.parse(answer.text) as { access_token: string }).access_token;
  };
  const management = await token("https://management.azure.com");
  const world: World = {
    folder,
    state,
    runtime: at("run"),
    tenant,
    developer,
    wire,
    token,
    startAgain: () => startTenantProcess({ state, env, cwd: at("project") }),
    arm: (method, path, body) =>
      wire.send({
        method,
        host: "management.azure.com",
        path,
        token: management,
        ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
      }),
    ask: async (app, what) => {
      const body = JSON.stringify(what);
      const answer = await wire.send({ method: "POST", host: `${app}.azurewebsites.net`, path: "/", body });
      if (answer.status !== 200) throw new Error(`${app} answered ${answer.status} ${answer.text}`);
      return JSON.parse(answer.text) as unknown;
    },
    [Symbol.asyncDispose]: async () => {
      await tenant.kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
  return world;
};

/** Creates web apps with a system-assigned identity and deploys the probe to each. */
export const deployProbes = async (world: World, names: readonly string[]): Promise<void> => {
  const { wire, arm } = world;
  const group = `/subscriptions/${world.tenant.status.subscriptionId}/resourceGroups/probes`;
  const plan = `${group}/providers/Microsoft.Web/serverfarms/plan`;
  const accept = (answer: WireAnswer): WireAnswer => {
    if (answer.status >= 300) throw new Error(`${answer.status} ${answer.text}`);
    return answer;
  };
  accept(await arm("PUT", `${group}?api-version=2021-04-01`, { location: "eastus" }));
  accept(
    await arm("PUT", `${plan}?api-version=2024-11-01`, {
      location: "eastus",
      kind: "linux",
      sku: { name: "B1", tier: "Basic" },
      properties: { reserved: true },
    }),
  );
  const archive = Buffer.from(
    zipSync({ "index.js": Buffer.from(probe), "package.json": Buffer.from('{"main":"index.js"}') }),
  );
  const management = await world.token("https://management.azure.com");
  for (const name of names) {
    const site = `${group}/providers/Microsoft.Web/sites/${name}?api-version=2024-11-01`;
    const siteConfig = { linuxFxVersion: "NODE|24-lts", appCommandLine: "node index.js" };
    const body = {
      location: "eastus",
      kind: "app,linux",
      identity: { type: "SystemAssigned" },
      properties: { serverFarmId: plan, reserved: true, siteConfig },
    };
    accept(await arm("PUT", site, body));
    accept(
      await wire.send({
        method: "POST",
        host: `${name}.scm.azurewebsites.net`,
        path: "/api/zipdeploy",
        headers: { "content-type": "application/zip" },
        token: management,
        body: archive,
      }),
    );
  }
  for (const name of names)
    for (let tries = 0; ; tries += 1) {
      const answer = await wire.send({ host: `${name}.azurewebsites.net`, path: "/" });
      if (answer.text === "ready") break;
      if (tries > 300) throw new Error(`${name} does not answer: ${answer.status} ${answer.text.slice(0, 500)}`);
      await delay(100);
    }
};
