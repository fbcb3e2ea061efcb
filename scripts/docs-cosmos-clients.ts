/** docs/reference/cosmos-clients.md: what each SDK was seen to get from Cosmos DB, as test/clients/cosmos has seen it. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Behaviour, groups, type Sdk, sdks } from "../test/clients/cosmos/behaviours.ts";
import { cell, generatedNote, page, table } from "./docs-markdown.ts";

type Results = Readonly<
  Partial<Record<Sdk, { readonly version: string; readonly outcomes: Readonly<Record<string, string>> }>>
>;

const short: Readonly<Record<string, string>> = { works: "works", "no such call": "–", differs: "differs" };

/** Notes below a table: why cells are not `works`; what has the same reason shares a line. */
const notes = (behaviours: readonly Behaviour[]): readonly string[] => {
  const told = new Map<string, { readonly who: Set<string>; readonly names: Set<string> }>();
  for (const { name, none, differs } of behaviours)
    for (const sdk of sdks) {
      const note = none?.[sdk] ?? differs?.[sdk]?.note;
      if (note === undefined) continue;
      const { who, names } = told.get(note) ?? { who: new Set(), names: new Set() };
      told.set(note, { who: who.add(sdk), names: names.add(name) });
    }
  return [...told].map(
    ([note, { who, names }]) =>
      `- ${[...who].map(cell).join("; ")}: ${cell(note)} (*${[...names].map(cell).join("; ")}*).`,
  );
};

export const cosmosClientsPage = (root: string): string => {
  const results = JSON.parse(readFileSync(join(root, "test", "clients", "cosmos", "results.json"), "utf8")) as Results;
  const outcome = (sdk: Sdk, name: string): string => {
    const found = results[sdk]?.outcomes[name];
    if (found === undefined) throw new Error(`${sdk} was not seen doing "${name}": record test/clients/cosmos.`);
    return short[found] ?? found;
  };
  return page(
    "# Cosmos DB: what the SDKs were seen to do",
    generatedNote,
    "Unmodified SDKs against an account with two regions, under its production host names: one program per SDK, run by `lanyard run --as`, with `DefaultAzureCredential` and a managed identity that has native roles, and with account keys where a token may not. `npm run test:clients` runs them all, compares what each program saw with one list of what must be seen, and fails when it is not what stands here.",
    table(
      ["SDK", "version"],
      sdks.map((sdk) => [cell(sdk), cell(results[sdk]?.version ?? "")]),
    ),
    "*works*: seen as listed. *–*: the SDK has no such call. *differs*: something else is seen, for a reason in the client, noted below the table. All of them are in gateway mode; Java is told to use the proxy and where the names lie ([how](../how-to/use-with-your-app.md#java-and-cosmos-db)).",
    ...groups.flatMap(({ title, behaviours }) => {
      const remarks = notes(behaviours);
      return [
        `## ${title}`,
        table(
          ["seen", ...sdks.map(cell)],
          behaviours.map(({ name }) => [cell(name), ...sdks.map((sdk) => outcome(sdk, name))]),
        ),
        ...(remarks.length === 0 ? [] : [remarks.join("\n")]),
      ];
    }),
  );
};
