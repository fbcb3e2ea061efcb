import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

/** Suites that need more than npm or minutes. Each has its own folder and its own script (`npm run test:NAME`). */
const extra = ["browser", "sample", "python", "az", "containers", "clients"];
/** Clients that the machine has no toolchain for, by language: `LANYARD_WITHOUT=go,java`. `.ci/run` says so in its log. */
const without = (process.env["LANYARD_WITHOUT"] ?? "").split(",").filter((name) => /^\w+$/.test(name));
/** Tests beside the source that need Python: they build virtual environments. */
const pythonBesideSource = ["src/**/python-*.test.ts"];

const common = { testTimeout: 30_000, hookTimeout: 60_000, pool: "forks" as const };

export default defineConfig({
  test: {
    reporters: ["default", "./test/support/skipped-reporter.ts"],
    // Many tests wait for processes that they started: one worker more than processors keeps those busy.
    maxWorkers: Math.min(availableParallelism() + 1, 8),
    projects: [
      {
        test: {
          ...common,
          name: "fast",
          include: ["src/**/*.test.ts", "test/**/*.test.ts"],
          exclude: [...extra.map((name) => `test/${name}/**`), ...pythonBesideSource],
          // Files that share a worker share its modules: a quarter of the suite's time was loading the same clients and
          // certificates code again for each file. What a file changes in its process it must put back.
          isolate: false,
        },
      },
      ...extra.map((name) => ({
        test: {
          ...common,
          name,
          include: [`test/${name}/**/*.test.ts`, ...(name === "python" ? pythonBesideSource : [])],
          exclude: without.map((language) => `test/clients/**/${language}.test.ts`),
          // A tenant, an app build and a browser share the machine: one file at a time keeps timings honest. `az` spends
          // its time starting Python, each file has a tenant of its own, and two at a time take half as long.
          fileParallelism: name === "az",
          maxWorkers: 2,
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      })),
    ],
  },
});
