/**
 * `kill -9` of the tenant at random moments under sixteen writers of items, batches, stored procedures, bulk requests and patches: every
 * acknowledged write is there after the restart, no batch is there in part, tokens go on where they were taken, and LSNs go
 * forward only. LANYARD_CRASH_ROUNDS sets the number of kills.
 */
import { randomInt } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { absent, openLedger } from "../../crash/ledger.ts";
import { spawnTenant, startTenantProcess, type TenantProcess } from "../../support/tenant-process.ts";
import { type Access, accessOf, createAccount, type Highest, lsnOf } from "./access.ts";
import { type Item, pagesOf, readAll, readChanges, readPage, type Reading } from "./feeds.ts";
import { kindNames, type Notes, startWriters } from "./writers.ts";

const rounds = Number(process.env["LANYARD_CRASH_ROUNDS"] ?? 2);

let folder: string;
let state: string;
let tenant: TenantProcess;
let access: Access;
const highest: Highest = new Map();
const notes: Notes = { ledger: openLedger(), batches: new Map(), feed: 0, fresh: new Set() };

const open = async (): Promise<void> => {
  tenant = await startTenantProcess({ state });
  access = await accessOf(tenant, highest);
};

const stillIds = Array.from({ length: 60 }, (_, index) => `still-${String(index).padStart(2, "0")}`);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lanyard-cosmos-crash-"));
  state = join(folder, "state");
  await open();
  await createAccount(tenant, access);
  for (const id of stillIds) {
    const made = await access.data("still", {
      key: id,
      body: { id, pk: id, value: id, even: Number(id.slice(-1)) % 2 },
    });
    expect(made.status, made.text).toBe(201);
  }
});
afterAll(async () => {
  access.close();
  await tenant.kill();
  await rm(folder, { recursive: true, force: true });
});

const readings: readonly Reading[] = [
  { size: 7 },
  { size: 7, query: "SELECT * FROM c WHERE c.even = 0" },
  { size: 7, query: "SELECT * FROM c ORDER BY c.value DESC" },
];

interface Begun {
  readonly reading: Reading;
  readonly ids: readonly string[];
}

/** First pages, and where they end. */
const beginReadings = (): Promise<Begun[]> =>
  Promise.all(
    readings.map(async (reading) => {
      const { items, token } = await readPage(access, "still", reading);
      expect(token).toBeDefined();
      return { reading: { ...reading, ...(token === undefined ? {} : { token }) }, ids: items.map(({ id }) => id) };
    }),
  );

/** The rest of a reading is what it would have been: nothing twice, nothing left out, in order. */
const endReading = async ({ reading, ids }: Begun): Promise<void> => {
  const { token: _, ...whole } = reading;
  const read = async (from: Reading): Promise<string[]> => {
    const found: string[] = [];
    for await (const { items } of pagesOf(access, "still", from)) found.push(...items.map(({ id }) => id));
    return found;
  };
  expect([...ids, ...(await read(reading))]).toEqual(await read(whole));
};

const busyItem = async (key: string): Promise<Item | undefined> => {
  const [pk = "", id = ""] = key.split("/");
  const answer = await access.data("busy", { method: "GET", path: `/docs/${id}`, key: pk });
  expect([200, 404], answer.text).toContain(answer.status);
  return answer.status === 404 ? undefined : (JSON.parse(answer.text) as Item);
};

/** What is wrong with what is there. Of a key that did not change the feed says nothing: it is read by itself. */
const check = async (keys: readonly string[], found: ReadonlyMap<string, Item>): Promise<readonly string[]> => {
  const complaints: string[] = [];
  const values = new Map<string, string>();
  for (const key of keys) values.set(key, (found.get(key) ?? (await busyItem(key)))?.value ?? absent);
  for (const [name, together] of notes.batches) {
    const there = together.filter(({ key, value }) => values.get(key) === value).length;
    if (there !== 0 && there !== together.length) complaints.push(`${name}: ${there} of ${together.length} of a batch`);
  }
  notes.batches.clear();
  for (const [key, value] of values) complaints.push(...[notes.ledger.settle(key, value) ?? []].flat());
  return complaints;
};

/** A start that is itself cut off. */
const startAndKill = async (milliseconds: number): Promise<void> => {
  const child = spawnTenant({ state });
  const gone = new Promise((resolve) => child.once("exit", resolve));
  await delay(milliseconds);
  child.kill("SIGKILL");
  await gone;
};

it(
  `loses nothing in ${rounds} kills, keeps no batch in part, and goes on from where it was`,
  async () => {
    let feed: string | undefined;
    for (let round = 1; round <= rounds; round++) {
      const writing = startWriters(access, notes, round);
      if (round === 1)
        // Something of each kind must have been acknowledged for its loss to be noticed.
        await expect
          .poll(() => kindNames.every((name) => notes.ledger.holds(`${name}-0-r1`)), { timeout: 20_000 })
          .toBe(true);
      await delay(randomInt(50, 700));
      const begun = await beginReadings();
      // Taken while the writers are at it.
      const middle = await readChanges(access, feed);
      notes.fresh.clear();
      notes.feed++;
      await delay(randomInt(0, 700));
      await tenant.kill();
      access.close();
      expect(await writing, tenant.output().slice(-3000)).toEqual([]);
      if (round % 4 === 2) await startAndKill(randomInt(10, 1200));
      const told = new Map(highest);
      await open();

      // Before anything else: an old item of a container that was not written to, then one that was.
      const old = await access.data("still", { method: "GET", path: `/docs/${stillIds[0]}`, key: stillIds[0] ?? "" });
      expect(lsnOf(old)).toBeGreaterThanOrEqual(told.get("still") ?? 0);
      const counter = await access.data("busy", { method: "GET", path: "/docs/counter", key: "patches-0-r1" });
      expect(lsnOf(counter)).toBeGreaterThanOrEqual(told.get("busy") ?? 0);

      const after = await readChanges(access, middle.etag);
      // What was written after the token was taken comes after it.
      expect([...notes.fresh].filter((key) => !after.items.has(key))).toEqual([]);
      expect(await check(notes.ledger.touched(), after.items), `after kill ${round}`).toEqual([]);
      for (const each of begun) await endReading(each);
      const next = await access.data("busy", { key: "after", body: { id: `after-${round}`, pk: "after", value: "" } });
      expect(next.status, next.text).toBe(201);
      expect(lsnOf(next)).toBeGreaterThan(told.get("busy") ?? 0);
      feed = after.etag;
    }
    // Everything of every round once more, by the feed of items and by that of changes.
    const all = await readAll(access);
    expect([...(await readChanges(access, undefined)).items.keys()].toSorted()).toEqual([...all.keys()].toSorted());
    const { ledger } = notes;
    const known = new Set(ledger.keys());
    expect([...all.keys()].filter((key) => !known.has(key) && !key.startsWith("after/"))).toEqual([]);
    const wrong = ledger.keys().flatMap((key) => ledger.settle(key, all.get(key)?.value ?? absent) ?? []);
    expect(wrong).toEqual([]);
    for (const { value, count, id } of all.values()) if (id === "counter") expect(String(count)).toBe(value);
    expect(tenant.output()).not.toContain("a failure of Lanyard itself");
    process.stdout.write(`${rounds} kills, ${ledger.acknowledged} acknowledged writes, all there\n`);
  },
  60_000 + rounds * 20_000,
);
