import { DefaultAzureCredential } from "@azure/identity";
import { serve } from "@hono/node-server";
import { createApp } from "./app.ts";
import { openDatabase } from "./database.ts";
import { consoleLog as log } from "./log.ts";
import { openPhotos } from "./photos.ts";
import { reviewsIn } from "./reviews.ts";
import { readSettings } from "./settings.ts";
import { POSTGRESQL_SCOPE, renewingToken } from "./token.ts";

/** The app's managed identity on Azure, the developer's own sign-in elsewhere. */
function credentialFor(clientId: string | undefined): DefaultAzureCredential {
  return clientId ? new DefaultAzureCredential({ managedIdentityClientId: clientId }) : new DefaultAzureCredential();
}

const settings = readSettings(process.env);

const database = settings.database.configured
  ? openDatabase(
      settings.database.settings,
      renewingToken(credentialFor(settings.database.settings.clientId), POSTGRESQL_SCOPE),
      log,
    )
  : undefined;
const photos = settings.storage.configured
  ? openPhotos(settings.storage.settings, credentialFor(settings.storage.settings.clientId))
  : undefined;

const app = createApp({
  log,
  reviews: database && reviewsIn(database),
  missingDatabase: settings.database.configured ? [] : settings.database.missing,
  photos,
  missingStorage: settings.storage.configured ? [] : settings.storage.missing,
});

database?.start();
const server = serve({ fetch: app.fetch, port: settings.port }, ({ port }) =>
  log("info", "listening", {
    port,
    database: settings.database.configured ? settings.database.settings.host : settings.database,
    storage: settings.storage.configured ? settings.storage.settings.endpoint : settings.storage,
  }),
);

let stopping = false;

/** Finishes the requests under way, then the database connections. App Service gives about five seconds. */
function stop(signal: NodeJS.Signals): void {
  if (stopping) return;
  stopping = true;
  log("info", "stopping", { signal });
  setTimeout(() => process.exit(1), 4500).unref();
  server.close(() => {
    void (database?.close() ?? Promise.resolve()).then(
      () => process.exit(0),
      () => process.exit(1),
    );
  });
  if ("closeIdleConnections" in server) server.closeIdleConnections();
}

process.on("SIGTERM", stop);
process.on("SIGINT", stop);
