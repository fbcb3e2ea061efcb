import { defineConfig } from "vitest/config";

/** Suites that need more than npm. Each lives in a folder of its own and has its own script (`npm run test:NAME`). */
const extra = ["browser", "sample", "python", "az"];

const common = { testTimeout: 30_000, hookTimeout: 60_000, pool: "forks" as const };

export default defineConfig({
  test: {
    reporters: ["default", "./test/support/skipped-reporter.ts"],
    projects: [
      {
        test: {
          ...common,
          name: "fast",
          include: ["src/**/*.test.ts", "test/**/*.test.ts"],
          exclude: extra.map((name) => `test/${name}/**`),
        },
      },
      ...extra.map((name) => ({
        test: {
          ...common,
          name,
          include: [`test/${name}/**/*.test.ts`],
          // A tenant, an app build and a browser or `az` share the machine: one file at a time keeps timings honest.
          fileParallelism: false,
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      })),
    ],
  },
});
