import { describe, expect, it } from "vitest";
import { type Command, readArguments } from "../src/cli/command.ts";
import { documents, shownCommands } from "./support/documents.ts";

/** `lanyard ...` in a line of a shell, also inside `$(...)`; up to what ends the command. */
const lanyardCalls = (line: string): readonly string[] =>
  [
    ...line.replace(/\s#.*$/, "").matchAll(/(?:^|\$\(|&&\s|npx\s)(?:node \S*bin\/lanyard\.js|lanyard)\b([^)&|>]*)/g),
  ].map((match) => (match[1] ?? "").trim());

const words = (text: string): readonly string[] =>
  [...text.matchAll(/"([^"]*)"|(\S+)/g)].map((match) => match[1] ?? match[2] ?? "");

describe("documents", () => {
  const calls = documents().flatMap((path) =>
    shownCommands(path).flatMap((line) => lanyardCalls(line).map((call) => ({ path, call }))),
  );

  it("show lanyard at work", () => {
    expect(calls.length).toBeGreaterThan(20);
  });

  it.each(calls)("show a command line that lanyard understands: $call ($path)", async ({ call }) => {
    const [name = "up", ...args] = words(call);
    const { command } = (await import(`../src/cli/commands/${name}.ts`)) as { readonly command: Command };
    const { values, rest } = readArguments(command, args);
    expect(command.rest === "none" ? rest : []).toEqual([]);
    for (const [option, value] of Object.entries(values)) if (value === "") expect.fail(`--${option} has no value`);
  });
});
