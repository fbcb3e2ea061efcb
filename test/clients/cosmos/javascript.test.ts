import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe } from "vitest";
import { root } from "../../support/source.ts";
import { testCosmosClient } from "./conformance.ts";

const { version } = JSON.parse(readFileSync(join(root, "node_modules/@azure/cosmos/package.json"), "utf8")) as {
  version: string;
};

describe("@azure/cosmos for JavaScript", () => {
  testCosmosClient({
    sdk: "JavaScript",
    version: `@azure/cosmos ${version}`,
    command: ["node", join(import.meta.dirname, "programs", "javascript", "conformance.mjs")],
  });
});
