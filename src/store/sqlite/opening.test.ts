import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Readable } from "node:stream";
import { afterAll, beforeEach, expect, test } from "vitest";
import { StateUnusable, type CollectionSpec } from "../store.ts";
import { openSqliteStore } from "./store.ts";

const top = mkdtempSync(join(tmpdir(), "lanyard-opening-"));
afterAll(() => rmSync(top, { recursive: true, force: true }));

const key = Buffer.alloc(32, 1);
const vault: CollectionSpec<{ readonly name: string; readonly password: string }> = {
  name: "vault",
  sealed: ["password"],
};
let directory = "";
let number = 0;
beforeEach(() => {
  directory = join(top, `state-${++number}`);
});
const open = (sealingKey: Uint8Array = key) => openSqliteStore({ directory, key: sealingKey });
async function* large(): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < 4; i++) yield Buffer.alloc(50_000, i);
}

test("what was written is there when the store is opened again", async () => {
  const first = open();
  const put = await first.collection(vault).put("p", "k", { name: "n", password: "hunter2" });
  await first.close();
  const second = open();
  expect(await second.collection(vault).get("p", "k")).toEqual(put);
  expect((await second.collection(vault).put("p", "k", put.value)).sequence).toBe(put.sequence + 1);
  await second.close();
});

test("files are 0600 and folders 0700, whatever the umask", async () => {
  const before = process.umask(0);
  try {
    const store = open();
    await store.collection(vault).put("p", "k", { name: "n", password: "x" });
    const upload = await store.bytes.receive(large());
    await store.transact([], async (tx) => tx.attach(upload));
    const names = readdirSync(directory, { recursive: true, encoding: "utf8" });
    expect(names).toEqual(expect.arrayContaining(["store.db", "store.db-wal", "store.lock", `contents/${upload.ref}`]));
    for (const name of ["", ...names]) {
      const stat = statSync(join(directory, name));
      expect([name, (stat.mode & 0o777).toString(8)]).toEqual([name, stat.isDirectory() ? "700" : "600"]);
    }
    await store.close();
  } finally {
    process.umask(before);
  }
});

test("sealed members are on disk only as ciphertext, and another key does not open them", async () => {
  const store = open();
  await store.collection(vault).put("p", "k", { name: "visible-name", password: "correct horse battery" });
  await store.close();
  const stored = readFileSync(join(directory, "store.db"), "latin1");
  expect(stored).toContain("visible-name");
  expect(stored).not.toContain("correct horse");
  const other = open(Buffer.alloc(32, 2));
  await expect(other.collection(vault).get("p", "k")).rejects.toThrow(/key file is not the one/);
  await other.close();
  expect(() => open(Buffer.alloc(16))).toThrow(/needs 32/);
});

test("a sealed value moved to another entry does not open", async () => {
  const store = open();
  await store.collection(vault).put("p", "mine", { name: "n", password: "a" });
  await store.collection(vault).put("p", "theirs", { name: "n", password: "b" });
  await store.close();
  const database = new DatabaseSync(join(directory, "store.db"));
  database.exec("update rows set value = (select value from rows where key = 'theirs') where key = 'mine'");
  database.close();
  const again = open();
  await expect(again.collection(vault).get("p", "mine")).rejects.toThrow(/does not open/);
  expect((await again.collection(vault).get("p", "theirs"))?.value.password).toBe("b");
  await again.close();
});

test("a damaged database is named as such, at opening or at first use", async () => {
  const store = open();
  for (let i = 0; i < 500; i++)
    void store.collection(vault).put("p", `k${i}`, { name: "n".repeat(100), password: "x" });
  await store.close();
  const path = join(directory, "store.db");
  const content = readFileSync(path);
  writeFileSync(path, Buffer.from("this is no database file".repeat(1000)));
  expect(open).toThrow(StateUnusable);
  expect(open).toThrow(/store\.db is damaged/);
  writeFileSync(path, Buffer.concat([content.subarray(0, 4096), Buffer.alloc(content.length - 4096, 0xff)]));
  const reading = async () => open().collection(vault).list("p");
  await expect(reading()).rejects.toThrow(/store\.db is damaged/);
});

test("a newer schema, and a database of something else, are refused and left alone", async () => {
  await open().close();
  const path = join(directory, "store.db");
  const change = (sql: string) => {
    const database = new DatabaseSync(path);
    database.exec(sql);
    database.close();
  };
  change("pragma user_version = 2");
  expect(open).toThrow(/schema version 2.*newer Lanyard/);
  rmSync(directory, { recursive: true });
  await open().close();
  rmSync(path);
  change("create table somebody (x)");
  expect(open).toThrow(/database of something else/);
});

test("a state folder that is open cannot be opened a second time until it is closed", async () => {
  const store = open();
  expect(open).toThrow(/open in another process/);
  await store.close();
  await open().close();
});

test("an upload that was never attached leaves no file after the next opening, attached ones stay", async () => {
  const store = open();
  const kept = await store.bytes.receive(large());
  await store.transact([], async (tx) => tx.attach(kept));
  const lost = await store.bytes.receive(large());
  const files = () => readdirSync(join(directory, "contents"));
  expect(files()).toContain(lost.ref);
  await store.close();
  const again = open();
  await expect.poll(files).toEqual([kept.ref]);
  await again.close();
});

test("a stream that fails half-way leaves no file", async () => {
  const store = open();
  const failing = async function* (): AsyncGenerator<Uint8Array> {
    yield* large();
    throw new Error("the client went away");
  };
  await expect(store.bytes.receive(failing())).rejects.toThrow("the client went away");
  await expect(store.bytes.receive(large(), { limit: 150_000 })).rejects.toThrow(/larger than 150000/);
  expect(readdirSync(join(directory, "contents"))).toEqual([]);
  await store.close();
});

test("a released file is gone after the commit", async () => {
  const store = open();
  const upload = await store.bytes.receive(large());
  await store.transact([], async (tx) => tx.attach(upload));
  await store.transact([], async (tx) => tx.release(upload.ref));
  await expect.poll(() => readdirSync(join(directory, "contents"))).toEqual([]);
  await store.close();
});

test("a content released while a stream held it goes at the next opening, when the process ends before the stream", async () => {
  const store = open();
  const uploads = [
    await store.bytes.receive(large()),
    await store.bytes.receive(Readable.from([Buffer.from("small")])),
  ];
  await store.transact([], async (tx) => uploads.forEach((upload) => tx.attach(upload)));
  store.bytes.join(uploads);
  await store.transact([], async (tx) => uploads.forEach((upload) => tx.release(upload.ref)));
  const files = () => readdirSync(join(directory, "contents"));
  expect(files()).toHaveLength(1);
  await store.close();
  const again = open();
  await expect.poll(files).toEqual([]);
  expect(await again.bytes.inline(uploads[1]?.ref ?? "")).toBeUndefined();
  await again.close();
});

test("one write that the database refuses fails alone; its neighbours in the group are kept", async () => {
  const store = open();
  const c = store.collection(vault);
  // The table forbids it: a way to make SQLite itself fail in the middle of a group.
  const upload = await store.bytes.receive(large());
  const database = new DatabaseSync(join(directory, "store.db"));
  database.exec(`insert into files (ref) values ('${upload.ref}')`);
  database.close();
  const results = await Promise.allSettled([
    c.put("p", "a", { name: "a", password: "" }),
    store.transact(["p"], async (tx) => {
      await tx.collection(vault).put("p", "b", { name: "b", password: "" });
      tx.attach(upload);
    }),
    c.put("p", "c", { name: "c", password: "" }),
  ]);
  expect(results.map((result) => result.status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  expect((await c.list("p")).map((entry) => [entry.key, entry.sequence])).toEqual([
    ["a", 1],
    ["c", 2],
  ]);
  await store.close();
});
