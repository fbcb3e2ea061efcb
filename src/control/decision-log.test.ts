import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Decision } from "../kernel/decision.ts";
import { logFileName, openDecisionLog } from "./decision-log.ts";
import type { LogEntry } from "./log-entry.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lanyard-log-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const decision = (change: Partial<Decision> = {}): Decision => ({
  id: "1",
  time: Date.UTC(2026, 0, 2, 3, 4, 5),
  service: "blob",
  operation: "PutBlob",
  method: "PUT",
  host: "acme.blob.core.windows.net",
  path: "/photos/a.png",
  caller: {
    kind: "principal",
    objectId: "oid-1",
    tenantId: "t",
    type: "ServicePrincipal",
    appId: "app",
    name: "",
    groups: [],
    claims: { secret: "claim" },
  },
  checks: [],
  status: 201,
  milliseconds: 1.234,
  ...change,
});

const written = (name = logFileName): LogEntry[] =>
  readFileSync(join(folder, name), "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as LogEntry);

describe("the decision log", () => {
  it("writes behind, in order, to a file that nobody else can read", async () => {
    const log = openDecisionLog({ folder });
    for (let index = 0; index < 500; index += 1) log.record(decision({ id: String(index) }));
    expect(written()).toEqual([]);
    await log.settle();
    expect(written().map((entry) => entry.id)).toEqual(Array.from({ length: 500 }, (_, index) => String(index)));
    expect(statSync(join(folder, logFileName)).mode & 0o777).toBe(0o600);
    log.close();
  });

  it("keeps a bounded number in memory, and writes the rest at the close", () => {
    const log = openDecisionLog({ folder, keep: 10, delay: 1_000_000 });
    for (let index = 0; index < 100; index += 1) log.record(decision({ id: String(index) }));
    log.close();
    expect(log.recent(1000).map((entry) => entry.id)).toEqual(
      Array.from({ length: 10 }, (_, index) => String(90 + index)),
    );
    expect(written()).toHaveLength(100);
  });

  it("puts a file aside when it has grown, and holds one of these at most", async () => {
    const log = openDecisionLog({ folder, maximumBytes: 2000 });
    for (let round = 0; round < 4; round += 1) {
      for (let index = 0; index < 10; index += 1) log.record(decision({ id: `${round}-${index}` }));
      await log.settle();
    }
    log.close();
    expect(written()).toEqual([]);
    expect(written(`${logFileName}.1`).map((entry) => entry.id.slice(0, 1))).toEqual(Array(10).fill("3"));
  });

  it("tells followers each entry once, until they leave", async () => {
    const log = openDecisionLog({ folder });
    const heard: string[] = [];
    const leave = log.follow((entry) => heard.push(entry.id));
    log.record(decision({ id: "a" }));
    await log.settle();
    leave();
    log.record(decision({ id: "b" }));
    await log.settle();
    expect(heard).toEqual(["a"]);
    log.close();
  });

  it("asks once what a principal is called, and keeps no claims", async () => {
    const log = openDecisionLog({ folder });
    const asked: string[] = [];
    log.nameBy((objectId) => {
      asked.push(objectId);
      return Promise.resolve("my-app");
    });
    log.record(decision());
    log.record(decision());
    await log.settle();
    log.record(decision());
    await log.settle();
    log.close();
    expect(asked).toEqual(["oid-1"]);
    expect(written().map((entry) => entry.caller)).toEqual(["my-app", "my-app", "my-app"]);
    expect(readFileSync(join(folder, logFileName), "utf8")).not.toContain("claim");
  });

  it("never fails a request because the disk does", async () => {
    const log = openDecisionLog({ folder });
    rmSync(folder, { recursive: true });
    log.record(decision());
    await log.settle();
    expect(log.dropped).toBe(1);
    expect(log.recent(10)).toHaveLength(1);
    expect(() => log.close()).not.toThrow();
  });
});
