import { readFileSync } from "node:fs";
import { join } from "node:path";
import { decodeJwt } from "jose";
import { describe, expect, it } from "vitest";
import { startTenant } from "../../src/testing/start-tenant.ts";
import { root } from "../support/source.ts";
import { scope, testClient } from "./clients.ts";
import { arc } from "./toolchains.ts";

const { version } = JSON.parse(readFileSync(join(root, "node_modules/@azure/identity/package.json"), "utf8")) as {
  version: string;
};
const program = join(import.meta.dirname, "programs", "token.mjs");

describe("@azure/identity for JavaScript", () => {
  testClient({
    name: "JavaScript",
    version: `@azure/identity ${version}`,
    protocols: ["app-service", "imds", "cloud-shell", "azure-ml", "workload", ...arc],
    command: ({ credential, selector, value }) => [
      "node",
      program,
      credential,
      scope,
      ...(selector === undefined ? [] : [selector, value ?? ""]),
    ],
  });
});

describe("--token-lifetime", () => {
  it("makes a real client renew its token within seconds", async () => {
    await using tenant = await startTenant({ tokenLifetime: 4 });
    const program = `
      import { ManagedIdentityCredential } from "@azure/identity";
      import { setTimeout } from "node:timers/promises";
      const credential = new ManagedIdentityCredential();
      const tokens = [];
      for (const wait of [0, 4500]) {
        await setTimeout(wait);
        tokens.push((await credential.getToken("https://vault.azure.net/.default")).token);
      }
      process.stdout.write(JSON.stringify(tokens));`;
    const { stdout, stderr } = await tenant.run("node", ["--input-type=module", "-e", program], {
      as: "short",
      cwd: root,
    });
    expect(stderr).toBe("");
    const [first = "", second = ""] = JSON.parse(stdout) as string[];
    expect(second).not.toBe(first);
    expect(Number(decodeJwt(second).exp)).toBeGreaterThan(Number(decodeJwt(first).exp));
  });
});
