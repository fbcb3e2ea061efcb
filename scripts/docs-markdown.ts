/** Markdown for the generated pages. */

export const generatedNote =
  "<!-- Written by scripts/docs.mjs from the code. Change the code, then run `npm run docs`. -->";

/** Text in a table cell or a line: bars would end the cell. */
export const cell = (text: string): string => text.replaceAll("|", "\\|").replaceAll("\n", " ");

/** Code in a table cell. A bar must be escaped there even inside code. */
export const code = (text: string): string => `\`${cell(text)}\``;

export const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");

/** Parts with one empty line between them, and one newline at the end. */
export const page = (...parts: readonly string[]): string => `${parts.join("\n\n")}\n`;

/** Byte order, the same on every machine. */
export const byText = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0);
