/** Says at the end of a run which tests did not run and why: the default reporter only counts them. */
import { existsSync } from "node:fs";
import type { Reporter, TestModule } from "vitest/node";

const separate = [
  { folder: "test/browser", script: "test:browser", needs: "Chromium" },
  { folder: "test/sample", script: "test:sample", needs: "a minute" },
  { folder: "test/python", script: "test:python", needs: "Python 3 with venv" },
  { folder: "test/az", script: "test:az", needs: "the Azure CLI" },
  { folder: "test/containers", script: "test:containers", needs: "Podman" },
  { folder: "test/clients", script: "test:clients", needs: "other languages" },
];

/** A skipped suite once, not each of its tests; a test skipped alone by its own name, with its note. */
const skippedIn = (module: TestModule): string[] => {
  const names = new Set<string>();
  for (const test of module.children.allTests("skipped")) {
    const parent = test.parent.type === "suite" && test.parent.state() === "skipped" ? test.parent : test;
    const result = test.result();
    const note = parent === test && result.state === "skipped" && result.note ? ` [${result.note}]` : "";
    names.add(`${parent.fullName}${note}`);
  }
  return [...names];
};

export default class SkippedReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const lines = modules.flatMap(skippedIn).map((name) => `  skipped: ${name}`);
    const projects = new Set(modules.map((module) => module.project.name));
    // Only a whole `npm test` promises everything; a run of one file needs no list of what else there is.
    if (projects.size === 1 && projects.has("fast") && process.env["npm_lifecycle_event"] === "test") {
      for (const suite of separate)
        if (existsSync(suite.folder))
          lines.push(`  not part of npm test: ${suite.folder} (needs ${suite.needs}; npm run ${suite.script})`);
    }
    if (lines.length > 0) process.stdout.write(`\n${lines.join("\n")}\n`);
  }
}
