/**
 * npm run bench [-- --only NAME] [--json FILE] [--pairs N] [--product DIR]
 *
 * Every figure is a ratio to a peer measured in the same run, in turn with ours. See README.md.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { installPeers } from "./azurite.ts";
import { blobs } from "./blobs.ts";
import { containers } from "./containers.ts";
import { cosmos } from "./cosmos.ts";
import { install, memory } from "./footprint.ts";
import { large } from "./large.ts";
import { latency } from "./latency.ts";
import { listing } from "./listing.ts";
import { postgres } from "./postgres.ts";
import { query } from "./query.ts";
import { roles } from "./roles.ts";
import { sorted } from "./sorted.ts";
import { startup } from "./startup.ts";
import { tableText } from "./table.ts";
import { token } from "./token.ts";
import { keyVault } from "./vault.ts";
import type { Bench, Measured, Row, Work } from "./work.ts";

const works: readonly Work[] = [
  startup,
  token,
  keyVault,
  roles,
  query,
  sorted,
  latency,
  containers,
  blobs,
  large,
  listing,
  cosmos,
  postgres,
  memory,
  install,
];

const { values } = parseArgs({
  options: {
    only: { type: "string", multiple: true },
    json: { type: "string" },
    pairs: { type: "string", default: "5" },
    product: { type: "string", default: dirname(import.meta.dirname) },
  },
});

const chosen = values.only === undefined ? works : works.filter(({ name }) => values.only?.includes(name));
if (chosen.length < (values.only?.length ?? 1)) {
  console.error(`bench: works are ${works.map(({ name }) => name).join(", ")}`);
  process.exit(2);
}

const scratch = mkdtempSync(join(tmpdir(), "lanyard-bench-"));
const say = (text: string): void => console.error(`  ${text}`);
const bench: Bench = { product: resolve(values.product), scratch, pairs: Number(values.pairs), say };
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(1));
process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));

const rows: Measured[] = [];
const failures: string[] = [];
await installPeers(say);
for (const work of chosen) {
  console.error(`${work.name} ...`);
  try {
    rows.push(...(await work.run(bench)));
  } catch (error) {
    // One work that cannot run must not hide the others; the exit code tells.
    failures.push(`${work.name}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    console.error(failures.at(-1));
  }
}
console.log(tableText(rows));
if (values.json !== undefined) {
  const plain = rows.map(({ name, ours, peer, ratio, target, ok }): Row => ({ name, ours, peer, ratio, target, ok }));
  writeFileSync(values.json, `${JSON.stringify(plain, null, 2)}\n`);
}
const missed = rows.filter(({ ok }) => !ok);
if (missed.length > 0) console.log(`missed: ${missed.map(({ name }) => name).join("; ")}`);
if (failures.length > 0) console.log(`could not run: ${failures.map((text) => text.split(":")[0]).join(", ")}`);
process.exit(missed.length + failures.length === 0 ? 0 : 1);
