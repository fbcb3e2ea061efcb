/** The product as its user has it: the built command, a tenant, and what is needed to call it over its TLS port. */
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { type Agent, request } from "node:https";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { cleanEnvironment, node, type Running, run, start } from "./processes.ts";
import type { Bench } from "./work.ts";

export const command = (bench: Bench): string => join(bench.product, "bin", "lanyard.js");

/** Compiled code is cached per user; the benchmark has a cache of its own, warm after the first start. */
export const productEnvironment = (bench: Bench): NodeJS.ProcessEnv =>
  cleanEnvironment({ XDG_STATE_HOME: join(bench.scratch, "xdg"), XDG_RUNTIME_DIR: undefined });

/** Starts a tenant in the foreground, on a state folder, and waits for Ready. */
export const startTenant = (bench: Bench, state: string): Promise<Running> =>
  start(node, [command(bench), "up", "--state", state, "--port", "0", "--json"], {
    ready: /"type":"ready".*\n/,
    env: productEnvironment(bench),
  });

/** Starts a tenant in the background, for load: nobody reads its request log, as nobody reads the peer's. */
export const startDetached = async (bench: Bench, state: string): Promise<Running> => {
  const env = productEnvironment(bench);
  const began = performance.now();
  const output = await run(node, [command(bench), "up", "-d", "--state", state, "--port", "0", "--json"], { env });
  const readyAfter = performance.now() - began;
  const { pid } = JSON.parse(output) as { readonly pid: number };
  let running = true;
  const end = (): void => {
    if (running) process.kill(pid, "SIGKILL");
  };
  process.on("exit", end);
  const stop = async (): Promise<void> => {
    await run(node, [command(bench), "down", "--state", state], { env });
    running = false;
    process.off("exit", end);
  };
  return { pid, output, readyAfter, stop, [Symbol.asyncDispose]: stop };
};

export interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

export interface TenantClient {
  readonly port: number;
  readonly tlsPort: number;
  readonly ca: string;
  readonly subscriptionId: string;
  /** Key and certificate chain that the tenant's own port presents; peers present the same. */
  readonly certificate: { readonly key: string; readonly cert: string };
  readonly state: string;
  /** Asks a host of the tenant. @throws when the status is not 2xx */
  call(method: string, url: string, options?: CallOptions): Promise<Answer>;
  /** A token of the developer for a scope such as `https://storage.azure.com/.default`. */
  token(scope: string): Promise<string>;
}

export interface CallOptions {
  readonly token?: string;
  readonly json?: unknown;
  readonly form?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
}

export const environmentOf = async (
  bench: Bench,
  state: string,
  as?: string,
): Promise<Readonly<Record<string, string>>> => {
  const args = ["env", "--json", "--runtime", "node", "--state", state, ...(as === undefined ? [] : ["--as", as])];
  return JSON.parse(await run(node, [command(bench), ...args], { env: productEnvironment(bench) })) as Record<
    string,
    string
  >;
};

/** Connects as the developer of a running tenant. */
export const connect = async (bench: Bench, state: string): Promise<TenantClient> => {
  const env = await environmentOf(bench, state);
  const hook = JSON.parse(env["LANYARD_HOOK"] ?? "null") as { readonly port: number; readonly tlsPort: number };
  const certificates = join(state, "certificates");
  const ca = readFileSync(join(certificates, "ca.pem"), "utf8");
  const server = JSON.parse(readFileSync(join(certificates, "server.json"), "utf8")) as { key: string; chain: string };
  const call = (method: string, url: string, options: CallOptions = {}): Promise<Answer> =>
    ask({ port: hook.tlsPort, ca }, method, url, options);
  return {
    ...hook,
    ca,
    state,
    subscriptionId: env["AZURE_SUBSCRIPTION_ID"] ?? "",
    certificate: { key: server.key, cert: server.chain },
    call,
    token: async (scope) => {
      const answer = await call(
        "POST",
        `https://login.microsoftonline.com/${env["AZURE_TENANT_ID"]}/oauth2/v2.0/token`,
        {
          form: {
            grant_type: "client_credentials",
            client_id: env["AZURE_CLIENT_ID"] ?? "",
            client_secret: env["AZURE_CLIENT_SECRET"] ?? "",
            scope,
          },
        },
      );
      return (JSON.parse(answer.body) as { access_token: string }).access_token;
    },
  };
};

/** One HTTPS request to `port` on this machine under a production name. @throws when the status is not 2xx */
export const ask = (
  place: { readonly port: number; readonly ca: string; readonly agent?: Agent },
  method: string,
  url: string,
  { token, json, form, headers = {} }: CallOptions = {},
): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const { hostname, pathname, search } = new URL(url);
    const body =
      json === undefined ? (form === undefined ? "" : new URLSearchParams(form).toString()) : JSON.stringify(json);
    const type = json === undefined ? "application/x-www-form-urlencoded" : "application/json";
    const message = request({
      host: "127.0.0.1",
      port: place.port,
      servername: hostname,
      ca: place.ca,
      method,
      path: pathname + search,
      agent: place.agent ?? false,
      headers: {
        Host: hostname,
        "Content-Length": Buffer.byteLength(body),
        ...(body === "" ? {} : { "Content-Type": type }),
        ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
        ...headers,
      },
    });
    message.once("error", reject);
    message.once("response", (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      response.once("error", reject);
      response.once("end", () => {
        const status = response.statusCode ?? 0;
        if (status >= 200 && status < 300) resolve({ status, body: text, headers: response.headers });
        else reject(new Error(`${method} ${url}: ${status} ${text.slice(0, 1000)}`));
      });
    });
    message.end(body);
  });

const blobDataContributor = "ba92f5b4-2d11-453d-a403-e96b0029c9fe";
const arm = "https://management.azure.com";

const claimsOf = (token: string): { readonly oid: string; readonly tid: string } =>
  JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()) as { oid: string; tid: string };

/** Creates a key vault whose access policy allows the developer everything. @returns the developer's token for it */
export const createVault = async (client: TenantClient, vault: string): Promise<string> => {
  const token = await client.token(`${arm}/.default`);
  const { oid, tid } = claimsOf(token);
  const group = `/subscriptions/${client.subscriptionId}/resourceGroups/bench`;
  await client.call("PUT", `${arm}${group}?api-version=2024-03-01`, { token, json: { location: "westeurope" } });
  const permissions = { secrets: ["all"], keys: ["all"] };
  await client.call("PUT", `${arm}${group}/providers/Microsoft.KeyVault/vaults/${vault}?api-version=2023-07-01`, {
    token,
    json: {
      location: "westeurope",
      properties: {
        tenantId: tid,
        sku: { family: "A", name: "standard" },
        accessPolicies: [{ tenantId: tid, objectId: oid, permissions }],
      },
    },
  });
  return client.token("https://vault.azure.net/.default");
};

/** Creates a storage account with the developer as Storage Blob Data Contributor, and a container `bench`. */
export const createAccount = async (client: TenantClient, account: string): Promise<string> => {
  const token = await client.token(`${arm}/.default`);
  const group = `/subscriptions/${client.subscriptionId}/resourceGroups/bench`;
  const id = `${group}/providers/Microsoft.Storage/storageAccounts/${account}`;
  await client.call("PUT", `${arm}${group}?api-version=2024-03-01`, { token, json: { location: "westeurope" } });
  await client.call("PUT", `${arm}${id}?api-version=2024-01-01`, {
    token,
    json: { location: "westeurope", kind: "StorageV2", sku: { name: "Standard_LRS" } },
  });
  for (let tries = 0; ; tries += 1) {
    const { body } = await client.call("GET", `${arm}${id}?api-version=2024-01-01`, { token });
    if (
      (JSON.parse(body) as { properties: { provisioningState: string } }).properties.provisioningState === "Succeeded"
    )
      break;
    if (tries > 100) throw new Error("The storage account is not provisioned after 10 s.");
    await delay(100);
  }
  const { oid } = claimsOf(token);
  await client.call(
    "PUT",
    `${arm}${id}/providers/Microsoft.Authorization/roleAssignments/${randomUUID()}?api-version=2022-04-01`,
    {
      token,
      json: {
        properties: {
          roleDefinitionId: `/subscriptions/${client.subscriptionId}/providers/Microsoft.Authorization/roleDefinitions/${blobDataContributor}`,
          principalId: oid,
          principalType: "ServicePrincipal",
        },
      },
    },
  );
  const storage = await client.token("https://storage.azure.com/.default");
  await client.call("PUT", `https://${account}.blob.core.windows.net/bench?restype=container`, {
    token: storage,
    headers: { "x-ms-version": "2024-11-04" },
  });
  return storage;
};
