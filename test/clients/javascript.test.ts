import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe } from "vitest";
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
