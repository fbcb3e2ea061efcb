import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { zipSync } from "fflate";
import type { Zippable } from "fflate";

/** What the server needs to build and run the app. Nothing else is sent: no tests, no node_modules, no deploy script. */
const PARTS = ["package.json", "package-lock.json", "tsconfig.json", "tsconfig.build.json", "src"];

export interface AppPackage {
  readonly zip: Uint8Array;
  readonly files: readonly string[];
  /** SHA-256 of names and contents, hex: the same sources give the same hash on every machine. */
  readonly hash: string;
}

export async function packageApp(folder: string): Promise<AppPackage> {
  const files = (await Promise.all(PARTS.map((part) => filesBelow(folder, part)))).flat().sort();
  const hash = createHash("sha256");
  const content: Zippable = {};
  for (const file of files) {
    const bytes = await readFile(join(folder, file));
    hash.update(`${file}\0${bytes.length}\0`).update(bytes);
    // A fixed date, so that equal sources make equal zips.
    content[file] = [bytes, { mtime: new Date(1980, 0, 2) }];
  }
  return { zip: zipSync(content, { level: 6 }), files, hash: hash.digest("hex") };
}

async function filesBelow(folder: string, part: string): Promise<string[]> {
  if (/\.\w+$/.test(part)) return [part];
  const entries = await readdir(join(folder, part), { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && !entry.name.endsWith(".test.ts"))
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).replaceAll(sep, "/"));
}
