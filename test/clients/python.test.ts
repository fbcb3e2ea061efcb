/** azure-identity, and msrestazure as apps of 2019 use it. Each in a virtual environment of its own. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { root } from "../support/source.ts";
import { needs } from "../support/skip.ts";
import { scope, testClient } from "./clients.ts";
import { arc, cached } from "./toolchains.ts";

const programs = join(import.meta.dirname, "programs");

/** A virtual environment with one package, made once and kept. @returns its Python, and the package's version */
const environment = (name: string): { python: string; version: string } => {
  const requirement = readFileSync(join(programs, `${name}.txt`), "utf8").trim();
  const folder = cached(`python-${requirement.replaceAll(/[^\w.]/g, "-")}`, (home) => {
    for (const [command, ...args] of [
      ["python3", "-m", "venv", home],
      [join(home, "bin", "pip"), "install", "--quiet", "--disable-pip-version-check", requirement],
    ] as const) {
      const { status, stderr } = spawnSync(command, args, { cwd: root, encoding: "utf8", timeout: 240_000 });
      expect(status, stderr).toBe(0);
    }
  });
  const python = join(folder, "bin", "python3");
  const { stdout } = spawnSync(
    python,
    ["-c", `import importlib.metadata as m; print(m.version("${requirement.split("==")[0]}"))`],
    { encoding: "utf8" },
  );
  return { python, version: `${requirement.split("==")[0]} ${stdout.trim()}` };
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
