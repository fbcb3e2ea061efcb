/** Azurite, the peer for Blob: installed in this folder only, from the lockfile beside it. */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cleanEnvironment, freePort, node, type Running, run, start } from "./processes.ts";
import { ask, type TenantClient } from "./product.ts";

const folder = import.meta.dirname;
const program = join(folder, "node_modules", "azurite", "dist", "src", "azurite.js");
const peers = [program, join(folder, "node_modules", "@vercel", "cosmosdb-server")];

/** Installs the peers on the first run. */
export const installPeers = async (say: (text: string) => void): Promise<void> => {
  if (peers.every((path) => existsSync(path))) return;
  say("installing the peers under bench/ ...");
  await run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], { cwd: folder });
};

/** The account of the tenant, in Azurite as well; any key will do, since requests bring tokens. */
const account = (name: string): string => `${name}:${Buffer.alloc(64, 7).toString("base64")}`;

/** Blob, queue and table on free ports; its access log is off, as ours is. */
export const startAzurite = async (location: string): Promise<Running> => {
  mkdirSync(location, { recursive: true });
  const ports = [await freePort(), await freePort(), await freePort()];
  const args = ["blob", "queue", "table"].flatMap((name, index) => [`--${name}Port`, String(ports[index])]);
  return start(node, [program, "--silent", "--disableTelemetry", "--location", location, ...args], {
    ready: /(?:[\s\S]*?successfully listen\w*){3}/,
    env: cleanEnvironment(),
    cwd: location,
  });
};

export interface AzuriteBlob extends Running {
  readonly port: number;
}

/** Blob over HTTPS with the tenant's own certificate, and with bearer tokens (`--oauth basic` looks at their claims). */
export const startAzuriteBlob = async (location: string, client: TenantClient, name: string): Promise<AzuriteBlob> => {
  mkdirSync(location, { recursive: true });
  const [cert, key] = [join(location, "cert.pem"), join(location, "key.pem")];
  writeFileSync(cert, client.certificate.cert, { mode: 0o600 });
  writeFileSync(key, client.certificate.key, { mode: 0o600 });
  const port = await freePort();
  const args = [
    "--silent",
    "--disableTelemetry",
    "--skipApiVersionCheck",
    "--location",
    location,
    "--blobPort",
    String(port),
  ];
  const blob = join(folder, "node_modules", "azurite", "dist", "src", "blob", "main.js");
  const running = await start(
    node,
    [blob, ...args, "--oauth", "basic", "--cert", cert, "--key", key, "--blobKeepAliveTimeout", "75"],
    {
      ready: /successfully listen/,
      env: cleanEnvironment({ AZURITE_ACCOUNTS: account(name) }),
      cwd: location,
    },
  );
  return { ...running, port };
};

/** Creates the container `bench`; a second time is no error. */
export const createContainer = async (
  azurite: AzuriteBlob,
  client: TenantClient,
  name: string,
  token: string,
): Promise<void> => {
  await ask(
    { port: azurite.port, ca: client.ca },
    "PUT",
    `https://${name}.blob.core.windows.net/bench?restype=container`,
    {
      token,
      headers: { "x-ms-version": "2024-11-04" },
    },
  ).catch((error: Error) => {
    if (!error.message.includes(" 409 ")) throw error;
  });
};
