import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Query } from "./ast.ts";
import { runNaive } from "./naive.test-support.ts";
import { printQuery } from "./print.ts";
import { compileQuery, inRange, type Json, narrowing, parseQuery } from "./query.ts";
import type { Value } from "./values.ts";

const scalar: fc.Arbitrary<Json> = fc.oneof(
  fc.constantFrom<Json>(null, true, false, 0, 1, -1, 2, 2.5, "", "a", "b", "ab", "B", "é"),
  fc.integer({ min: -3, max: 3 }),
);
const json: fc.Arbitrary<Json> = fc.oneof(
  { weight: 6, arbitrary: scalar },
  { weight: 1, arbitrary: fc.array(scalar, { maxLength: 3 }) },
  { weight: 1, arbitrary: fc.dictionary(fc.constantFrom("a", "b"), scalar, { maxKeys: 2 }) },
);
const document = fc.dictionary(fc.constantFrom("a", "b", "list", "o"), json, { maxKeys: 4 });
const documents = fc.array(document, { maxLength: 8 });

const path = fc.constantFrom("c.a", "c.b", 'c["list"]', "c.list[0]", "c.o.a", "c.o", "c.missing");
const literal = fc.oneof(
  json.map((value) => JSON.stringify(value)),
  fc.constantFrom("undefined", "[1, undefined]"),
);

/** Texts of expressions; `names` are the paths in reach. */
const expression: fc.Arbitrary<string> = fc.letrec<{ any: string }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 3, depthSize: "small" },
    path,
    literal,
    fc
      .tuple(
        tie("any"),
        fc.constantFrom(
          "=",
          "!=",
          "<",
          "<=",
          ">",
          ">=",
          "AND",
          "OR",
          "+",
          "-",
          "*",
          "/",
          "%",
          "||",
          "??",
          "&",
          "|",
          "^",
          "<<",
          ">>",
          ">>>",
        ),
        tie("any"),
      )
      .map(([a, op, b]) => `(${a} ${op} ${b})`),
    fc.tuple(fc.constantFrom("NOT ", "-", "+", "~"), tie("any")).map(([op, a]) => `(${op}(${a}))`),
    fc.tuple(tie("any"), tie("any"), tie("any")).map(([a, b, c]) => `(${a} ? ${b} : ${c})`),
    fc
      .tuple(tie("any"), fc.boolean(), tie("any"), tie("any"))
      .map(([a, no, b, c]) => `(${a} ${no ? "NOT " : ""}BETWEEN ${b} AND ${c})`),
    fc
      .tuple(tie("any"), fc.boolean(), fc.array(tie("any"), { minLength: 1, maxLength: 3 }))
      .map(([a, no, items]) => `(${a} ${no ? "NOT " : ""}IN (${items.join(", ")}))`),
    fc
      .tuple(path, fc.boolean(), fc.constantFrom('"%"', '"a%"', '"%b"', '"_"', '"%a%"', '"a_"', '""', "c.b"))
      .map(([a, no, b]) => `(${a} ${no ? "NOT " : ""}LIKE ${b})`),
    fc
      .tuple(
        fc.constantFrom(
          "IS_DEFINED",
          "IS_STRING",
          "IS_NUMBER",
          "IS_NULL",
          "ABS",
          "LENGTH",
          "LOWER",
          "ARRAY_LENGTH",
          "ToString",
        ),
        tie("any"),
      )
      .map(([name, a]) => `${name}(${a})`),
    fc
      .tuple(fc.constantFrom("STARTSWITH", "CONTAINS", "ENDSWITH", "ARRAY_CONTAINS"), path, literal)
      .map(([name, a, b]) => `${name}(${a}, ${b})`),
    fc.tuple(tie("any"), tie("any")).map(([a, b]) => `[${a}, ${b}]`),
    fc.tuple(tie("any"), tie("any")).map(([a, b]) => `{"p": ${a}, "q": ${b}}`),
    fc.constantFrom(
      "EXISTS(SELECT VALUE t FROM t IN c.list WHERE t = c.a)",
      "ARRAY(SELECT VALUE t FROM t IN c.list)",
      "(SELECT VALUE COUNT(1) FROM t IN c.list)",
      "ARRAY(SELECT DISTINCT VALUE t FROM t IN c.list)",
    ),
  ),
})).any;

const where = fc.option(expression, { nil: undefined }).map((text) => (text === undefined ? "" : ` WHERE ${text}`));

const plain = fc
  .record({
    head: fc.constantFrom("", "DISTINCT ", "TOP 3 ", "DISTINCT TOP 2 "),
    select: fc.oneof(
      fc.constant("*"),
      expression.map((text) => `VALUE ${text}`),
      fc.tuple(expression, expression).map(([a, b]) => `${a} AS x, ${b} AS y`),
    ),
    join: fc.boolean(),
    where,
    order: fc.array(fc.tuple(path, fc.constantFrom("", " ASC", " DESC")), { maxLength: 2 }),
    page: fc.constantFrom("", " OFFSET 1 LIMIT 2", " OFFSET 0 LIMIT 4"),
  })
  .map(({ head, select, join, where: filter, order, page }) => {
    const from = join && select !== "*" ? "c JOIN t IN c.list" : "c";
    const by = order.length === 0 ? "" : ` ORDER BY ${order.map((item) => item.join("")).join(", ")}`;
    return `SELECT ${head}${select} FROM ${from}${filter}${by}${page}`;
  });

const grouped = fc
  .tuple(
    fc.constantFrom("c.a", "c.b", "c.o.a"),
    fc.constantFrom("COUNT", "SUM", "MIN", "MAX"),
    path,
    where,
    fc.boolean(),
  )
  .map(([key, fold, argument, filter, all]) =>
    all
      ? `SELECT ${fold}(${argument}) AS x, COUNT(1) AS n FROM c${filter}`
      : `SELECT ${key} AS k, ${fold}(${argument}) AS x FROM c${filter} GROUP BY ${key}`,
  );

/** The documents all pass through one loop here; the engine gets them one by one. */
const expected = (query: Query, docs: readonly Json[]): unknown[] => {
  const [first, ...others] = query.from;
  if (first === undefined) return [];
  const all: Query = { ...query, from: [{ ...first, iterate: true, alias: "c" }, ...others] };
  return runNaive(all, new Map([["c", docs]]));
};

const same = (actual: unknown, wanted: unknown): void => {
  expect(JSON.parse(JSON.stringify(actual))).toEqual(JSON.parse(JSON.stringify(wanted)));
};

const at = (value: Value, keys: readonly (string | number)[]): Value =>
  keys.reduce<Value>((found, key) => {
    if (Array.isArray(found)) return typeof key === "number" ? (found[key] as Value) : undefined;
    if (typeof found !== "object" || found === null || typeof key !== "string") return undefined;
    return Object.hasOwn(found, key) ? (found as Record<string, Json>)[key] : undefined;
  }, value);

describe("the compiled query and a naive evaluator agree", () => {
  test("on selections, joins, order and pages", () => {
    fc.assert(
      fc.property(plain, documents, (text, docs) => {
        const query = parseQuery(text);
        same([...compileQuery(query).run(docs)], expected(query, docs));
      }),
      { numRuns: 4000 },
    );
  });

  test("on groups and aggregates", () => {
    fc.assert(
      fc.property(grouped, documents, (text, docs) => {
        const query = parseQuery(text);
        same([...compileQuery(query).run(docs)], expected(query, docs));
      }),
      { numRuns: 1500 },
    );
  });

  test("also after the query was printed and read again", () => {
    fc.assert(
      fc.property(fc.oneof(plain, grouped), documents, (text, docs) => {
        const query = parseQuery(text);
        same([...compileQuery(parseQuery(printQuery(query))).run(docs)], [...compileQuery(query).run(docs)]);
      }),
      { numRuns: 1500 },
    );
  });
});

test("no range that a filter gives leaves out a document that matches", () => {
  let narrowed = 0;
  const simple = fc
    .tuple(path, fc.constantFrom("=", "<", "<=", ">", ">="), literal, fc.boolean())
    .map(([a, op, b, turned]) => (turned ? `${b} ${op} ${a}` : `${a} ${op} ${b}`));
  const filter = fc.letrec<{ any: string }>((tie) => ({
    any: fc.oneof(
      { maxDepth: 2 },
      simple,
      expression,
      fc.tuple(tie("any"), fc.constantFrom("AND", "OR"), tie("any")).map(([a, op, b]) => `(${a} ${op} ${b})`),
    ),
  })).any;
  fc.assert(
    fc.property(filter, documents, (text, docs) => {
      const query = parseQuery(`SELECT * FROM c WHERE ${text}`);
      const { ranges, never } = narrowing(query);
      const rows = [...compileQuery(query).run(docs)];
      if (never) expect(rows).toEqual([]);
      if (never || ranges.length > 0) narrowed += 1;
      for (const row of rows) for (const range of ranges) expect(inRange(range, at(row, range.path))).toBe(true);
    }),
    { numRuns: 5000 },
  );
  expect(narrowed).toBeGreaterThan(500);
});
