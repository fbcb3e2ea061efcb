/** Reads the source tree for the tests that keep its shape. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, posix, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

export interface SourceFile {
  /** Path from the root with `/`, e.g. `src/kernel/fault.ts`. */
  readonly path: string;
  readonly lines: number;
  /** Code without comments; strings are kept. */
  readonly code: string;
  /** Static, re-exported, dynamic and worker imports: as written, and the file when it is one of ours. */
  readonly imports: readonly { readonly specifier: string; readonly target: string | undefined }[];
}

/** Files under a folder of the root, as `/` paths. */
export const filesUnder = (folder: string, wanted: (path: string) => boolean): string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .map((name) => posix.join(folder, name.split(sep).join("/")))
    .filter((path) => !path.includes("node_modules/") && wanted(path) && statSync(join(root, path)).isFile())
    .toSorted();

/**
 * Comments out, strings kept: a scanner rather than one regular expression, because `"https://…"` and globs such as
 * `/*` inside strings look like comments.
 */
export const withoutComments = (text: string): string =>
  text.replaceAll(
    /("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`)|\/\*[\s\S]*?\*\/|\/\/[^\n]*/g,
    (_all, string: string | undefined) => string ?? " ",
  );

const importPattern =
  /\b(?:import|export)\s+(?:type\s+)?(?:[\w*\s{},$]+?\s+from\s*)?["']([^"']+)["']|\b(?:import|require)\s*\(\s*["']([^"']+)["']|\bnew\s+URL\(\s*["'](\.[^"']+)["']\s*,\s*import\.meta\.url/g;

const readSource = (path: string): SourceFile => {
  const text = readFileSync(join(root, path), "utf8");
  const code = withoutComments(text);
  const imports = [...code.matchAll(importPattern)].map((match) => {
    const specifier = match[1] ?? match[2] ?? match[3] ?? "";
    return { specifier, target: specifier.startsWith(".") ? posix.join(posix.dirname(path), specifier) : undefined };
  });
  return { path, code, imports, lines: text.split("\n").length - (text.endsWith("\n") ? 1 : 0) };
};

/** All TypeScript files under a folder of the root. */
export const readSources = (folder: string): SourceFile[] =>
  filesUnder(folder, (path) => /\.[cm]?ts$/.test(path)).map(readSource);

export const isTestFile = (path: string): boolean => /\.test(-support)?\.ts$/.test(path);

/** Position for a message: `path` as an editor opens it. */
export const fromRoot = (file: string): string => relative(root, file);
