import assert from "node:assert/strict";
import { test } from "node:test";
import { readSettings } from "./settings.ts";

test("the settings of Service Connector's nodejs client type are read", () => {
  const settings = readSettings({
    PORT: "8080",
    AZURE_POSTGRESQL_HOST: "db.postgres.database.azure.com",
    AZURE_POSTGRESQL_USER: "aad_database",
    AZURE_POSTGRESQL_DATABASE: "restaurant",
    AZURE_POSTGRESQL_PORT: "5432",
    AZURE_POSTGRESQL_SSL: "true",
    AZURE_STORAGEBLOB_RESOURCEENDPOINT: "https://account.blob.core.windows.net/",
  });
  assert.deepEqual(settings.database, {
    configured: true,
    settings: {
      host: "db.postgres.database.azure.com",
      user: "aad_database",
      database: "restaurant",
      port: 5432,
      tls: true,
      clientId: undefined,
    },
  });
  assert.deepEqual(settings.storage, {
    configured: true,
    settings: { endpoint: "https://account.blob.core.windows.net", clientId: undefined },
  });
});

test("missing settings are named, one by one", () => {
  const { database, storage } = readSettings({ AZURE_POSTGRESQL_HOST: "h" });
  assert.deepEqual(database, {
    configured: false,
    missing: ["AZURE_POSTGRESQL_USER", "AZURE_POSTGRESQL_DATABASE"],
  });
  assert.deepEqual(storage, { configured: false, missing: ["AZURE_STORAGEBLOB_RESOURCEENDPOINT"] });
});

test("a setting that makes no sense stops the app with its name", () => {
  assert.throws(() => readSettings({ PORT: "web" }), /PORT is not a port number: web/);
  assert.throws(
    () => readSettings({ AZURE_STORAGEBLOB_RESOURCEENDPOINT: "account" }),
    /AZURE_STORAGEBLOB_RESOURCEENDPOINT is not a URL: account/,
  );
});
