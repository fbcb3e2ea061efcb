import { describe, expect, it } from "vitest";
import { type Authentication, settingsFor } from "./settings.ts";
import { targetOf } from "./targets.ts";

const database = targetOf(
  "/subscriptions/s/resourceGroups/rg/providers/Microsoft.DBforPostgreSQL/flexibleServers/srv/databases/restaurant",
);
const blob = targetOf(
  "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/acme/blobServices/default",
);
if (database === undefined || blob === undefined) throw new Error("The test's target ids are not read.");
const system: Authentication = { kind: "system-identity" };
const secret: Authentication = { kind: "secret", secret: "p@ss" };
const postgres = (clientType: string, authentication: Authentication = system) =>
  settingsFor({ target: database, clientType, authentication, user: "aad_db" });

describe("a PostgreSQL connection's settings", () => {
  const host = "srv.postgres.database.azure.com";

  it.each([
    ["python", `dbname=restaurant host=${host} port=5432 sslmode=require user=aad_db`, " password=p@ss"],
    ["dotnet", `Server=${host};Database=restaurant;Port=5432;Ssl Mode=Require;User Id=aad_db;`, "Password=p@ss;"],
    ["java", `jdbc:postgresql://${host}:5432/restaurant?sslmode=require&user=aad_db`, "&password=p@ss"],
    ["go", `host=${host} dbname=restaurant sslmode=require user=aad_db`, " password=p@ss"],
    ["php", `host=${host} port=5432 dbname=restaurant sslmode=require user=aad_db`, " password=p@ss"],
  ])("are one string for %s, ending so that a client can append its token", (clientType, text, password) => {
    expect(postgres(clientType)).toEqual([["AZURE_POSTGRESQL_CONNECTIONSTRING", text]]);
    expect(postgres(clientType, secret)).toEqual([["AZURE_POSTGRESQL_CONNECTIONSTRING", text + password]]);
  });

  it("are parts for Node.js, with USER, and for no client type, with USERNAME", () => {
    expect(Object.fromEntries(postgres("nodejs") ?? [])).toEqual({
      AZURE_POSTGRESQL_HOST: host,
      AZURE_POSTGRESQL_USER: "aad_db",
      AZURE_POSTGRESQL_DATABASE: "restaurant",
      AZURE_POSTGRESQL_PORT: "5432",
      AZURE_POSTGRESQL_SSL: "true",
    });
    expect(postgres("none")?.[1]).toEqual(["AZURE_POSTGRESQL_USERNAME", "aad_db"]);
    expect(postgres("django")?.map(([name]) => name)).toEqual([
      "AZURE_POSTGRESQL_NAME",
      "AZURE_POSTGRESQL_HOST",
      "AZURE_POSTGRESQL_USER",
    ]);
  });

  it("carry a second connection's name and a user-assigned identity's client id, and follow custom keys", () => {
    const settings = settingsFor({
      target: database,
      clientType: "python",
      authentication: { kind: "user-identity", clientId: "id" },
      user: "u",
      connectionName: "other",
      customizedKeys: { AZURE_POSTGRESQL_OTHER_CLIENTID: "MY_ID" },
    });
    expect(settings?.map(([name]) => name)).toEqual(["AZURE_POSTGRESQL_OTHER_CONNECTIONSTRING", "MY_ID"]);
  });

  it("do not exist for an unknown client type", () => {
    expect(postgres("cobol")).toBeUndefined();
  });
});

describe("a storage connection's settings", () => {
  it("are exactly one endpoint with a trailing slash for an identity", () => {
    expect(settingsFor({ target: blob, clientType: "python", authentication: system, user: "" })).toEqual([
      ["AZURE_STORAGEBLOB_RESOURCEENDPOINT", "https://acme.blob.core.windows.net/"],
    ]);
  });

  it("are a connection string for an account key", () => {
    expect(settingsFor({ target: blob, clientType: "nodejs", authentication: secret, user: "" })).toEqual([
      [
        "AZURE_STORAGEBLOB_CONNECTIONSTRING",
        "DefaultEndpointsProtocol=https;AccountName=acme;AccountKey=p@ss;EndpointSuffix=core.windows.net",
      ],
    ]);
  });
});
