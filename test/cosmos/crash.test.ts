/**
 * `kill -9` under sixteen writers: every acknowledged item is there after the restart, no batch in part, continuation tokens
 * go on and LSNs only forward.
 */
import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { Agent } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startTenantProcess, type TenantProcess } from "../support/tenant-process.ts";
import { type WireAnswer, wireOf } from "../support/wire.ts";
import { contributor } from "./world.ts";

const account = "crashdb";
const docs = "/dbs/appdb/colls/items/docs";

interface Access {
  readonly developer: string;
  arm(method: string, path: string, body?: unknown): Promise<WireAnswer>;
  /** The data plane, as the developer. */
  send(path: string, body: unknown, headers?: Readonly<Record<string, string>>, method?: string): Promise<WireAnswer>;
  close(): void;
}

const accessOf = async (tenant: TenantProcess): Promise<Access> => {
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
    arm: (method, path, body) =>
      wire.send({
        method,
        host: "management.azure.com",
        path: `${path}?api-version=2024-11-15`,
        token: management,
        headers: { "content-type": "application/json" },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
    send: (path, body, headers = {}, method = "POST") =>
      wire.send({
        method,
        host: `${account}.documents.azure.com`,
        path,
        headers: {
          authorization: encodeURIComponent(`type=aad&ver=1.0&sig=${data}`),
          "content-type": "application/json",
          "x-ms-version": "2020-07-15",
          ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
    close: () => agent.destroy(),
  };
};

let folder: string;
let tenant: TenantProcess;
let access: Access;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lanyard-cosmos-crash-"));
  tenant = await startTenantProcess({ state: join(folder, "state") });
  access = await accessOf(tenant);
  const group = `/subscriptions/${tenant.status.subscriptionId}/resourceGroups/crash`;
  const id = `${group}/providers/Microsoft.DocumentDB/databaseAccounts/${account}`;
  const must = async (path: string, body: unknown): Promise<void> => {
    const { status, text } = await access.arm("PUT", path, body);
    expect(status, `${path}: ${text}`).toBeLessThan(300);
  };
  await must(group, { location: "eastus" });
  await must(id, { location: "eastus", properties: { databaseAccountOfferType: "Standard" } });
  await must(`${id}/sqlDatabases/appdb`, { properties: { resource: { id: "appdb" } } });
  await must(`${id}/sqlDatabases/appdb/containers/items`, {
    properties: { resource: { id: "items", partitionKey: { paths: ["/pk"], kind: "Hash" } } },
  });
  await must(`${id}/sqlRoleAssignments/${randomUUID()}`, {
    properties: {
      roleDefinitionId: `${id}/sqlRoleDefinitions/${contributor}`,
      principalId: access.developer,
      scope: id,
    },
  });
});
afterAll(async () => {
  access.close();
  await tenant.kill();
  await rm(folder, { recursive: true, force: true });
});

const key = (pk: string) => ({ "x-ms-documentdb-partitionkey": JSON.stringify([pk]) });
const lsnOf = ({ headers }: WireAnswer): number => Number(headers["lsn"]);

interface Found {
  readonly ids: Set<string>;
  readonly lsn: number;
}

/** All items, page by page; from a token on. */
const readAll = async (token = ""): Promise<Found> => {
  const ids = new Set<string>();
  let continuation = token;
  let lsn = 0;
  do {
    const answer = await access.send(
      docs,
      undefined,
      { "x-ms-max-item-count": "500", "x-ms-continuation": continuation },
      "GET",
    );
    expect(answer.status, answer.text).toBe(200);
    for (const { id } of (JSON.parse(answer.text) as { Documents: { id: string }[] }).Documents) ids.add(id);
    continuation = String(answer.headers["x-ms-continuation"] ?? "");
    lsn = lsnOf(answer);
  } while (continuation !== "");
  return { ids, lsn };
};

it("loses nothing that was acknowledged, keeps no batch in part, and goes on from where it was", async () => {
  const acknowledged = new Set<string>();
  const begun: string[][] = [];
  let highest = 0;
  const faults: string[] = [];
  const writer = async (name: string): Promise<void> => {
    for (let turn = 0; ; turn++) {
      const ids = turn % 3 === 0 ? [0, 1, 2].map((part) => `${name}-${turn}-${part}`) : [`${name}-${turn}`];
      begun.push(ids);
      const items = ids.map((id) => ({ id, pk: name, text: "x".repeat(200) }));
      const answer =
        ids.length === 1
          ? await access.send(docs, items[0], key(name))
          : await access.send(
              docs,
              items.map((resourceBody) => ({ operationType: "Create", resourceBody })),
              { ...key(name), "x-ms-cosmos-is-batch-request": "true", "x-ms-cosmos-batch-atomic": "true" },
            );
      if (answer.status >= 300) {
        faults.push(answer.text);
        return;
      }
      for (const id of ids) acknowledged.add(id);
      highest = Math.max(highest, lsnOf(answer));
    }
  };
  for (let round = 0; round < 2; round++) {
    const writers = Array.from({ length: 16 }, (_, index) => writer(`r${round}w${index}`).catch(() => undefined));
    await delay(700);
    const page = await access.send(docs, undefined, { "x-ms-max-item-count": "20" }, "GET");
    const firstPage = (JSON.parse(page.text) as { Documents: { id: string }[] }).Documents.map(({ id }) => id);
    const token = String(page.headers["x-ms-continuation"]);
    await delay(300);
    await tenant.kill();
    access.close();
    await Promise.all(writers);
    expect(faults).toEqual([]);
    tenant = await startTenantProcess({ state: join(folder, "state") });
    access = await accessOf(tenant);

    const found = await readAll();
    expect([...acknowledged].filter((id) => !found.ids.has(id))).toEqual([]);
    for (const ids of begun) {
      const there = ids.filter((id) => found.ids.has(id)).length;
      expect([0, ids.length]).toContain(there);
    }
    expect(found.lsn).toBeGreaterThanOrEqual(highest);
    const rest = await readAll(token);
    expect(firstPage.some((id) => rest.ids.has(id))).toBe(false);
    const next = await access.send(docs, { id: `after-${round}`, pk: "a" }, key("a"));
    expect(lsnOf(next)).toBeGreaterThan(highest);
  }
  expect(acknowledged.size).toBeGreaterThan(100);
});
