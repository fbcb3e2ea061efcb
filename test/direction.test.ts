/** Keeps the plan of the building: who may import whom, what services are handed, how long a file may be. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  bannedUses,
  danglingImports,
  importCycles,
  layerOf,
  maximumLines,
  mayImport,
  wrongImports,
} from "./support/architecture.ts";
import { isTestFile, readSources, root, type SourceFile, withoutComments } from "./support/source.ts";

const everything = readSources("src");
const sources = everything.filter((file) => !isTestFile(file.path));

/** The list itself is the message: one breach per line. */
const expectNone = (breaches: readonly string[]): void => expect(breaches.join("\n")).toBe("");

const file = (path: string, code: string, ...targets: string[]): SourceFile => ({
  path,
  code,
  lines: 1,
  imports: targets.map((target) => ({ specifier: target, target: target.startsWith("src/") ? target : undefined })),
});

describe("the source tree", () => {
  it("has only layers that the rules know", () => {
    const unknown = sources.filter(({ path }) => mayImport[layerOf(path)] === undefined).map(({ path }) => path);
    expectNone(unknown.map((path) => `${path}: add its layer to mayImport in test/support/architecture.ts.`));
  });
  it("imports in one direction only, and no service imports another", () => expectNone(wrongImports(sources)));
  it("hands clocks, randomness, files and HTTP to those who decide", () => expectNone(bannedUses(sources)));
  it("has no import cycles", () => expectNone(importCycles(sources)));
  it("imports files that exist", () => expectNone(danglingImports(everything, (path) => existsSync(join(root, path)))));
  it(`has no file beyond ${maximumLines} lines`, () => {
    const long = everything.filter(({ lines }) => lines > maximumLines);
    expectNone(
      long.map(({ path, lines }) => `${path} has ${lines} lines: more than one reason to exist? Split it by reason.`),
    );
  });
});

describe("the rules", () => {
  it("see a service that imports another", () => {
    expect(wrongImports([file("src/services/storage/blobs.ts", "", "src/services/key-vault/faults.ts")])).toHaveLength(
      1,
    );
  });
  it("see a kernel that imports something below it", () => {
    expect(wrongImports([file("src/kernel/dispatch.ts", "", "src/access/evaluate.ts")])[0]).toContain(
      "nothing but itself",
    );
  });
  it("see a service that picks a store driver", () => {
    expect(wrongImports([file("src/services/storage/blobs.ts", "", "src/store/sqlite.ts")])).toHaveLength(1);
    expect(wrongImports([file("src/services/storage/blobs.ts", "", "src/store/store.ts")])).toEqual([]);
  });
  it("see a service that reads the machine's clock, and allow one that formats a given time", () => {
    expect(bannedUses([file("src/services/storage/blobs.ts", "const t = Date.now();")])).toHaveLength(1);
    expect(
      bannedUses([file("src/services/storage/blobs.ts", "const t = new Date(clock.now()).toUTCString();")]),
    ).toEqual([]);
  });
  it("see a service that opens files", () => {
    expect(bannedUses([file("src/services/storage/blobs.ts", "", "node:fs/promises")])).toHaveLength(1);
  });
  it("see a circle of three", () => {
    const circle = [
      file("src/a.ts", "", "src/b.ts"),
      file("src/b.ts", "", "src/c.ts"),
      file("src/c.ts", "", "src/a.ts"),
    ];
    expect(importCycles(circle)).toEqual(["src/a.ts -> src/b.ts -> src/c.ts -> src/a.ts"]);
  });
  it("are not misled by comments or by strings that look like comments", () => {
    expect(withoutComments('a("https://x"); // Date.now()\nb("*/*"); /* c */ d()')).toBe(
      'a("https://x");  \nb("*/*");   d()',
    );
  });
});
