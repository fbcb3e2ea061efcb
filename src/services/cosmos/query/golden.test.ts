import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { compileQuery, type Json, parseQuery, QueryError, type QueryOptions, type Value } from "./query.ts";

const folder = join(import.meta.dirname, "../../../../test/cosmos/golden");
const documents = JSON.parse(readFileSync(join(folder, "documents.json"), "utf8")) as Record<string, Json[]>;

const options: QueryOptions = {
  now: () => 1_700_000_000_123,
  udf: { get: (name) => (name === "twice" ? ([x]) => (typeof x === "number" ? x * 2 : undefined) : undefined) },
};

interface Case {
  readonly line: string;
  readonly query: string;
  readonly kind: "value" | "rows" | "error";
  readonly expected: string;
  readonly documents: string;
  readonly parameters: ReadonlyMap<string, Value>;
}

const casesOf = (file: string): Case[] => {
  const cases: Case[] = [];
  let set = "none";
  let parameters: ReadonlyMap<string, Value> = new Map();
  for (const line of readFileSync(join(folder, file), "utf8").split("\n")) {
    if (line === "" || line.startsWith("# ")) continue;
    if (line.startsWith("@documents ")) set = line.slice(11);
    else if (line.startsWith("@parameters "))
      parameters = new Map(Object.entries(JSON.parse(line.slice(12)) as Record<string, Json>));
    else {
      const [, query = "", sign = "", expected = ""] = /^(.*?) (=>|!!) (.*)$/.exec(line) ?? [];
      if (sign === "") throw new Error(`Not a case: ${line}`);
      const kind = sign === "!!" ? "error" : query.startsWith("= ") ? "value" : "rows";
      cases.push({ line, query, kind, expected, documents: set, parameters });
    }
  }
  return cases;
};

const run = (text: string, { documents: set, parameters }: Case): Json[] => [
  ...compileQuery(parseQuery(text), { ...options, parameters }).run(documents[set] ?? []),
];

const refusal = (text: string, of: Case): QueryError => {
  try {
    run(text, of);
  } catch (error) {
    if (error instanceof QueryError) return error;
    throw error;
  }
  throw new Error("The query was not refused.");
};

/** As it goes over the wire. */
const wire = (value: Json): unknown => JSON.parse(JSON.stringify(value));

const files = readdirSync(folder).filter((name) => name.endsWith(".txt"));

for (const file of files) {
  describe(`golden ${file}`, () => {
    for (const [index, one] of casesOf(file).entries()) {
      test(`${index + 1}: ${one.line}`, () => {
        if (one.kind === "error") {
          const [, code, start, end, message = ""] = /^(SC\d+)(?: (\d+)-(\d+))?(?: (.*))?$/.exec(one.expected) ?? [];
          const [detail] = refusal(one.query, one).errors;
          expect(detail?.code).toBe(code);
          expect(detail?.message.slice(0, message.length)).toBe(message);
          if (start !== undefined) expect(detail?.location).toEqual({ start: Number(start), end: Number(end) });
        } else if (one.kind === "rows") expect(wire(run(one.query, one))).toEqual(JSON.parse(one.expected));
        else {
          const rows = run(`SELECT VALUE [${one.query.slice(2)}]`, one);
          expect(wire(rows)).toEqual([one.expected === "undefined" ? [] : [JSON.parse(one.expected)]]);
        }
      });
    }
  });
}

test("there are at least 600 golden cases", () => {
  expect(files.flatMap(casesOf).length).toBeGreaterThanOrEqual(600);
});
