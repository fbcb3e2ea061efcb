/** A tenant with ARM and Blob on a store in memory, real tokens, and a loopback HTTP server for the Azure SDK. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { BlobServiceClient, newPipeline, type Pipeline, StorageSharedKeyCredential } from "@azure/storage-blob";
import { createDefaultHttpClient, type HttpClient } from "@azure/core-rest-pipeline";
import { AccessIndex } from "../../access/access-index.ts";
import { builtInRole } from "../../access/built-in-roles/all.ts";
import { azureRbac } from "../../access/decider.ts";
import type { ArmContext } from "../../arm/context.ts";
import { longRunning } from "../../arm/long-running.ts";
import { openResources } from "../../arm/resources.ts";
import { armService } from "../../arm/service.ts";
import { openDirectory } from "../../identity/directory.ts";
import { openSigningKey } from "../../identity/signing-keys.ts";
import { openTenantInfo } from "../../identity/tenant.ts";
import { tokenIssuer } from "../../identity/tokens.ts";
import { tokenVerifier } from "../../identity/verify.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { Decision } from "../../kernel/decision.ts";
import { createKernel } from "../../kernel/dispatch.ts";
import { randomIds } from "../../kernel/ids.ts";
import type { Method, Request } from "../../kernel/message.ts";
import { anyService } from "../../kernel/service.ts";
import { openMemoryStore } from "../../store/memory.ts";
import type { Store } from "../../store/store.ts";
import { armDialect } from "../../wire/arm-dialect.ts";
import { serveMessage } from "../../wire/node-http.ts";
import { storageDialect } from "../../wire/storage-dialect.ts";
import { groupOperations } from "../resources/groups.ts";
import { type Answer, bytesOf, requestOf, type Sent } from "./exchange.test-support.ts";
import { openStorage } from "./storage.ts";

export type Role =
  | "Storage Blob Data Reader"
  | "Storage Blob Data Contributor"
  | "Storage Blob Data Owner"
  | "Owner"
  | "Reader"
  | "Contributor"
  | "Storage Blob Delegator";

export type TestStorage = Awaited<ReturnType<typeof startStorage>>;

export const version = "2026-04-06";

/** One for all tenants of a test file: making a key costs more than all else in a test. */
const signingKey = openSigningKey(openMemoryStore());

export const startStorage = async (options: { readonly store?: Store } = {}) => {
  const store = options.store ?? openMemoryStore();
  let offset = 0;
  const clock: Clock = { now: () => Date.now() + offset, wall: () => Date.now() };
  const ids = randomIds;
  const info = await openTenantInfo(store, ids);
  const directory = openDirectory(store);
  const key = await signingKey;
  const index = new AccessIndex();
  const rbac = azureRbac(index, clock);
  const resources = openResources(store, info.subscriptionId);
  const errors: unknown[] = [];
  const decisions: Decision[] = [];
  const issuer = tokenIssuer({ tenant: info, key, directory, clock, ids });
  const verifier = tokenVerifier({ tenant: info, key, clock, groupsOf: (objectId) => directory.groupsOf(objectId) });
  const context: ArmContext = {
    resources,
    directory,
    tenant: info,
    clock,
    ids,
    longRunning: longRunning({
      store,
      clock,
      ids,
      subscriptionId: info.subscriptionId,
      onError: (error) => errors.push(error),
    }),
    extensionsBelow: () => Promise.resolve([]),
  };
  const storage = openStorage({
    store,
    resources,
    clock,
    ids,
    verifier,
    directory,
    rbac,
    tenantId: info.tenantId,
    dialect: storageDialect,
  });
  const kernel = createKernel({
    services: [
      anyService(storage.service),
      anyService(
        armService({
          types: storage.types,
          operations: [...groupOperations(context), ...storage.armOperations],
          context,
          verifier,
          rbac,
          dialect: armDialect,
        }),
      ),
    ],
    clock,
    ids,
    decisions: { record: (decision) => decisions.push(decision) },
    identityOf: () => Promise.resolve(undefined),
    onError: (error) => errors.push(error),
  });

  const subscription = `/subscriptions/${info.subscriptionId}`;
  const group = `${subscription}/resourceGroups/rg`;
  const accountId = (name = "acme"): string => `${group}/providers/Microsoft.Storage/storageAccounts/${name}`;

  /** A service principal; holds nothing yet. */
  const principal = async (name: string): Promise<string> => {
    const objectId = ids.guid();
    await directory.put({
      kind: "ServicePrincipal",
      objectId,
      appId: ids.guid(),
      displayName: name,
      servicePrincipalType: "Application",
    });
    return objectId;
  };
  const assign = (role: Role, principalId: string, scope: string): string => {
    const name = ids.guid();
    const definition = builtInRole(role);
    index.putAssignment({
      id: `${scope}/providers/Microsoft.Authorization/roleAssignments/${name}`,
      name,
      scope,
      roleDefinitionId: `/providers/Microsoft.Authorization/roleDefinitions/${definition.name}`,
      principalId,
      principalType: "ServicePrincipal",
    });
    return name;
  };
  const token = async (objectId: string, audience = "https://storage.azure.com/"): Promise<string> => {
    const found = await directory.principal(objectId);
    if (found?.kind !== "ServicePrincipal") throw new Error(`There is no principal ${objectId}.`);
    return (await issuer.issue({ principal: found, audience, proof: "secret" })).token;
  };
  const handle = async (request: Request): Promise<Answer> => {
    const reply = await kernel.handle(request);
    const bytes = await bytesOf(reply);
    const headers = Object.fromEntries(
      Object.entries(reply.headers ?? {}).map(([name, value]) => [name.toLowerCase(), String(value)]),
    );
    return { status: reply.status, headers, code: headers["x-ms-error-code"], text: bytes.toString("utf8"), bytes };
  };
  /** Sends as a principal. */
  const as =
    (bearer: string) =>
    (path: string, sent: Sent = {}): Promise<Answer> =>
      handle(
        requestOf(path, {
          ...sent,
          headers: { "x-ms-version": version, authorization: `Bearer ${bearer}`, ...sent.headers },
        }),
      );
  const send = (path: string, sent: Sent = {}): Promise<Answer> => handle(requestOf(path, sent));
  const admin = await principal("admin");
  assign("Owner", admin, subscription);
  const adminToken = await token(admin, "https://management.azure.com/");
  const arm = async (
    method: Method,
    path: string,
    json?: unknown,
  ): Promise<{ status: number; body: Record<string, unknown> }> => {
    const answer = await handle(
      requestOf(`${path}?api-version=2024-01-01`, {
        method,
        host: "management.azure.com",
        headers: { authorization: `Bearer ${adminToken}`, "content-type": "application/json" },
        body: json === undefined ? "" : JSON.stringify(json),
      }),
    );
    return {
      status: answer.status,
      body: answer.text === "" ? {} : (JSON.parse(answer.text) as Record<string, unknown>),
    };
  };
  const expectOk = ({ status, body }: { status: number; body: unknown }): void => {
    if (status >= 300) throw new Error(`${status} ${JSON.stringify(body)} ${errors.join()}`);
  };
  expectOk(await arm("PUT", group, { location: "eastus" }));
  const createAccount = (name: string, properties: object = {}) =>
    arm("PUT", accountId(name), { location: "eastus", sku: { name: "Standard_LRS" }, kind: "StorageV2", properties });
  expectOk(await createAccount("acme"));
  const keyOf = async (name = "acme"): Promise<string> => {
    const { body } = await arm("POST", `${accountId(name)}/listKeys`);
    return (body["keys"] as { value: string }[])[0]?.value ?? "";
  };

  const server = createServer((message, response) => {
    void serveMessage(
      message,
      response,
      {
        host: (message.headers.host ?? "").split(":")[0] ?? "",
        target: message.url ?? "/",
        secure: true,
        connectionApp: undefined,
      },
      false,
      (request) => kernel.handle(request),
      (error) => errors.push(error),
    );
  });
  let port = 0;
  const listen = async (): Promise<void> => {
    if (port > 0) return;
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
    port = (server.address() as AddressInfo).port;
  };
  /** A credential for the SDK. */
  const credential = (objectId: string) => ({
    getToken: async () => ({ token: await token(objectId), expiresOnTimestamp: Date.now() + 3_600_000 }),
  });
  const plain = createDefaultHttpClient();
  /** For the Azure SDK: production names, answered on loopback as if an edge had ended TLS. */
  const httpClient: HttpClient = {
    sendRequest: async (request) => {
      await listen();
      const url = new URL(request.url);
      request.headers.set("host", url.host);
      const { url: original } = request;
      request.url = original.replace(/^https:\/\/[^/?]+/, `http://127.0.0.1:${port}`);
      request.allowInsecureConnection = true;
      const response = await plain.sendRequest(request);
      request.url = original;
      return response;
    },
  };
  /** The SDK's own pipeline over that client. */
  const pipeline = (credential?: Parameters<typeof newPipeline>[0]): Pipeline => {
    const made = newPipeline(credential, { retryOptions: { maxTries: 1 } });
    // The option `httpClient` takes the older kind of client only; the SDK itself keeps the newer kind here.
    Object.assign(made, { _coreHttpClient: httpClient });
    return made;
  };
  return {
    store,
    kernel,
    clock,
    info,
    index,
    directory,
    errors,
    decisions,
    storage,
    subscription,
    accountId,
    createAccount,
    arm,
    principal,
    assign,
    token,
    as,
    send,
    handle,
    keyOf,
    pipeline,
    /** The SDK's client as a principal, with a credential, or (undefined) with what the URL holds. */
    sdk: (who?: string | StorageSharedKeyCredential, account = "acme") =>
      new BlobServiceClient(
        `https://${account}.blob.core.windows.net`,
        pipeline(typeof who === "string" ? credential(who) : who),
      ),
    advance: (milliseconds: number): void => {
      offset += milliseconds;
    },
    sharedKey: async (name = "acme") => new StorageSharedKeyCredential(name, await keyOf(name)),
    credential,
    portOf: async (): Promise<number> => {
      await listen();
      return port;
    },
    [Symbol.asyncDispose]: async (): Promise<void> => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => (port > 0 ? server.close(() => resolve()) : resolve()));
      await store.close();
    },
  };
};

/** A test's account, container and a contributor's `send`. */
export const withContributor = async (container = "photos") => {
  const tenant = await startStorage();
  const app = await tenant.principal("app");
  tenant.assign("Storage Blob Data Contributor", app, tenant.accountId());
  const send = tenant.as(await tenant.token(app));
  await send(`/${container}?restype=container`, { method: "PUT" });
  return { tenant, app, send };
};

/** An account with its key and the blob `photos/a b/c.txt`, which holds `hello`. */
export const withBlob = async (): Promise<{ tenant: TestStorage; key: StorageSharedKeyCredential }> => {
  const tenant = await startStorage();
  const key = await tenant.sharedKey();
  const container = tenant.sdk(key).getContainerClient("photos");
  await container.create();
  await container.getBlockBlobClient("a b/c.txt").upload("hello", 5);
  return { tenant, key };
};
