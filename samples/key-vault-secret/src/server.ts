import { createServer } from "node:http";
import { DefaultAzureCredential } from "@azure/identity";
import { SecretClient } from "@azure/keyvault-secrets";
import { createApp } from "./app.ts";
import { readSettings } from "./settings.ts";

const { port, vaultUri, secretName, clientId } = readSettings(process.env);

/** The app's managed identity on Azure, the developer's own sign-in elsewhere. */
const credential = clientId
  ? new DefaultAzureCredential({ managedIdentityClientId: clientId })
  : new DefaultAzureCredential();
const client = vaultUri ? new SecretClient(vaultUri, credential) : undefined;

const log = (event: string, fields: Readonly<Record<string, unknown>>): void => {
  console.log(JSON.stringify({ time: new Date().toISOString(), event, ...fields }));
};

const server = createServer(
  createApp({ readSecret: client && (async () => (await client.getSecret(secretName)).value ?? ""), log }),
);
server.listen(port, () => {
  const address = server.address();
  const open = typeof address === "object" && address !== null ? address.port : port;
  log("listening", { port: open, vault: vaultUri ?? "none", secret: secretName });
});

for (const signal of ["SIGTERM", "SIGINT"] as const)
  process.on(signal, () => {
    log("stopping", { signal });
    server.close(() => process.exit(0));
    server.closeIdleConnections();
  });
