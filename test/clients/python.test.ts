/** azure-identity, and msrestazure as apps of 2019 use it. Each in a virtual environment of its own. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { root } from "../support/source.ts";
import { needs } from "../support/skip.ts";
import { scope, testClient } from "./clients.ts";
import { arc, cached } from "./toolchains.ts";

const programs = join(import.meta.dirname, "programs");

/** A virtual environment with pinned packages, made once and kept. @returns its Python, and the first package's version */
const environment = (name: string): { python: string; version: string } => {
  const requirements = join(programs, `${name}.txt`);
  const text = readFileSync(requirements, "utf8");
  const folder = cached(`python-${createHash("sha256").update(text).digest("hex").slice(0, 12)}`, (home) => {
    for (const [command, ...args] of [
      ["python3", "-m", "venv", home],
      [join(home, "bin", "pip"), "install", "--quiet", "--disable-pip-version-check", "--requirement", requirements],
    ] as const) {
      const { status, stderr } = spawnSync(command, args, { cwd: root, encoding: "utf8", timeout: 240_000 });
      expect(status, stderr).toBe(0);
    }
  });
  const [first = ""] = text.split("\n");
  return { python: join(folder, "bin", "python3"), version: first.replace("==", " ") };
};

needs("python")("azure-identity for Python", () => {
  const { python, version } = environment("azure-identity");
  testClient({
    name: "Python",
    version,
    protocols: ["app-service", "imds", "cloud-shell", "azure-ml", "workload", ...arc],
    command: ({ credential, selector, value }) => [
      python,
      join(programs, "identity_token.py"),
      credential,
      scope,
      ...(selector === undefined ? [] : [selector, value ?? ""]),
    ],
  });
});

needs("python")("msrestazure for Python", () => {
  const { python, version } = environment("msrestazure");
  testClient({
    name: "Python, 2019",
    version,
    protocols: ["app-service", "imds", "cloud-shell"],
    cannot: ["object id", "resource id", "default chain"],
    // What App Service sets, and what it looks for.
    env: { APPSETTING_WEBSITE_SITE_NAME: "site" },
    without: { imds: ["APPSETTING_WEBSITE_SITE_NAME"], "cloud-shell": ["APPSETTING_WEBSITE_SITE_NAME"] },
    command: ({ value }) => [
      python,
      join(programs, "msi_token.py"),
      scope.replace("/.default", ""),
      ...(value === undefined ? [] : [value]),
    ],
  });
});
