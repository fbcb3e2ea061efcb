/**
 * `kill -9` of the tenant at random moments under sixteen writers: whatever was acknowledged is there after the restart, what
 * was under way is there whole or not at all, and no process is left. LANYARD_CRASH_ROUNDS sets the number of kills.
 */
import { randomInt } from "node:crypto";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import {
  descendants,
  processesIn,
  spawnTenant,
  startTenantProcess,
  survivors,
  type TenantProcess,
} from "../support/tenant-process.ts";
import { type Access, accessOf, hash, names } from "./access.ts";
import { type Ledger, openLedger } from "./ledger.ts";
import { readKey, startWriters } from "./writers.ts";

const rounds = Number(process.env["LANYARD_CRASH_ROUNDS"] ?? 2);

const kinds = ["blob", "row", "group", "identity", "assignment"] as const;

let folder: string;
let state: string;
let tenant: TenantProcess;
let access: Access;
const ledger: Ledger = openLedger();

const open = async (): Promise<void> => {
  tenant = await startTenantProcess({ state });
  access = await accessOf(tenant);
};

/** Kills the tenant, and sees that everything that it had started goes as well. */
const kill = async (): Promise<void> => {
  const children = descendants(tenant.pid);
  await tenant.kill();
  access.close();
  expect(await survivors(children)).toEqual([]);
  expect(await survivors(processesIn(state))).toEqual([]);
};

const succeed = async (method: string, path: string, body?: unknown): Promise<void> => {
  const answer = await access.arm(method, path, body);
  expect(answer.status, `${method} ${path}: ${answer.text}`).toBeLessThan(300);
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lanyard-crash-"));
  state = join(folder, "state");
  await open();
  const group = `/subscriptions/${access.subscription}/resourceGroups/${names.group}`;
  const account = `${group}/providers/Microsoft.Storage/storageAccounts/${names.account}`;
  const server = `${group}/providers/Microsoft.DBforPostgreSQL/flexibleServers/${names.server}`;
  const owner = `/subscriptions/${access.subscription}/providers/Microsoft.Authorization/roleDefinitions/b7e6dc6d-f1e8-4753-8033-0f276bb0955b`;
  await succeed("PUT", `${group}?api-version=2021-04-01`, { location: "eastus" });
  await succeed("PUT", `${account}?api-version=2023-05-01`, {
    location: "eastus",
    kind: "StorageV2",
    sku: { name: "Standard_LRS" },
  });
  await succeed("PUT", `${account}/blobServices/default/containers/${names.container}?api-version=2023-05-01`, {});
  await succeed(
    "PUT",
    `${account}/providers/Microsoft.Authorization/roleAssignments/${crypto.randomUUID()}?api-version=2022-04-01`,
    {
      properties: { roleDefinitionId: owner, principalId: access.developer, principalType: "ServicePrincipal" },
    },
  );
  await succeed("PUT", `${server}?api-version=2024-08-01`, {
    location: "eastus",
    sku: { name: "Standard_B1ms", tier: "Burstable" },
    properties: {
      version: "17",
      storage: { storageSizeGB: 32 },
      authConfig: { activeDirectoryAuth: "Enabled", passwordAuth: "Disabled", tenantId: access.tenantId },
      createMode: "Create",
    },
  });
  await until(async () => (await access.arm("GET", `${server}?api-version=2024-08-01`)).text.includes('"Ready"'));
  await succeed("PUT", `${server}/administrators/${access.developer}?api-version=2024-08-01`, {
    properties: { principalName: "developer", principalType: "ServicePrincipal", tenantId: access.tenantId },
  });
  await until(async () => {
    const client = await access.connect().catch(() => undefined);
    await client?.query("CREATE TABLE kept (id text, half int, content text, PRIMARY KEY (id, half))");
    await client?.end();
    return client !== undefined;
  });
}, 120_000);
afterAll(async () => {
  await kill();
  await rm(folder, { recursive: true, force: true });
});

const until = async (done: () => Promise<boolean>): Promise<void> => {
  const end = performance.now() + 60_000;
  while (!(await done())) {
    if (performance.now() > end) throw new Error("It did not come to pass in a minute.");
    await delay(100);
  }
};

/** Compares what is there with what the writers were told. */
const check = async (keys: readonly string[]): Promise<readonly string[]> => {
  const complaints: string[] = [];
  const client = await access.connect();
  const found = await client.query<{ id: string; halves: string; content: string }>(
    "SELECT id, count(*) AS halves, string_agg(content, '') AS content FROM kept GROUP BY id",
  );
  await client.end();
  const rows = new Map(found.rows.map(({ id, content }) => [`row/${id}`, hash(content)]));
  const known = new Set(ledger.keys());
  complaints.push(...[...rows.keys()].filter((key) => !known.has(key)).map((key) => `${key} was written by nobody`));
  for (const key of keys) {
    const value = key.startsWith("row/") ? (rows.get(key) ?? "absent") : await readKey(access, key);
    complaints.push(...[ledger.settle(key, value) ?? []].flat());
  }
  return complaints;
};

/** A start that is itself cut off: recovery must survive a crash too. */
const startAndKill = async (milliseconds: number): Promise<void> => {
  const child = spawnTenant({ state });
  const gone = new Promise((resolve) => child.once("exit", resolve));
  await delay(milliseconds);
  const children = child.pid === undefined ? [] : descendants(child.pid);
  child.kill("SIGKILL");
  await gone;
  expect(await survivors(children)).toEqual([]);
};

it(
  `loses nothing that was acknowledged in ${rounds} kills, and leaves nothing half-written and nobody behind`,
  async () => {
    for (let round = 1; round <= rounds; round += 1) {
      const writing = startWriters(access, ledger, round);
      // Something of each kind must have been acknowledged for its loss to be noticed.
      if (round === 1) await until(async () => kinds.every((kind) => ledger.holds(kind)));
      await delay(randomInt(50, 1500));
      await kill();
      expect(await writing, tenant.output().slice(-3000)).toEqual([]);
      if (round % 4 === 2) await startAndKill(randomInt(10, 1200));
      await open();
      expect(await check(ledger.touched()), `after kill ${round}`).toEqual([]);
    }
    // Everything of every round once more, and the disk itself.
    expect(await check(ledger.keys())).toEqual([]);
    expect(await readdir(join(state, "store"))).not.toContain("store.db-journal");
    for (const kind of kinds)
      expect(ledger.keys().filter((key) => key.startsWith(`${kind}/`)).length, kind).toBeGreaterThan(0);
    expect(tenant.output()).not.toContain("a failure of Lanyard itself");
    process.stdout.write(`${rounds} kills, ${ledger.acknowledged} acknowledged writes, all there\n`);
  },
  60_000 + rounds * 30_000,
);
