/**
 * Writes the reference pages (docs/reference) from the code they describe. Runs the TypeScript sources as they are, on the
 * pinned Node.
 *
 *   node scripts/docs.mjs            writes the pages
 *   node scripts/docs.mjs --check    only says which are out of date; exit code 1 when one is
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { cliPage } from "./docs-cli.ts";
import { cosmosClientsPage } from "./docs-cosmos-clients.ts";
import { coveragePage } from "./docs-coverage.ts";
import { errorsPage } from "./docs-errors.ts";
import { identityPage } from "./docs-identity.ts";
import { rolesPage } from "./docs-roles.ts";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = join(root, "docs", "reference");

const pages = {
  "cli.md": cliPage,
  "cosmos-clients.md": cosmosClientsPage,
  "coverage.md": coveragePage,
  "errors.md": errorsPage,
  "identity-protocols.md": identityPage,
  "roles.md": rolesPage,
};

const written = (file) => {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if (error.code === "ENOENT") return undefined;
    throw error;
  }
};

const check = process.argv.includes("--check");
const stale = [];
for (const [name, page] of Object.entries(pages)) {
  const file = join(folder, name);
  const text = await page(root);
  if (written(file) === text) continue;
  stale.push(relative(root, file));
  if (check) continue;
  mkdirSync(folder, { recursive: true });
  writeFileSync(file, text);
}
if (check && stale.length > 0) {
  process.stderr.write(`docs: out of date: ${stale.join(", ")}. Run \`npm run docs\` and commit the result.\n`);
  process.exitCode = 1;
} else process.stdout.write(stale.length === 0 ? "docs: up to date\n" : `docs: wrote ${stale.join(", ")}\n`);
