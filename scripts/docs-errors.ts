/** docs/reference/errors.md: the error catalogues of the services. */
import { readdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import type { FaultEntry } from "../src/kernel/fault.ts";
import { byText, cell, code, generatedNote, page, table } from "./docs-markdown.ts";

/** Whose errors a folder's are, for people. */
const titles: Readonly<Record<string, string>> = {
  arm: "Azure Resource Manager",
  "app-service": "App Service",
  authorization: "Role assignments and definitions",
  "container-apps": "Container Apps",
  cosmos: "Cosmos DB for NoSQL",
  entra: "Microsoft Entra ID",
  graph: "Microsoft Graph",
  "key-vault": "Key Vault",
  postgres: "PostgreSQL flexible servers",
  "service-linker": "Service Connector",
  storage: "Storage",
};

interface Row extends FaultEntry {
  /** AADSTS number, where Entra's errors have one. */
  readonly number?: string;
}

export const errorsPage = async (root: string): Promise<string> => {
  const source = join(root, "src");
  const files = readdirSync(source, { recursive: true, encoding: "utf8" })
    .filter((name) => basename(name) === "faults.ts")
    .toSorted(byText);
  const sections = await Promise.all(files.map(async (file) => ({ file, rows: await rowsOf(join(source, file)) })));
  return page(
    "# Errors",
    generatedNote,
    "What each service's catalogue holds: status, code and text as clients see them, `{…}` filled in by the call. Refusals for a missing right are worded with the caller, the action and the scope, and are not listed. How an error looks on the wire follows the surface (JSON of the Resource Manager, XML of Storage, OAuth). A hint for people goes to the log and the header `x-lanyard-hint`, never into the body.",
    ...sections
      .filter(({ rows }) => rows.length > 0)
      .flatMap(({ file, rows }) => section(basename(dirname(file)), rows)),
  );
};

const section = (folder: string, rows: readonly Row[]): readonly string[] => [
  `## ${titles[folder] ?? folder}`,
  table(
    ["status", "code", "message"],
    rows.map(({ status, code: name, number, message }) => [
      String(status),
      number === undefined ? code(name) : `${code(name)} AADSTS${number}`,
      cell(message),
    ]),
  ),
];

const rowsOf = async (file: string): Promise<readonly Row[]> => {
  const exported = Object.values((await import(pathToFileURL(file).href)) as Record<string, unknown>);
  const rows = exported.flatMap((value): readonly Row[] => {
    if (isCatalogue(value)) return Object.values(value.entries);
    if (isNumbered(value))
      return Object.entries(value).map(([number, [status, name, message]]) => ({
        status,
        code: name,
        message,
        number,
      }));
    return [];
  });
  return rows.toSorted((one, other) => one.status - other.status || byText(one.code, other.code));
};

const isCatalogue = (value: unknown): value is { readonly entries: Readonly<Record<string, FaultEntry>> } =>
  typeof value === "function" && "entries" in value;

/** Entra's catalogue: AADSTS number -> status, OAuth error, text. */
const isNumbered = (value: unknown): value is Readonly<Record<string, readonly [number, string, string]>> =>
  typeof value === "object" && value !== null && Object.values(value).every((entry) => Array.isArray(entry));
