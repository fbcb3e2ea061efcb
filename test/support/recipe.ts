/**
 * The fourth tutorial, "Cosmos DB with azure-cosmos SDK", as it was saved from its page: beside the checkout, or where
 * LANYARD_SEEDS says. What it shows is run as it stands; the copy lost the indentation of its Python, which is put back.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "vitest";
import { root } from "./source.ts";

const file = join(process.env["LANYARD_SEEDS"] ?? join(root, "..", "shared", "seeds"), "4-flask-cosmos-db.md");

/** A `describe` that runs only where the tutorial is. */
export const withRecipe = (name: string, suite: () => void): void => {
  if (existsSync(file)) describe(name, suite);
  else if (process.env["LANYARD_NO_SKIP"] === "1")
    describe(name, () =>
      it("has the tutorial", () => {
        throw new Error(`A skipped test is a failure here. There is no ${file}: set LANYARD_SEEDS.`);
      }),
    );
  else describe.skip(`${name} [no ${file}: set LANYARD_SEEDS]`, suite);
};

/** The lines below a heading, up to another one. */
const section = (from: string, to: string): readonly string[] => {
  const lines = readFileSync(file, "utf8").split("\n");
  const at = (heading: string): number => {
    const found = lines.findIndex((line) => line.startsWith(heading));
    if (found < 0) throw new Error(`${file} has no heading "${heading}".`);
    return found;
  };
  return lines.slice(at(from) + 1, at(to)).filter((line) => line.trim() !== "");
};

/** Where a block ends is where it returns or passes; within brackets Python asks for no indentation. */
const indented = (lines: readonly string[]): string => {
  let level = 0;
  let open = 0;
  return lines
    .map((line) => {
      const inside = open > 0;
      open += (line.match(/[([{]/g) ?? []).length - (line.match(/[)\]}]/g) ?? []).length;
      if (inside) return `${line}\n`;
      if (/^(?:@|def |from |import |#)/.test(line)) level = 0;
      if (line.startsWith("except ")) level -= 1;
      const placed = `${"    ".repeat(level)}${line}\n`;
      if (line.endsWith(":")) level += 1;
      if (/^(?:return|pass)\b/.test(line)) level = 0;
      return placed;
    })
    .join("");
};

/** The Flask app, with its optional bootstrap `ensure_container`. */
export const recipeApp = (): string =>
  indented(section("Step 2: Use DefaultAzureCredential in Flask", "Complete Example")) +
  indented(section("Complete Example", "Troubleshooting"));

/** The command that gives the site its settings; it reads RG, APP_NAME and COSMOS_ACCOUNT. */
export const recipeCommand = (): string =>
  section("Step 1: Configure Cosmos DB and app settings", "Step 2: Use DefaultAzureCredential in Flask").join("\n");
