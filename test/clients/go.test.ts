import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { needs } from "../support/skip.ts";
import { scope, testClient } from "./clients.ts";
import { arc, cached } from "./toolchains.ts";

const source = join(import.meta.dirname, "go");

needs("go")("azidentity for Go", () => {
  const texts = ["go.mod", "go.sum", "main.go"].map((name) => readFileSync(join(source, name), "utf8"));
  const mark = createHash("sha256").update(texts.join()).digest("hex").slice(0, 12);
  const folder = cached(`go-${mark}`, (home) => {
    const { status, stderr } = spawnSync("go", ["build", "-o", join(home, "token"), "."], {
      cwd: source,
      encoding: "utf8",
      timeout: 280_000,
    });
    expect(status, stderr).toBe(0);
  });
  testClient({
    name: "Go",
    version: `azidentity ${/sdk\/azidentity v(\S+)/.exec(texts[0] ?? "")?.[1] ?? ""}`,
    protocols: ["app-service", "imds", "cloud-shell", "azure-ml", "workload", ...arc],
    command: ({ credential, selector, value }) => [
      join(folder, "token"),
      credential,
      scope,
      ...(selector === undefined ? [] : [selector, value ?? ""]),
    ],
  });
});
