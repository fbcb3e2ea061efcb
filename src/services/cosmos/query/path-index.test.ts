import * as fc from "fast-check";
import { expect, test } from "vitest";
import { buildPathIndex, compileQuery, inRange, type Json, narrowing, parseQuery } from "./query.ts";
import { valueAt } from "./path-index.ts";

const value = fc.oneof(
  fc.integer({ min: -5, max: 5 }),
  fc.constantFrom<Json>(null, true, false, "", "a", "ab", "b", [1], { k: 1 }),
);
const bound = fc.oneof(
  fc.integer({ min: -6, max: 6 }).map(String),
  fc.constantFrom('"a"', '"ab"', "null", "true", "[1]"),
);

test("an index finds exactly the documents that lie in the range, in their order", () => {
  const operator = fc.constantFrom("=", "<", "<=", ">", ">=");
  fc.assert(
    fc.property(
      fc.array(fc.record({ a: value }, { requiredKeys: [] }), { maxLength: 60 }),
      operator,
      bound,
      bound,
      (documents, op, first, second) => {
        for (const filter of [
          `c.a ${op} ${first}`,
          `c.a IN (${first}, ${second})`,
          `c.a BETWEEN ${first} AND ${second}`,
          "STARTSWITH(c.a, 'a')",
        ]) {
          const [range] = narrowing(parseQuery(`SELECT * FROM c WHERE ${filter}`)).ranges;
          if (range === undefined) continue;
          const candidates = buildPathIndex(documents, ["a"]).candidates(range);
          if (candidates === undefined) continue;
          const wanted = [...documents.keys()].filter((at) => inRange(range, valueAt(documents[at] ?? null, ["a"])));
          expect(candidates).toEqual(wanted);
        }
      },
    ),
    { numRuns: 2000 },
  );
});

test("a query over an index's candidates has the rows of a query over all documents", () => {
  const documents: Json[] = Array.from({ length: 5000 }, (_, id) => ({ id, a: { b: (id * 7919) % 1000 } }));
  const compiled = compileQuery(parseQuery("SELECT VALUE c.id FROM c WHERE c.a.b BETWEEN 10 AND 12 AND c.id > 100"));
  const [range] = compiled.narrowing.ranges;
  if (range === undefined) throw new Error("The filter has a range.");
  const candidates = buildPathIndex(documents, range.path).candidates(range) ?? [];
  expect(candidates.length).toBe(15);
  expect([...compiled.run(candidates.map((at) => documents[at] ?? null))]).toEqual([...compiled.run(documents)]);
});
