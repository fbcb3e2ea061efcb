import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { needs } from "../support/skip.ts";
import { scope, testClient } from "./clients.ts";
import { arc, cached } from "./toolchains.ts";

const source = join(import.meta.dirname, "java");

needs("maven")("azure-identity for Java", () => {
  const pom = readFileSync(join(source, "pom.xml"), "utf8");
  const program = readFileSync(join(source, "Token.java"), "utf8");
  const mark = createHash("sha256").update(pom).update(program).digest("hex").slice(0, 12);
  const folder = cached(`java-${mark}`, (home) => {
    copyFileSync(join(source, "pom.xml"), join(home, "pom.xml"));
    for (const [command, ...args] of [
      ["mvn", "--quiet", "--batch-mode", "dependency:copy-dependencies", `-DoutputDirectory=${join(home, "lib")}`],
      ["javac", "-cp", join(home, "lib", "*"), "-d", home, join(source, "Token.java")],
    ] as const) {
      const { status, stdout, stderr } = spawnSync(command, args, { cwd: home, encoding: "utf8", timeout: 280_000 });
      expect(status, stdout + stderr).toBe(0);
    }
  });
  testClient({
    name: "Java",
    version: `azure-identity ${/<artifactId>azure-identity<\/artifactId>\s*<version>([^<]+)/.exec(pom)?.[1] ?? ""}`,
    protocols: ["app-service", "imds", "cloud-shell", "azure-ml", "workload", ...arc],
    command: ({ credential, selector, value }) => [
      "java",
      "-cp",
      `${folder}:${join(folder, "lib", "*")}`,
      "Token",
      credential,
      scope,
      ...(selector === undefined ? [] : [selector, value ?? ""]),
    ],
  });
});
