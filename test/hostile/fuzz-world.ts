/** What `npm run fuzz` aims at: the endpoints that hand out or keep secrets, and Cosmos DB, each with good requests. */
import { startTenant, type TestTenant } from "../../src/testing/start-tenant.ts";
import { wireOf } from "../support/wire.ts";
import { cosmosTarget } from "./fuzz-cosmos.ts";

/** One request. */
export interface Shot {
  readonly host: string;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** An endpoint: good requests, the first of which stays good whatever happens, and its own words. */
export interface Target {
  readonly name: string;
  readonly good: readonly Shot[];
  readonly words: readonly string[];
  readonly parameters: readonly string[];
  /** Headers that mean something here, beside those that mean something everywhere. */
  readonly headers?: readonly string[];
}

const secretValue = "a-secret-value-that-no-refusal-may-hold";

/** A tenant with an app, its identity and a vault that it may administer. */
export const openFuzzWorld = async (): Promise<{
  tenant: TestTenant;
  targets: Target[];
  port: number;
  ca: string;
  secrets: string[];
}> => {
  const tenant = await startTenant();
  const group = `/subscriptions/${tenant.subscriptionId}/resourceGroups/lanyard`;
  const app = await tenant.environment({ as: "fuzzed" });
  const header = app["IDENTITY_HEADER"] ?? "";
  const developer = await tenant.environment();
  const shell = await tenant.environment({ as: "fuzzed", identity: "cloud-shell" });
  const { port, ca } = wireOf(developer);
  const vault = `${group}/providers/Microsoft.KeyVault/vaults/fuzzed-vault`;
  await tenant.arm("PUT", `${vault}?api-version=2023-07-01`, {
    location: "eastus",
    properties: { tenantId: tenant.tenantId, sku: { family: "A", name: "standard" }, enableRbacAuthorization: true },
  });
  const { body: site } = await tenant.arm(
    "GET",
    `${group}/providers/Microsoft.Web/sites/fuzzed?api-version=2024-11-01`,
  );
  await tenant.assign({ role: "Key Vault Administrator", to: (site as { id: string }).id, scope: vault });
  const form = (values: Record<string, string>): string => new URLSearchParams(values).toString();
  const formHeaders = { "content-type": "application/x-www-form-urlencoded" };
  const token: Target = {
    name: "token",
    good: [
      {
        host: "login.microsoftonline.com",
        method: "POST",
        path: `/${tenant.tenantId}/oauth2/v2.0/token`,
        headers: formHeaders,
        body: form({
          grant_type: "client_credentials",
          client_id: developer["AZURE_CLIENT_ID"] ?? "",
          client_secret: developer["AZURE_CLIENT_SECRET"] ?? "",
          scope: "https://vault.azure.net/.default",
        }),
      },
      {
        host: "login.microsoftonline.com",
        method: "POST",
        path: `/${tenant.tenantId}/oauth2/token`,
        headers: formHeaders,
        body: form({
          grant_type: "client_credentials",
          client_id: developer["AZURE_CLIENT_ID"] ?? "",
          client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
          client_assertion:
            "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJodHRwczovL3giLCJzdWIiOiJ4IiwiYXVkIjoieCIsImV4cCI6OTk5OTk5OTk5OX0.AAAA",
          resource: "https://vault.azure.net",
        }),
      },
      {
        host: "login.microsoftonline.com",
        method: "GET",
        path: "/common/discovery/instance?api-version=1.1",
        headers: {},
      },
    ],
    words: [
      "common",
      "oauth2",
      "v2.0",
      "token",
      "discovery",
      "keys",
      "devicecode",
      "authorize",
      ".well-known",
      tenant.tenantId,
    ],
    parameters: [
      "grant_type=password",
      "scope=%00",
      "client_id=__proto__",
      "client_assertion=a.b.c",
      "claims={",
      "resource=x",
    ],
  };
  const ask = (path: string, headers: Record<string, string>, body?: string): Shot => ({
    host: "127.0.0.1",
    method: body === undefined ? "GET" : "POST",
    path,
    headers,
    ...(body === undefined ? {} : { body }),
  });
  const identity: Target = {
    name: "identity",
    good: [
      ask("/msi/token?api-version=2019-08-01&resource=https://vault.azure.net", { "x-identity-header": header }),
      ask("/msi/token?api-version=2017-09-01&resource=https://vault.azure.net&clientid=", { secret: header }),
      ask("/ml/token?api-version=2017-09-01&resource=https://vault.azure.net", { secret: header }),
      ask(
        new URL(shell["MSI_ENDPOINT"] ?? "").pathname,
        { metadata: "true", ...formHeaders },
        "resource=https://vault.azure.net",
      ),
      {
        ...ask("/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https://vault.azure.net", {
          metadata: "true",
        }),
        host: "169.254.169.254",
      },
    ],
    words: ["msi", "token", "metadata", "identity", "oauth2", "instance", "arc", "cloud-shell", "ml", "compute"],
    parameters: [
      "api-version=2019-08-01",
      "resource=",
      "client_id=%ff",
      "mi_res_id=/",
      "object_id=constructor",
      "xms_cc=cp1",
      "token_sha256_to_refresh=00",
      "format=text",
    ],
  };
  const tokenFor = async (resource: string): Promise<string> => {
    const program = `fetch(process.env.IDENTITY_ENDPOINT + "?api-version=2019-08-01&resource=${resource}", { headers: { "x-identity-header": process.env.IDENTITY_HEADER } }).then((a) => a.json()).then((a) => console.log(a.access_token))`;
    return (await tenant.run(process.execPath, ["-e", program], { as: "fuzzed" })).stdout.trim();
  };
  const authorization = `Bearer ${await tokenFor("https://vault.azure.net")}`;
  const onVault = (method: string, path: string, body?: unknown): Shot => ({
    host: "fuzzed-vault.vault.azure.net",
    method,
    path: `${path}${path.includes("?") ? "&" : "?"}api-version=7.5`,
    headers: { authorization, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const keyVault: Target = {
    name: "vault",
    good: [
      // What may rightly be deleted does not come first: the first is asked again at the end.
      onVault("GET", "/secrets?maxresults=5"),
      onVault("PUT", "/secrets/kept", { value: secretValue, attributes: { enabled: true, exp: 4_000_000_000 } }),
      onVault("GET", "/secrets/kept"),
      onVault("PATCH", "/secrets/other/", { tags: { a: "b" }, contentType: "text/plain" }),
      onVault("GET", "/deletedsecrets"),
      onVault("POST", "/secrets/kept/backup", {}),
      onVault("POST", "/secrets/restore", { value: "AAAA" }),
      onVault("POST", "/keys/key/create", { kty: "EC", crv: "P-256", key_ops: ["sign", "verify"] }),
      onVault("POST", "/keys/key/sign", { alg: "ES256", value: "AAAA" }),
      onVault("GET", "/certificates"),
    ],
    words: [
      "secrets",
      "keys",
      "certificates",
      "deletedsecrets",
      "kept",
      "versions",
      "recover",
      "backup",
      "restore",
      "create",
      "pending",
      "policy",
    ],
    parameters: [
      "api-version=7.5",
      "api-version=2025-07-01",
      "api%2Dversion=7.4",
      "maxresults=-1",
      "maxresults=x",
      "$skiptoken=%ff",
    ],
  };
  const { identity: siteIdentity } = site as { readonly identity: { readonly principalId: string } };
  const cosmos = await cosmosTarget(tenant, siteIdentity.principalId, await tokenFor("https://cosmos.azure.com"));
  return {
    tenant,
    targets: [token, identity, keyVault, cosmos.target],
    port,
    ca,
    secrets: [header, secretValue, ...cosmos.secrets],
  };
};
