import { describe, expect, test } from "vitest";
import {
  compileQuery,
  compositeIndexNeeded,
  indexUtilization,
  type Json,
  narrowing,
  parseQuery,
  passThroughPlan,
} from "./query.ts";
import { servesOrder } from "./composite.ts";

test("the query plan says that there is nothing to merge, and whether results are bare values", () => {
  expect(passThroughPlan(false)).toEqual({
    partitionedQueryExecutionInfoVersion: 2,
    queryInfo: {
      distinctType: "None",
      top: null,
      offset: null,
      limit: null,
      orderBy: [],
      orderByExpressions: [],
      groupByExpressions: [],
      groupByAliases: [],
      aggregates: [],
      groupByAliasToAggregateType: {},
      rewrittenQuery: "",
      hasSelectValue: false,
      hasNonStreamingOrderBy: false,
      dCountInfo: null,
    },
    queryRanges: [{ min: "", max: "FF", isMinInclusive: true, isMaxInclusive: false }],
  });
  expect(passThroughPlan(true).queryInfo.hasSelectValue).toBe(true);
});

describe("narrowing", () => {
  const of = (filter: string, parameters?: ReadonlyMap<string, Json>) =>
    narrowing(parseQuery(`SELECT * FROM c WHERE ${filter}`), parameters);

  test("reads equalities, ranges, lists and prefixes off the filter", () => {
    expect(of("c.a = 1").ranges).toEqual([
      { path: ["a"], kind: "equality", intervals: [{ low: 1, lowInclusive: true, high: 1, highInclusive: true }] },
    ]);
    expect(of('c.a.b >= "x" AND 5 > c["d"][0]').ranges.map(({ path, kind }) => [path, kind])).toEqual([
      [["a", "b"], "range"],
      [["d", 0], "range"],
    ]);
    expect(of("c.a IN (1, 2)").ranges[0]?.intervals).toHaveLength(2);
    expect(of("STARTSWITH(c.a, 'ab')").ranges[0]?.intervals).toEqual([
      { low: "ab", lowInclusive: true, high: "ac", highInclusive: false },
    ]);
    expect(of("c.a LIKE 'ab%c'").ranges[0]).toMatchObject({ kind: "prefix" });
    expect(of("c.a = @p", new Map([["@p", "v"]])).ranges[0]?.intervals).toMatchObject([{ low: "v" }]);
  });

  test("says nothing under NOT, and under OR only what both sides say", () => {
    expect(of("NOT (c.a = 1)").ranges).toEqual([]);
    expect(of("c.a = 1 OR c.b = 2").ranges).toEqual([]);
    expect(of("c.a = 1 OR c.a > 5").ranges[0]?.intervals).toHaveLength(2);
    expect(of("c.a != 1").ranges).toEqual([]);
  });

  test("knows filters that nothing passes", () => {
    for (const filter of ["false", "1", "c.a = undefined", "c.a BETWEEN 5 AND 1", "c.a = @none"])
      expect(of(filter).never).toBe(true);
  });

  test("leaves computed properties alone", () => {
    expect(narrowing(parseQuery("SELECT * FROM c WHERE c.low = 'x'"), undefined, new Set(["low"])).ranges).toEqual([]);
  });
});

describe("indexes", () => {
  test("an ORDER BY over several paths names its composite index", () => {
    const needed = compositeIndexNeeded(parseQuery('SELECT * FROM c ORDER BY c.a, c["b c"] DESC')) ?? [];
    expect(needed).toEqual([
      { path: "/a", order: "ascending" },
      { path: '/"b c"', order: "descending" },
    ]);
    expect(
      servesOrder(
        [
          { path: "/a", order: "descending" },
          { path: '/"b c"', order: "ascending" },
        ],
        needed,
      ),
    ).toBe(true);
    expect(
      servesOrder(
        [
          { path: "/a", order: "ascending" },
          { path: '/"b c"', order: "ascending" },
        ],
        needed,
      ),
    ).toBe(false);
    expect(compositeIndexNeeded(parseQuery("SELECT * FROM c ORDER BY c.a"))).toBeUndefined();
  });

  test("utilization tells used and missing indexes apart", () => {
    const query = parseQuery("SELECT * FROM c WHERE c.a = 1 AND c.b > 2");
    const { Utilized, Potential } = indexUtilization(query, { covers: (path) => path === "/a", compositeIndexes: [] });
    expect(Utilized.SingleIndexes.map(({ IndexSpec }) => IndexSpec)).toEqual(["/a/?"]);
    expect(Potential.SingleIndexes.map(({ IndexSpec }) => IndexSpec)).toEqual(["/b/?"]);
    expect(Potential.CompositeIndexes).toMatchObject([{ IndexSpecs: ["/a ASC", "/b ASC"] }]);
  });
});

test("computed properties are read like paths, and are no part of the document", () => {
  const computedProperties = [{ name: "low", query: parseQuery("SELECT VALUE LOWER(x.n) FROM x") }];
  const run = (text: string): Json[] => [
    ...compileQuery(parseQuery(text), { computedProperties }).run([{ n: "Ab" }, { n: "B" }]),
  ];
  expect(run("SELECT VALUE c.low FROM c WHERE c.low > 'a' ORDER BY c.low DESC")).toEqual(["b", "ab"]);
  expect(run("SELECT * FROM c WHERE c.low = 'b'")).toEqual([{ n: "B" }]);
  expect(run("SELECT c.low, COUNT(1) AS n FROM c GROUP BY c.low")).toEqual([
    { low: "ab", n: 1 },
    { low: "b", n: 1 },
  ]);
});

test.each([
  ["SELECT * FROM c WHERE c.a = 1", true, true],
  ["SELECT VALUE t FROM c JOIN t IN c.list", true, true],
  ["SELECT DISTINCT VALUE c.a FROM c", true, false],
  ["SELECT TOP 5 * FROM c", true, false],
  ["SELECT * FROM c OFFSET 1 LIMIT 2", true, false],
  ["SELECT * FROM c ORDER BY c.a", false, false],
  ["SELECT VALUE COUNT(1) FROM c", false, false],
  ["SELECT VALUE x FROM (SELECT DISTINCT VALUE c.a FROM c) AS x", true, false],
  ["SELECT VALUE x FROM (SELECT VALUE MAX(c.a) FROM c) AS x", false, false],
])("%s streams: %s, independent: %s", (text, streaming, independent) => {
  expect(compileQuery(parseQuery(text))).toMatchObject({ streaming, independent, constant: false });
});
