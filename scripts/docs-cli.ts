/** docs/reference/cli.md: commands and options, as `lanyard --help` knows them. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Command, commonOptions, type OptionSpecs } from "../src/cli/command.ts";
import { exitCodes } from "../src/cli/exit-codes.ts";
import { byText, cell, code, generatedNote, page, table } from "./docs-markdown.ts";

export const cliPage = async (root: string): Promise<string> => {
  const commands = await readCommands(join(root, "src", "cli", "commands"));
  return page(
    "# Command line",
    generatedNote,
    "`lanyard [COMMAND] [OPTIONS]`; without a command: `up`. In a built checkout the program is `node bin/lanyard.js`.",
    table(
      ["command", "what it does"],
      commands.map(({ name, summary }) => [`[${name}](#lanyard-${name})`, cell(summary)]),
    ),
    "## Options of every command",
    optionTable(commonOptions),
    ...commands.flatMap(section),
    "## Exit codes",
    "`run` and `az` end with the code of the program they ran; 128 + N when signal N ended it. Of Lanyard's own:",
    table(
      ["name", "code"],
      Object.entries(exitCodes).map(([name, number]) => [cell(name), String(number)]),
    ),
  );
};

const readCommands = async (folder: string): Promise<readonly Command[]> => {
  const files = readdirSync(folder).filter((name) => name.endsWith(".ts") && !/\.test(-support)?\.ts$/.test(name));
  const modules = await Promise.all(
    files.map(async (name) => (await import(pathToFileURL(join(folder, name)).href)) as { readonly command?: Command }),
  );
  return modules
    .flatMap(({ command }) => (command === undefined ? [] : [command]))
    .toSorted((one, other) => byText(one.name, other.name));
};

const section = (command: Command): readonly string[] => [
  `## lanyard ${command.name}`,
  command.summary,
  `\`\`\`\nlanyard ${command.name} ${command.usage}\n\`\`\``,
  ...(Object.values(command.options).some(isShown) ? [optionTable(command.options)] : []),
  ...(command.examples === undefined
    ? []
    : [`\`\`\`console\n${command.examples.map((line) => `$ ${line}`).join("\n")}\n\`\`\``]),
];

const isShown = (spec: OptionSpecs[string]): boolean => spec.hidden !== true;

const optionTable = (options: OptionSpecs): string =>
  table(
    ["option", "what it does"],
    Object.entries(options)
      .filter(([, spec]) => isShown(spec))
      .map(([name, spec]) => {
        const long = `--${name}${spec.value === undefined ? "" : ` ${spec.value}`}`;
        const written = spec.short === undefined ? code(long) : `${code(`-${spec.short}`)}, ${code(long)}`;
        return [written, cell(spec.help)];
      }),
  );
