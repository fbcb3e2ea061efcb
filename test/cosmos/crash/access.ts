/** The account that is written to while its tenant dies, and requests to both of its planes as the developer. */
import { randomUUID } from "node:crypto";
import { Agent } from "node:https";
import type { TenantProcess } from "../../support/tenant-process.ts";
import { type WireAnswer, wireOf } from "../../support/wire.ts";
import { contributor } from "../world.ts";

const account = "crashdb";

export interface DataRequest {
  readonly method?: string;
  /** Below the container, `/docs` by default. */
  readonly path?: string;
  readonly body?: unknown;
  readonly key?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Access {
  /** The data plane of a container. Every answer's LSN goes into `highest`. */
  readonly data: (container: string, request: DataRequest) => Promise<WireAnswer>;
  readonly arm: (path: string, body: unknown) => Promise<void>;
  readonly developer: string;
  close(): void;
}

/** The highest LSN that anybody was told, by container. */
export type Highest = Map<string, number>;

/** What an answer's session token tells. */
export const lsnOf = ({ headers }: WireAnswer): number =>
  Number(/^0:-1#(\d+)$/.exec(String(headers["x-ms-session-token"]))?.[1] ?? Number.NaN);

export const accessOf = async (tenant: TenantProcess, highest: Highest): Promise<Access> => {
  const env = await tenant.environment();
  const agent = new Agent({ keepAlive: true });
  const wire = wireOf(env, agent);
  const token = async (resource: string): Promise<string> => {
    const form = {
      grant_type: "client_credentials",
      client_id: env["AZURE_CLIENT_ID"] ?? "",
      client_secret: env["AZURE_CLIENT_SECRET"] ?? "",
      scope: `${resource}/.default`,
    };
    const { text } = await wire.send({
      method: "POST",
      host: "login.microsoftonline.com",
      path: `/${env["AZURE_TENANT_ID"]}/oauth2/v2.0/token`,
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: new URLSearchParams(form).toString(),
    });
    return (JSON.parse(text) as { access_token: string }).access_token;
  };
  const [management = "", data = ""] = await Promise.all(
    ["https://management.azure.com", "https://cosmos.azure.com"].map(token),
  );
  const claims = JSON.parse(Buffer.from(data.split(".")[1] ?? "", "base64url").toString()) as { oid: string };
  return {
    developer: claims.oid,
    arm: async (path, body) => {
      const { status, text } = await wire.send({
        method: "PUT",
        host: "management.azure.com",
        path: `${path}?api-version=2024-11-15`,
        token: management,
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      });
      if (status >= 300) throw new Error(`${path}: ${status} ${text}`);
    },
    data: async (container, { method = "POST", path = "/docs", body, key, headers = {} }) => {
      const answer = await wire.send({
        method,
        host: `${account}.documents.azure.com`,
        path: `/dbs/appdb/colls/${container}${path}`,
        headers: {
          authorization: encodeURIComponent(`type=aad&ver=1.0&sig=${data}`),
          "content-type": "application/json",
          "x-ms-version": "2020-07-15",
          ...(key === undefined ? {} : { "x-ms-documentdb-partitionkey": JSON.stringify([key]) }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const lsn = lsnOf(answer);
      if (lsn > (highest.get(container) ?? 0)) highest.set(container, lsn);
      return answer;
    },
    close: () => agent.destroy(),
  };
};

const together = `function (pk, ids, value, text) {
  for (const id of ids) __.upsertDocument(__.getSelfLink(), { id, pk, value, text });
}`;

/** An account with the containers `busy`, which is written to, and `still`, which is not. */
export const createAccount = async (tenant: TenantProcess, access: Access): Promise<void> => {
  const group = `/subscriptions/${tenant.status.subscriptionId}/resourceGroups/crash`;
  const id = `${group}/providers/Microsoft.DocumentDB/databaseAccounts/${account}`;
  await access.arm(group, { location: "eastus" });
  await access.arm(id, { location: "eastus", properties: { databaseAccountOfferType: "Standard" } });
  await access.arm(`${id}/sqlDatabases/appdb`, { properties: { resource: { id: "appdb" } } });
  for (const name of ["busy", "still"])
    await access.arm(`${id}/sqlDatabases/appdb/containers/${name}`, {
      properties: { resource: { id: name, partitionKey: { paths: ["/pk"], kind: "Hash" } } },
    });
  await access.arm(`${id}/sqlDatabases/appdb/containers/busy/storedProcedures/together`, {
    properties: { resource: { id: "together", body: together } },
  });
  await access.arm(`${id}/sqlRoleAssignments/${randomUUID()}`, {
    properties: {
      roleDefinitionId: `${id}/sqlRoleDefinitions/${contributor}`,
      principalId: access.developer,
      scope: id,
    },
  });
};
