import { createApp, type Identity } from "./app.ts";
import { rawToken } from "./raw-token.ts";
import { credentialFor, sdkToken } from "./sdk-token.ts";

const resource = (process.env["TOKEN_RESOURCE"] || "https://vault.azure.net").replace(/\/+$/, "");
const userAssigned = process.env["USER_ASSIGNED_CLIENT_ID"];

function identity(name: string, clientId: string | undefined): Identity {
  const credential = credentialFor(clientId);
  return {
    name,
    ways: [
      { name: "HTTP GET", token: () => rawToken(resource, clientId) },
      { name: "SDK", token: () => sdkToken(resource, credential) },
    ],
  };
}

const identities = [
  identity("system-assigned", undefined),
  ...(userAssigned ? [identity("user-assigned", userAssigned)] : []),
];

const log = (event: string, details: Readonly<Record<string, unknown>>): void =>
  console.log(JSON.stringify({ time: new Date().toISOString(), event, ...details }));

// Container Apps names the ingress' target port; elsewhere PORT, if anything.
const port = Number(process.env["CONTAINER_APP_PORT"] || process.env["PORT"] || 8080);
const server = createApp(identities, log).listen(port, () => {
  const address = server.address();
  log("listening", { port: typeof address === "object" ? address?.port : address, resource });
});

for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => server.close(() => process.exit(0)));
