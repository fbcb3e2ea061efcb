/** A tenant in memory with vaults, principals, requests straight into its kernel and a transport for Microsoft's clients. */
import { createHttpHeaders, type HttpClient } from "@azure/core-rest-pipeline";
import { type Answer, startTestTenant, type TestTenant } from "../../../test/support/tenant.ts";
import { builtInRole } from "../../access/built-in-roles/all.ts";
import { memoryBody } from "../../kernel/invocation.ts";
import type { Method, Reply, Request } from "../../kernel/message.ts";

export interface Ask {
  readonly token?: string;
  readonly json?: unknown;
  /** Default 7.4; "" for none. */
  readonly version?: string;
  readonly vault?: string;
}

export type VaultTests = Awaited<ReturnType<typeof startVaults>>;

export const startVaults = async () => {
  const test: TestTenant = await startTestTenant();
  const { tenant } = test;
  const group = `/subscriptions/${tenant.info.subscriptionId}/resourceGroups/rg`;
  const vaultId = (name: string): string => `${group}/providers/Microsoft.KeyVault/vaults/${name}`;
  const ok = (answer: Answer): Answer => {
    if (answer.status >= 300) throw new Error(`${answer.status} ${JSON.stringify(answer.body)} ${test.errors.join()}`);
    return answer;
  };
  ok(await test.arm("PUT", group, { location: "eastus" }));

  /** A vault of access policies unless `properties` say otherwise. */
  const createVault = async (name: string, properties: object = {}): Promise<Answer> =>
    test.arm("PUT", vaultId(name), {
      location: "eastus",
      properties: { tenantId: tenant.info.tenantId, sku: { family: "A", name: "standard" }, ...properties },
    });

  /** A service principal; holds nothing yet. */
  const principal = async (name: string): Promise<{ readonly oid: string; readonly appId: string }> => {
    const [oid, appId] = [crypto.randomUUID(), crypto.randomUUID()];
    await tenant.directory.put({
      kind: "ServicePrincipal",
      objectId: oid,
      appId,
      displayName: name,
      servicePrincipalType: "Application",
    });
    return { oid, appId };
  };
  const token = async (oid: string, audience = "https://vault.azure.net"): Promise<string> => {
    const found = await tenant.directory.principal(oid);
    if (found?.kind !== "ServicePrincipal") throw new Error(`There is no principal ${oid}.`);
    return (await tenant.issuer.issue({ principal: found, audience, proof: "secret" })).token;
  };
  const assign = async (role: string, oid: string, scope: string): Promise<void> => {
    const roleDefinitionId = `/providers/Microsoft.Authorization/roleDefinitions/${builtInRole(role).name}`;
    ok(
      await test.arm("PUT", `${scope}/providers/Microsoft.Authorization/roleAssignments/${crypto.randomUUID()}`, {
        properties: { roleDefinitionId, principalId: oid, principalType: "ServicePrincipal" },
      }),
    );
  };
  const allow = async (vault: string, oid: string, permissions: object): Promise<void> => {
    ok(
      await test.arm("PUT", `${vaultId(vault)}/accessPolicies/add`, {
        properties: { accessPolicies: [{ tenantId: tenant.info.tenantId, objectId: oid, permissions }] },
      }),
    );
  };
  const call = (method: Method, path: string, { token, json, version = "7.4", vault = "kv1" }: Ask = {}) =>
    test.send({
      method,
      host: `${vault}.vault.azure.net`,
      path: version === "" ? path : `${path}${path.includes("?") ? "&" : "?"}api-version=${version}`,
      ...(token === undefined ? {} : { token }),
      ...(json === undefined ? {} : { json }),
    });
  /** Answers the clients of the Azure SDK from the kernel, as if an edge had ended TLS. */
  const httpClient: HttpClient = {
    sendRequest: async (request) => {
      const { url, headers, body } = request;
      const reply = await tenant.kernel.handle(toRequest(url, request.method, headers.toJSON(), textOf(body)));
      return {
        request,
        status: reply.status,
        headers: createHttpHeaders(flat(reply)),
        bodyAsText: bodyOf(reply),
      };
    },
  };
  return {
    ...test,
    vaultId,
    group,
    createVault,
    principal,
    token,
    assign,
    allow,
    call,
    ok,
    /** Options for a client of the Azure SDK. */
    options: { httpClient, retryOptions: { maxRetries: 0 } },
    credential: (oid: string) => ({
      getToken: async (scopes: string | string[]) => ({
        token: await token(oid, String(scopes).replace("/.default", "")),
        expiresOnTimestamp: Date.now() + 3_600_000,
      }),
    }),
  };
};

/** A vault `kv1` that goes by Azure RBAC, and a principal with a role on all of it. */
export const withRole = async (role = "Key Vault Administrator", properties: object = {}) => {
  const vaults = await startVaults();
  vaults.ok(await vaults.createVault("kv1", { enableRbacAuthorization: true, ...properties }));
  const { oid } = await vaults.principal("app");
  await vaults.assign(role, oid, vaults.vaultId("kv1"));
  const token = await vaults.token(oid);
  const as = (method: Method, path: string, json?: unknown, version?: string) =>
    vaults.call(method, path, {
      token,
      ...(json === undefined ? {} : { json }),
      ...(version === undefined ? {} : { version }),
    });
  return { vaults, oid, token, as };
};

const textOf = (body: unknown): string => {
  if (body === undefined || body === null) return "";
  if (typeof body === "string") return body;
  if (body instanceof Uint8Array) return Buffer.from(body).toString();
  throw new TypeError("The client sent a body that is neither text nor bytes.");
};

const toRequest = (url: string, method: string, headers: Record<string, string>, body: string): Request => {
  const { hostname, pathname, search } = new URL(url);
  const names = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  return {
    method: method as Method,
    host: hostname,
    rawPath: pathname,
    rawQuery: search.slice(1),
    query: new URLSearchParams(search),
    header: (name) => names.get(name),
    rawHeaders: [...names],
    body: memoryBody(Buffer.from(body)),
    secure: true,
    remoteAddress: "127.0.0.1",
    connectionApp: undefined,
    signal: new AbortController().signal,
  };
};

const flat = (reply: Reply): Record<string, string> =>
  Object.fromEntries(Object.entries(reply.headers ?? {}).map(([name, value]) => [name, String(value)]));

const bodyOf = (reply: Reply): string => {
  if (reply.body === undefined) return "";
  if ("json" in reply.body) return JSON.stringify(reply.body.json);
  return "text" in reply.body ? reply.body.text : "";
};
