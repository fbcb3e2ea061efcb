/**
 * `kill -9` under writers of a container that keeps all versions: the log and the items are written as one, so that after the
 * restart every item stands exactly where its log ends, and no acknowledged version is missing from it.
 */
import { randomInt } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { expect, it } from "vitest";
import { startTenantProcess, type TenantProcess } from "../../support/tenant-process.ts";
import { type Access, accessOf, createAccount } from "./access.ts";

const writers = 8;

interface Version {
  readonly current?: { readonly id: string; readonly n: number };
  readonly metadata: { readonly operationType: string; readonly id?: string };
}

/** Writes ever higher numbers, and now and then deletes, until the tenant is gone. @returns what was acknowledged last */
const write = async (access: Access, id: string, from: number): Promise<number> => {
  let acknowledged = from;
  try {
    for (let n = from + 1; ; n++) {
      // A delete counts as a step of its own.
      const gone = n % 5 === 0;
      const { status } = gone
        ? await access.data("logged", { method: "DELETE", path: `/docs/${id}`, key: id })
        : await access.data("logged", {
            key: id,
            body: { id, pk: id, n },
            headers: { "x-ms-documentdb-is-upsert": "true" },
          });
      if (status >= 300) throw new Error(`${id}/${n}: ${status}`);
      acknowledged = n;
    }
  } catch (error) {
    if (error instanceof Error && /: \d{3}$/.test(error.message)) throw error;
    return acknowledged;
  }
};

const readLog = async (access: Access): Promise<Version[]> => {
  const versions: Version[] = [];
  for (let etag = '"0"'; ;) {
    const answer = await access.data("logged", {
      method: "GET",
      headers: { "a-im": "Full-Fidelity Feed", "if-none-match": etag, "x-ms-max-item-count": "500" },
    });
    if (answer.status === 304) return versions;
    expect(answer.status, answer.text).toBe(200);
    versions.push(...(JSON.parse(answer.text) as { Documents: Version[] }).Documents);
    etag = String(answer.headers["etag"]);
  }
};

it("the log of versions ends where the items stand, whenever the tenant dies", { timeout: 120_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), "lanyard-versions-"));
  const state = join(folder, "state");
  const names = Array.from({ length: writers }, (_, index) => `w${index}`);
  const steps = new Map(names.map((id) => [id, 0]));
  let tenant: TenantProcess = await startTenantProcess({ state });
  let access = await accessOf(tenant, new Map());
  try {
    await createAccount(tenant, access);
    await access.arm(
      `/subscriptions/${tenant.status.subscriptionId}/resourceGroups/crash/providers/Microsoft.DocumentDB/databaseAccounts/crashdb/sqlDatabases/appdb/containers/logged`,
      {
        properties: {
          resource: {
            id: "logged",
            partitionKey: { paths: ["/pk"], kind: "Hash" },
            changeFeedPolicy: { retentionDuration: 600 },
          },
        },
      },
    );
    for (let round = 0; round < 2; round++) {
      const writing = Promise.all(names.map(async (id) => [id, await write(access, id, steps.get(id) ?? 0)] as const));
      await delay(randomInt(300, 900));
      await tenant.kill();
      access.close();
      const acknowledged = await writing;
      tenant = await startTenantProcess({ state });
      access = await accessOf(tenant, new Map());

      const log = await readLog(access);
      for (const [id, least] of acknowledged) {
        const told = log
          .filter(({ current, metadata }) => (current?.id ?? metadata.id) === id)
          .map(({ current, metadata }) => current?.n ?? metadata.operationType);
        // Every step once, in order, whatever became of the last one.
        expect(told).toEqual(told.map((_, index) => ((index + 1) % 5 === 0 ? "delete" : index + 1)));
        expect(told.length).toBeGreaterThanOrEqual(least);
        expect(told.length).toBeLessThanOrEqual(least + 1);
        const item = await access.data("logged", { method: "GET", path: `/docs/${id}`, key: id });
        const last = told.at(-1);
        expect([id, item.status]).toEqual([id, last === "delete" || last === undefined ? 404 : 200]);
        if (item.status === 200) expect((JSON.parse(item.text) as { n: number }).n).toBe(last);
        steps.set(id, told.length);
      }
    }
    expect([...steps.values()].every((count) => count > 0)).toBe(true);
    expect(tenant.output()).not.toContain("a failure of Lanyard itself");
  } finally {
    access.close();
    await tenant.kill();
    await rm(folder, { recursive: true, force: true });
  }
});
