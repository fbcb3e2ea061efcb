/** Both clients of azure-cosmos, by one program. */
import { join } from "node:path";
import { describe } from "vitest";
import { needs } from "../../support/skip.ts";
import { pythonEnvironment } from "../toolchains.ts";
import { testCosmosClient } from "./conformance.ts";

const programs = join(import.meta.dirname, "programs", "python");

needs("python")("azure-cosmos for Python", () => {
  const { python, version } = pythonEnvironment(join(programs, "requirements.txt"));
  const program = join(programs, "conformance.py");
  describe("synchronous", () => testCosmosClient({ sdk: "Python", version, command: [python, program, "sync"] }));
  describe("async", () => testCosmosClient({ sdk: "Python, async", version, command: [python, program, "async"] }));
});
