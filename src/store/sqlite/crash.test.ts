/** `kill -9` under load. LANYARD_CRASH_ROUNDS sets how often (default 4). */
import { spawn } from "node:child_process";
import { createHash, randomInt } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { buffer } from "node:stream/consumers";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, expect, test } from "vitest";
import { crashKey, crashPartition, documents, twins } from "./crash-writer.test-support.ts";
import { openSqliteStore } from "./store.ts";

const rounds = Number(process.env["LANYARD_CRASH_ROUNDS"] ?? 4);
const directory = mkdtempSync(join(tmpdir(), "lanyard-crash-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Lets writers work until a random moment and kills them; records the newest acknowledged version of each key. */
const runAndKill = async (first: number, acknowledged: Map<string, number>): Promise<void> => {
  const script = join(import.meta.dirname, "crash-writer.test-support.ts");
  const child = spawn(process.execPath, [script, directory, String(first)], { stdio: ["ignore", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout });
  let killed = false;
  for await (const line of lines) {
    const [key = "", version] = line.split(" ");
    // A line cut off by the kill acknowledges nothing that a test can name.
    if (version === undefined || !/^\d{7,}$/.test(version)) continue;
    acknowledged.set(key, Math.max(Number(version), acknowledged.get(key) ?? 0));
    if (killed) continue;
    killed = true;
    void sleep(randomInt(400)).then(() => child.kill("SIGKILL"));
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  expect(child.signalCode).toBe("SIGKILL");
};

test(
  "after kill -9 every acknowledged write is there with its bytes, and none is half-written",
  async () => {
    const acknowledged = new Map<string, number>();
    for (let round = 0; round < rounds; round++) {
      await runAndKill((round + 1) * 1_000_000, acknowledged);

      const store = openSqliteStore({ directory, key: crashKey });
      const found = await store.collection(documents).list(crashPartition);
      const twin = new Map((await store.collection(twins).list(crashPartition)).map((e) => [e.key, e.value]));
      const versions = new Map(found.map((entry) => [entry.key, entry.value.version]));
      for (const [key, version] of acknowledged) expect(versions.get(key) ?? 0).toBeGreaterThanOrEqual(version);
      expect(twin).toEqual(versions);
      for (const { key, value } of found) {
        const md5 = createHash("md5").update(await buffer(store.bytes.read(value.ref)));
        expect(md5.digest("hex"), key).toBe(value.md5);
        expect(await store.collection(documents).find(crashPartition, "byRef", value.ref)).toHaveLength(1);
      }
      await store.close();
    }
    expect(acknowledged.size).toBeGreaterThan(16);

    // Opening collects orphans in the background; let one opening do so undisturbed.
    const store = openSqliteStore({ directory, key: crashKey });
    const kept = (await store.collection(documents).list(crashPartition)).map((entry) => entry.value.ref).sort();
    const onDisk = (): string[] => {
      const database = new DatabaseSync(join(directory, "store.db"), { readOnly: true });
      const inline = database.prepare("select ref from contents").all();
      database.close();
      return [...inline.map(({ ref }) => String(ref)), ...readdirSync(join(directory, "contents"))].sort();
    };
    await expect.poll(onDisk, { timeout: 5000 }).toEqual(kept);
    await store.close();
  },
  30_000 + rounds * 5000,
);
