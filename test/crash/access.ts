/** How writers and checks reach one opening of the tenant: addresses and secrets change with every start. */
import { createHash } from "node:crypto";
import { Agent } from "node:https";
import { Client } from "pg";
import type { TenantProcess } from "../support/tenant-process.ts";
import { type WireAnswer, type WireRequest, wireOf } from "../support/wire.ts";

export const names = {
  group: "crash",
  account: "crashblobs",
  container: "files",
  server: "crash-pg",
  identity: "writer",
};
export const blobHost = `${names.account}.blob.core.windows.net`;

export interface Access {
  readonly subscription: string;
  readonly tenantId: string;
  /** Object id of the developer's service principal. */
  readonly developer: string;
  readonly arm: (method: string, path: string, body?: unknown) => Promise<WireAnswer>;
  readonly blob: (request: Omit<WireRequest, "host">) => Promise<WireAnswer>;
  readonly connect: () => Promise<Client>;
  readonly close: () => void;
}

export const hash = (content: string | Buffer): string => createHash("sha256").update(content).digest("hex");

export const accessOf = async (tenant: TenantProcess): Promise<Access> => {
  const environment = await tenant.environment();
  const agent = new Agent({ keepAlive: true });
  const wire = wireOf(environment, agent);
  const token = async (resource: string): Promise<string> => {
    const { AZURE_CLIENT_ID, AZURE_CLIENT_SECRET, AZURE_TENANT_ID } = environment;
    const form = { grant_type: "client_credentials", client_id: AZURE_CLIENT_ID, client_secret: AZURE_CLIENT_SECRET };
    const answer = await wire.send({
      method: "POST",
      host: "login.microsoftonline.com",
      path: `/${AZURE_TENANT_ID}/oauth2/v2.0/token`,
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: new URLSearchParams({ ...(form as Record<string, string>), scope: `${resource}/.default` }).toString(),
    });
    return (JSON.parse(answer.text) as { access_token: string }).access_token;
  };
  const [management, storage, postgres] = await Promise.all(
    ["https://management.azure.com", "https://storage.azure.com", "https://ossrdbms-aad.database.windows.net"].map(
      token,
    ),
  );
  const claims = JSON.parse(Buffer.from(postgres?.split(".")[1] ?? "", "base64url").toString()) as { oid: string };
  const { postgres: front } = JSON.parse(environment["LANYARD_HOOK"] ?? "{}") as { postgres?: { port: number } };
  return {
    subscription: tenant.status.subscriptionId,
    tenantId: tenant.status.tenantId,
    developer: claims.oid,
    arm: (method, path, body) =>
      wire.send({
        method,
        host: "management.azure.com",
        path,
        ...(management === undefined ? {} : { token: management }),
        ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
      }),
    blob: (request) =>
      wire.send({
        ...request,
        host: blobHost,
        headers: { "x-ms-version": "2025-01-05", ...request.headers },
        ...(storage === undefined ? {} : { token: storage }),
      }),
    connect: async () => {
      const client = new Client({
        host: "127.0.0.1",
        ...(front === undefined ? {} : { port: front.port }),
        user: "developer",
        ...(postgres === undefined ? {} : { password: postgres }),
        database: "postgres",
        ssl: { ca: wire.ca, servername: `${names.server}.postgres.database.azure.com` },
      });
      client.on("error", () => undefined);
      await client.connect();
      return client;
    },
    close: () => agent.destroy(),
  };
};
