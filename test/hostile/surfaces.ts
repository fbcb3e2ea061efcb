/** The surfaces that a client can reach, each with a good request and the shape in which it refuses. */
import { Agent } from "node:https";
import { expect } from "vitest";
import { startTenant, type TestTenant } from "../../src/testing/start-tenant.ts";
import { type Wire, type WireAnswer, type WireRequest, wireOf } from "../support/wire.ts";

export interface Surface {
  readonly name: string;
  readonly host: string;
  /** Answered with 200 or 201, before and after everything bad. */
  readonly good: WireRequest;
  /** Path and query where a body must be understood. */
  readonly strict: string;
  /** A path below which there is nothing. */
  readonly nowhere: string;
  /** Headers that bad requests carry too: most of the code lies behind authentication. */
  readonly headers: Readonly<Record<string, string>>;
  /** Pieces of paths, queries and headers to build requests from. */
  readonly segments: readonly string[];
  readonly queries: readonly string[];
  readonly extras: readonly (readonly [string, string])[];
  readonly bodies: readonly string[];
  /** Is this how the surface words an error? */
  refuses(answer: WireAnswer): boolean;
}

export interface Bench extends AsyncDisposable {
  readonly tenant: TestTenant;
  readonly wire: Wire;
  /** Keeps its connections: what goes wrong on others must not touch them. */
  readonly steady: Wire;
  readonly surfaces: readonly Surface[];
}

const member = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined;

const parsed = ({ text }: WireAnswer): unknown => {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
};

/** `{error: {code, message}}`: Resource Manager's shape, Graph's, and that of the gateway's own refusals. */
const isJsonError = (answer: WireAnswer): boolean => {
  const error = member(parsed(answer), "error");
  return typeof member(error, "code") === "string" && typeof member(error, "message") === "string";
};

const isOauthError = (answer: WireAnswer): boolean =>
  /^AADSTS\d+: /.test(String(member(parsed(answer), "error_description"))) &&
  typeof member(parsed(answer), "error") === "string";

const isIdentityError = (answer: WireAnswer): boolean =>
  member(parsed(answer), "statusCode") === answer.status && typeof member(parsed(answer), "message") === "string";

/** Kudu answers in plain words. */
const isKuduError = (answer: WireAnswer): boolean =>
  String(answer.headers["content-type"]).startsWith("text/plain") && answer.text.length > 0;

const isStorageError = (answer: WireAnswer): boolean =>
  typeof answer.headers["x-ms-error-code"] === "string" &&
  (answer.text === "" || /^\uFEFF?<\?xml[^>]*><Error><Code>\w+<\/Code><Message>/.test(answer.text));

/** What a refusal must be: a clear 4xx, or 501 for what is not built, in the surface's shape or the gateway's. */
export const expectRefusal = (surface: Surface, answer: WireAnswer, method: string, what: string): void => {
  const ok = answer.status < 500 || answer.status === 501;
  expect(ok, `${surface.name}: ${what} was answered ${answer.status} ${answer.text.slice(0, 300)}`).toBe(true);
  if (answer.status < 400 || method === "HEAD") return;
  const shaped = surface.refuses(answer) || isJsonError(answer);
  expect(
    shaped,
    `${surface.name}: ${what} was answered ${answer.status} in a foreign shape: ${answer.text.slice(0, 300)}`,
  ).toBe(true);
};

/** The good request is answered. */
export const expectAlive = async ({ steady }: Bench, surface: Surface): Promise<void> => {
  const answer = await steady.send(surface.good);
  expect([surface.name, Math.floor(answer.status / 100)], answer.text.slice(0, 300)).toEqual([surface.name, 2]);
};

export const openBench = async (): Promise<Bench> => {
  const tenant = await startTenant();
  const group = `/subscriptions/${tenant.subscriptionId}/resourceGroups/hostile`;
  const identity = `${group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/app`;
  await tenant.arm("PUT", `${group}?api-version=2021-04-01`, { location: "eastus" });
  const made = await tenant.arm("PUT", `${identity}?api-version=2023-01-31`, { location: "eastus" });
  const { principalId } = (made.body as { properties: { principalId: string } }).properties;
  const developer = await tenant.environment({ command: "node" });
  const app = await tenant.environment({ as: identity, command: "node" });
  // Creates a web app, for its deployment host.
  await tenant.environment({ as: "hostile-app" });
  const wire = wireOf(developer);
  const tokenPath = `/${tenant.tenantId}/oauth2/v2.0/token`;
  const form = (scope: string): string =>
    new URLSearchParams({
      grant_type: "client_credentials",
      client_id: developer["AZURE_CLIENT_ID"] ?? "",
      client_secret: developer["AZURE_CLIENT_SECRET"] ?? "",
      scope,
    }).toString();
  const token = async (resource: string): Promise<string> => {
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    const body = form(`${resource}/.default`);
    const answer = await wire.send({
      method: "POST",
      host: "login.microsoftonline.com",
      path: tokenPath,
      headers,
      body,
    });
    return (JSON.parse(answer.text) as { access_token: string }).access_token;
  };
  const bearer = async (resource: string) => ({ authorization: `Bearer ${await token(resource)}` });
  const armHeaders = { ...(await bearer("https://management.azure.com")), "content-type": "application/json" };
  const graphHeaders = { ...(await bearer("https://graph.microsoft.com")), "content-type": "application/json" };
  const account = `${group}/providers/Microsoft.Storage/storageAccounts/hostileblobs`;
  const storage = { location: "eastus", kind: "StorageV2", sku: { name: "Standard_LRS" } };
  const container = `${account}/blobServices/default/containers/files`;
  await tenant.arm("PUT", `${account}?api-version=2023-05-01`, storage);
  await tenant.arm("PUT", `${container}?api-version=2023-05-01`, {});
  await tenant.assign({ role: "Storage Blob Data Owner", to: identity, scope: account });
  const blobHost = "hostileblobs.blob.core.windows.net";
  const identityToken = async (resource: string): Promise<string> => {
    const headers = { "x-identity-header": app["IDENTITY_HEADER"] ?? "" };
    const path = `/msi/token?api-version=2019-08-01&resource=${resource}`;
    const answer = await wire.send({ host: "127.0.0.1", path, headers });
    return (JSON.parse(answer.text) as { access_token: string }).access_token;
  };
  const blobHeaders = {
    authorization: `Bearer ${await identityToken("https://storage.azure.com")}`,
    "x-ms-version": "2025-01-05",
  };
  const putHeaders = { ...blobHeaders, "x-ms-blob-type": "BlockBlob" };
  await wire.send({ method: "PUT", host: blobHost, path: "/files/known", headers: putHeaders, body: "known" });
  const vault = `${group}/providers/Microsoft.KeyVault/vaults/hostile-vault`;
  await tenant.arm("PUT", `${vault}?api-version=2023-07-01`, {
    location: "eastus",
    properties: { tenantId: tenant.tenantId, sku: { family: "A", name: "standard" }, enableRbacAuthorization: true },
  });
  await tenant.assign({ role: "Key Vault Administrator", to: identity, scope: vault });
  const vaultHost = "hostile-vault.vault.azure.net";
  const vaultHeaders = {
    authorization: `Bearer ${await identityToken("https://vault.azure.net")}`,
    "content-type": "application/json",
  };
  const role = "/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7";
  const surfaces: Surface[] = [
    {
      name: "Resource Manager",
      strict: `${group}?api-version=2021-04-01`,
      nowhere: `${group}/nothing/here`,
      host: "management.azure.com",
      good: { host: "management.azure.com", path: `${group}?api-version=2021-04-01`, headers: armHeaders },
      headers: armHeaders,
      segments: [
        "subscriptions",
        tenant.subscriptionId,
        "resourceGroups",
        "resourcegroups",
        "hostile",
        "providers",
        "Microsoft.ManagedIdentity",
        "userAssignedIdentities",
        "app",
        "Microsoft.Authorization",
        "roleAssignments",
        "roleDefinitions",
        "locks",
        "permissions",
        "denyAssignments",
        "Microsoft.Storage",
        "storageAccounts",
        "Microsoft.Web",
        "sites",
        "config",
        "Microsoft.DBforPostgreSQL",
        "flexibleServers",
        "Microsoft.ServiceLinker",
        "linkers",
        "resources",
        "locations",
        "operationStatuses",
        "tenants",
        "checkNameAvailability",
        crypto.randomUUID(),
        "default",
        "listKeys",
      ],
      queries: [
        "api-version=2021-04-01",
        "api-version=2022-04-01",
        "api-version=2023-01-31",
        "api-version=2024-04-01",
        "api-version=9999-99-99",
        "api-version=",
        "$filter=atScope()",
        "$filter=roleName eq 'Reader'",
        "$filter=((((",
        `$filter=principalId eq '${principalId}'`,
        "$top=-1",
        "$top=1",
        "$skiptoken=%00",
        "$expand=x",
        "forceDeletionTypes=x",
      ],
      extras: [
        ["if-match", "*"],
        ["if-none-match", "*"],
        ["accept-language", "xx"],
        ["x-ms-correlation-request-id", "'\"<"],
      ],
      bodies: [
        '{"location":"eastus"}',
        '{"location":{}}',
        '{"location":"eastus","tags":[1]}',
        "[]",
        "null",
        "1",
        '"text"',
        "{",
        "",
        '{"location":"eastus","properties":null}',
        '{"location":"eastus","properties":[]}',
        '{"properties":{"level":"x"}}',
        `{"properties":{"roleDefinitionId":"${role}","principalId":"${principalId}"}}`,
        `{"properties":{"roleDefinitionId":7,"principalId":{}}}`,
        '{"identity":{"type":"UserAssigned"},"location":"eastus"}',
        '{"__proto__":{"polluted":true},"location":"eastus"}',
        '{"constructor":{"prototype":{}},"location":"eastus"}',
      ],
      refuses: isJsonError,
    },
    {
      name: "Entra",
      strict: tokenPath,
      nowhere: `${tokenPath}/nothing/here`,
      host: "login.microsoftonline.com",
      good: {
        method: "POST",
        host: "login.microsoftonline.com",
        path: tokenPath,
        body: form("https://management.azure.com/.default"),
        headers: { "content-type": "application/x-www-form-urlencoded" },
      },
      headers: { "content-type": "application/x-www-form-urlencoded" },
      segments: [
        tenant.tenantId,
        "common",
        "organizations",
        "oauth2",
        "v2.0",
        "token",
        "authorize",
        "discovery",
        "keys",
        ".well-known",
        "openid-configuration",
        "instance",
        "devicecode",
        "logout",
        crypto.randomUUID(),
      ],
      queries: ["api-version=1.1", "authorization_endpoint=https://x", "client-request-id=x", "appid=x", "p=%ff"],
      extras: [
        ["client-request-id", "x"],
        ["authorization", "Basic !!"],
        ["authorization", "Basic YTpi"],
      ],
      bodies: [
        form("https://management.azure.com/.default"),
        form("x"),
        form(""),
        "grant_type=",
        "grant_type=password",
        "grant_type=client_credentials",
        "client_id=%00&client_secret=%ff&grant_type=client_credentials&scope=%20",
        "a=b".repeat(2000),
        "{}",
        "&&&=&=",
        "",
        `${form("https://management.azure.com/.default")}&grant_type=x&client_id=y`,
        "grant_type=client_credentials&client_id=__proto__&client_secret=x&scope=https://storage.azure.com/.default",
      ],
      refuses: isOauthError,
    },
    {
      name: "Graph",
      strict: "/v1.0/directoryObjects/getByIds",
      nowhere: "/v1.0/servicePrincipals/nothing/here",
      host: "graph.microsoft.com",
      good: { host: "graph.microsoft.com", path: "/v1.0/servicePrincipals?$top=1", headers: graphHeaders },
      headers: graphHeaders,
      segments: [
        "v1.0",
        "beta",
        "v9",
        "me",
        "users",
        "groups",
        "servicePrincipals",
        "applications",
        "directoryObjects",
        "getByIds",
        "organization",
        principalId,
        "servicePrincipals(appId='x')",
        "(appId='",
        "$count",
        "memberOf",
        "$ref",
      ],
      queries: [
        "$top=1",
        "$top=-1",
        "$top=x",
        "$select=id",
        "$select=,,",
        "$filter=displayName eq 'a'",
        "$filter=startswith(",
        "$filter=",
        "$filter=a eq b or c eq d and e eq f",
        "$orderby=x",
        "$count=true",
        "$skiptoken=%ff",
        "$search=%22",
        "$expand=owners",
      ],
      extras: [
        ["consistencylevel", "eventual"],
        ["client-request-id", "\t"],
        ["prefer", "x"],
      ],
      bodies: [
        '{"ids":[]}',
        '{"ids":"x"}',
        '{"ids":[1,null,{}]}',
        `{"ids":["${principalId}"],"types":"x"}`,
        "{",
        "",
        "[]",
        "null",
      ],
      refuses: isJsonError,
    },
    {
      name: "managed identity",
      strict: "/msi/token?api-version=2019-08-01",
      nowhere: "/msi/token/nothing/here",
      host: "127.0.0.1",
      good: {
        host: "127.0.0.1",
        path: "/msi/token?api-version=2019-08-01&resource=https://storage.azure.com",
        headers: { "x-identity-header": app["IDENTITY_HEADER"] ?? "" },
      },
      headers: { "x-identity-header": app["IDENTITY_HEADER"] ?? "" },
      segments: ["msi", "token", "MSI", "metadata", "identity", "oauth2"],
      queries: [
        "api-version=2019-08-01",
        "api-version=2017-09-01",
        "api-version=",
        "resource=https://storage.azure.com",
        "resource=x",
        "resource=",
        "client_id=x",
        "mi_res_id=/",
        "principal_id=",
        "object_id=%ff",
        "resource=https://storage.azure.com&resource=y",
      ],
      extras: [
        ["x-forwarded-for", "1.2.3.4"],
        ["secret", "x"],
        ["metadata", "true"],
        ["x-identity-header", ""],
      ],
      bodies: ["", "{}", "x"],
      refuses: isIdentityError,
    },
    {
      name: "Blob",
      strict: "/files/known?comp=blocklist",
      nowhere: "/nothing/here",
      host: blobHost,
      good: { host: blobHost, path: "/files/known", headers: blobHeaders },
      headers: putHeaders,
      segments: [
        "files",
        "files-2",
        "$root",
        "$web",
        "$logs",
        "known",
        "FILES",
        "a",
        "-a-",
        "k\u00f6nig",
        ".",
        "..",
        "x".repeat(1100),
      ],
      queries: [
        "restype=container",
        "restype=account",
        "restype=service",
        "restype=x",
        "comp=list",
        "comp=block",
        "comp=blocklist",
        "comp=blocklist&blocklisttype=x",
        "comp=metadata",
        "comp=properties",
        "comp=acl",
        "comp=lease",
        "comp=tags",
        "comp=batch",
        "comp=copy",
        "comp=x",
        "comp=page",
        "comp=appendblock",
        "comp=snapshot",
        "comp=undelete",
        "comp=tier",
        "comp=expiry",
        "comp=userdelegationkey",
        "comp=blobs&where=x",
        "comp=query",
        "comp=stats",
        "blockid=AAAA",
        "blockid=!!",
        "blockid=",
        "maxresults=0",
        "maxresults=-1",
        "maxresults=999999",
        "maxresults=x",
        "marker=%ff",
        "marker=x",
        "prefix=%00",
        "prefix=",
        "delimiter=//",
        "include=x,y",
        "snapshot=2020-01-01",
        "versionid=x",
        "timeout=-1",
        "timeout=x",
        "where=%22a%22=%27b%27",
        "sv=2021-08-06&sr=b&sp=r&se=2030-01-01&sig=x",
        "sv=x&ss=b&srt=o&sp=r&se=x&sig=%00",
        "sig=x",
      ],
      extras: [
        ["range", "bytes=5-1"],
        ["range", "bytes=-"],
        ["x-ms-range", "bytes=99999999999999999999-"],
        ["range", "bytes=0-0,2-3"],
        ["if-match", "x"],
        ["if-none-match", "*"],
        ["if-modified-since", "yesterday"],
        ["x-ms-blob-type", "PageBlob"],
        ["x-ms-blob-type", "x"],
        ["x-ms-version", "1999-01-01"],
        ["x-ms-version", "x"],
        ["x-ms-copy-source", "http://127.0.0.1:1/"],
        ["x-ms-copy-source", "https://hostileblobs.blob.core.windows.net/files/known"],
        ["x-ms-copy-source", "file:///etc/passwd"],
        ["x-ms-lease-action", "acquire"],
        ["x-ms-lease-action", "x"],
        ["x-ms-lease-duration", "1"],
        ["x-ms-lease-id", "x"],
        ["x-ms-proposed-lease-id", "{}"],
        ["x-ms-meta-a", "1"],
        ["x-ms-meta-", "1"],
        ["x-ms-meta-1a", "x".repeat(9000)],
        ["x-ms-tags", "a=b&a=c"],
        ["x-ms-tags", "%%%"],
        ["content-md5", "x"],
        ["x-ms-blob-content-md5", "AAAA"],
        ["x-ms-content-crc64", "x"],
        ["x-ms-access-tier", "Cold"],
        ["x-ms-access-tier", "x"],
        ["x-ms-delete-snapshots", "only"],
        ["x-ms-blob-public-access", "x"],
        ["x-ms-date", "x"],
        ["authorization", "SharedKey hostileblobs:AAAA"],
        ["authorization", "Basic AAAA"],
        ["x-ms-encryption-key", "x"],
        ["x-ms-page-write", "update"],
        ["content-type", "multipart/mixed"],
        ["x-ms-if-tags", "x"],
        ["x-ms-expiry-option", "Absolute"],
        ["origin", "https://evil.example"],
      ],
      bodies: [
        "",
        "data",
        "<",
        "<BlockList></BlockList>",
        "<BlockList><Latest>AAAA</Latest></BlockList>",
        "<BlockList><Latest>!!</Latest></BlockList>",
        '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><BlockList><Latest>&x;</Latest></BlockList>',
        `<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa">${"bcdefgh"
          .split("")
          .map((each, index) => `<!ENTITY ${each} "${`&${"abcdefg"[index]};`.repeat(10)}">`)
          .join("")}]><BlockList><Latest>&h;</Latest></BlockList>`,
        "<SignedIdentifiers><SignedIdentifier><Id>x</Id></SignedIdentifier></SignedIdentifiers>",
        "<Tags><TagSet><Tag><Key>a</Key></Tag></TagSet></Tags>",
        "<KeyInfo><Expiry>x</Expiry></KeyInfo>",
        "<StorageServiceProperties><Cors><CorsRule/></Cors></StorageServiceProperties>",
        `<a>${"<b>".repeat(5000)}`,
        "--batch\r\nContent-Type: application/http\r\n\r\nDELETE /files/known HTTP/1.1\r\n\r\n--batch--",
      ],
      refuses: isStorageError,
    },
    {
      name: "Key Vault",
      strict: "/secrets/known?api-version=7.5",
      nowhere: "/nothing/here",
      host: vaultHost,
      // A list, which no request can delete.
      good: { host: vaultHost, path: "/secrets?api-version=7.5", headers: vaultHeaders },
      headers: vaultHeaders,
      segments: [
        "secrets",
        "keys",
        "certificates",
        "deletedsecrets",
        "deletedkeys",
        "deletedcertificates",
        "known",
        "versions",
        "recover",
        "backup",
        "restore",
        "create",
        "import",
        "sign",
        "decrypt",
        "wrapkey",
        "release",
        "rotate",
        "rotationpolicy",
        "rng",
        "pending",
        "policy",
        "merge",
        "contacts",
        "issuers",
        "storage",
        "not_a_name",
        "x".repeat(200),
        "0".repeat(32),
      ],
      queries: [
        "api-version=7.5",
        "api-version=7.5",
        "api-version=2025-07-01",
        "api-version=2016-10-01",
        "api-version=7.9",
        "api-version=",
        "maxresults=0",
        "maxresults=-1",
        "maxresults=26",
        "maxresults=x",
        "$skiptoken=%ff",
        "$skiptoken=e30",
        "includePending=x",
      ],
      extras: [
        ["x-ms-keyvault-region", "x"],
        ["authorization", "Bearer x"],
        ["authorization", "PoP x"],
        ["x-ms-client-request-id", "'\"<"],
        ["origin", "https://evil.example"],
      ],
      bodies: [
        '{"value":"v"}',
        '{"value":7}',
        '{"value":"v","attributes":{"enabled":"x","nbf":"x","exp":-1}}',
        '{"value":"v","attributes":[],"tags":[1]}',
        '{"value":"v","tags":{"__proto__":"x"}}',
        '{"kty":"RSA","key_size":1}',
        '{"kty":"EC","crv":"P-256"}',
        '{"kty":"EC","crv":"x","key_ops":"x"}',
        '{"kty":"oct","key_size":128}',
        '{"key":{"kty":"RSA","n":"AQ","e":"AQ","d":"AQ"}}',
        '{"alg":"RS256","value":"AAAA"}',
        '{"alg":"ES256","digest":"AAAA","value":"AAAA"}',
        '{"alg":"RSA-OAEP","value":"!!"}',
        '{"alg":"__proto__","value":"AAAA"}',
        '{"value":"AAAA","pwd":"x"}',
        '{"value":"-----BEGIN CERTIFICATE-----\\nAAAA\\n-----END CERTIFICATE-----"}',
        '{"policy":{"x509_props":{"subject":"nonsense"},"issuer":{"name":"Self"}}}',
        '{"policy":{"key_props":{"kty":"x"}}}',
        '{"x5c":["AAAA"]}',
        '{"count":-1}',
        '{"count":1e9}',
        '{"lifetimeActions":[{"trigger":{"timeAfterCreate":"x"},"action":{"type":"x"}}]}',
        '{"contacts":[{"email":7}]}',
        '{"target":"x"}',
        "[]",
        "null",
        "{",
        "",
      ],
      refuses: isJsonError,
    },
    {
      // Without the log stream, which never ends.
      name: "Kudu",
      strict: "/api/zipdeploy",
      nowhere: "/nothing/here",
      host: "hostile-app.scm.azurewebsites.net",
      good: { host: "hostile-app.scm.azurewebsites.net", path: "/api/deployments", headers: armHeaders },
      headers: { ...armHeaders, "content-type": "application/zip" },
      segments: [
        "api",
        "deployments",
        "latest",
        "log",
        "zipdeploy",
        "publish",
        "settings",
        "logs",
        "docker",
        "vfs",
        "site",
        "wwwroot",
        "..",
        "newui",
        "deploy",
        "command",
        "zip",
        "diagnostics",
      ],
      queries: [
        "isAsync=true",
        "isAsync=x",
        "type=zip",
        "type=war",
        "type=",
        "path=../../etc/passwd",
        "path=/etc/passwd",
        "restart=x",
        "clean=true",
        "author=%00",
        "deployer=%0d%0aX:1",
        "message=x",
        "ignorestack=x",
        "$top=-1",
        "time=x",
      ],
      extras: [
        ["content-type", "application/json"],
        ["content-type", "multipart/form-data; boundary=x"],
        ["if-none-match", "x"],
        ["authorization", "Basic AAAA"],
        ["accept", "text/html"],
      ],
      bodies: [
        "",
        "PK",
        "PK\u0003\u0004",
        "{}",
        '{"packageUri":"http://169.254.169.254/"}',
        '{"command":"id"}',
        "x".repeat(5000),
      ],
      refuses: isKuduError,
    },
  ];
  const agent = new Agent({ keepAlive: true });
  const steady = wireOf(developer, agent);
  const dispose = async (): Promise<void> => {
    agent.destroy();
    await tenant.close();
  };
  return { tenant, wire, steady, surfaces, [Symbol.asyncDispose]: dispose };
};
