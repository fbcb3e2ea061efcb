/** Reads Markdown for the tests that keep what it says true. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { filesUnder, root } from "./source.ts";

export interface CodeBlock {
  /** After the opening fence: `console`, `ts`, ... */
  readonly language: string;
  /** The rest of that line: a file name. */
  readonly name: string;
  readonly text: string;
}

export const documents = (): readonly string[] => [
  "README.md",
  "CONTRIBUTING.md",
  ...filesUnder("docs", (path) => path.endsWith(".md")),
];

export const codeBlocks = (path: string): readonly CodeBlock[] =>
  [...readFileSync(join(root, path), "utf8").matchAll(/^```(\S*)[ \t]*(.*)\n([\s\S]*?)^```$/gm)].map(
    ([, language = "", name = "", text = ""]) => ({ language, name: name.trim(), text }),
  );

/** The commands of a `console` block: its lines after `$ `, continued lines joined. */
export const commandsOf = (block: CodeBlock): readonly string[] =>
  block.text
    .replaceAll(/\\\n\s*/g, "")
    .split("\n")
    .filter((line) => line.startsWith("$ "))
    .map((line) => line.slice(2).trim());

/** Every command line that a document shows: in `console` and `sh` blocks, and in the `run:` of a CI job. */
export const shownCommands = (path: string): readonly string[] =>
  codeBlocks(path).flatMap((block) => {
    if (block.language === "console") return commandsOf(block);
    if (block.language === "sh") return block.text.split("\n").filter((line) => line.trim() !== "");
    if (block.language === "yaml") return [...block.text.matchAll(/\brun: (.+)$/gm)].map(([, line = ""]) => line);
    return [];
  });
