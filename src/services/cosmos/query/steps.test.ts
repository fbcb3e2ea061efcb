import * as fc from "fast-check";
import { expect, test } from "vitest";
import { compileQuery, type Json, parseQuery } from "./query.ts";
import { finished, sorted, stepSize } from "./steps.ts";

/** How often it lets others in, and what comes of it. */
const counted = <T>(work: Generator<void, T>): { readonly turns: number; readonly result: T } => {
  for (let turns = 0; ; turns++) {
    const step = work.next();
    if (step.done === true) return { turns, result: step.value };
  }
};

const end = (text: string, documents: readonly Json[]) => {
  const run = compileQuery(parseQuery(text)).open();
  for (const document of documents) run.push(document);
  return counted(run.finishing());
};

const documents = Array.from({ length: 50_000 }, (_, id) => ({ id, a: (id * 7919) % 50_000, g: id % 5000 }));

test("a sort in steps is the stable sort", () => {
  const row = fc.record({ key: fc.integer({ min: 0, max: 20 }), id: fc.nat() });
  fc.assert(
    fc.property(fc.array(row, { minLength: stepSize - 10, maxLength: stepSize * 3 }), (rows) => {
      const order = (a: { key: number }, b: { key: number }): number => a.key - b.key;
      expect(finished(sorted(rows, order))).toEqual(rows.toSorted(order));
    }),
    { numRuns: 10 },
  );
});

test("the end of a large ORDER BY has a turn for others for every few thousand rows and comparisons", () => {
  const { turns, result } = end("SELECT VALUE c.id FROM c ORDER BY c.a", documents);
  expect(result).toEqual(documents.toSorted((a, b) => a.a - b.a).map(({ id }) => id));
  // Runs, four rounds of merging them two by two, and handing out.
  expect(turns).toBeGreaterThanOrEqual((documents.length / stepSize) * 5);
});

test("so has the end of a GROUP BY with many groups, also when its groups are sorted", () => {
  expect(end("SELECT c.g, COUNT(1) AS n FROM c GROUP BY c.g", documents).turns).toBeGreaterThanOrEqual(9);
  expect(end("SELECT c.g, COUNT(1) AS n FROM c GROUP BY c.g ORDER BY c.g", documents).turns).toBeGreaterThan(10);
});

test("so has the end of a query over the rows of another one", () => {
  const { turns, result } = end(
    "SELECT VALUE COUNT(1) FROM (SELECT c.g, COUNT(1) AS n FROM c GROUP BY c.g)",
    documents,
  );
  expect(result).toEqual([5000]);
  expect(turns).toBeGreaterThanOrEqual(15);
});
