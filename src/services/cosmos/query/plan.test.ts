import { describe, expect, test } from "vitest";
import {
  compileQuery,
  compositeIndexNeeded,
  indexUtilization,
  type Json,
  narrowing,
  parseQuery,
  queryPlan,
  readParameters,
} from "./query.ts";
import { servesOrder } from "./composite.ts";

const info = (text: string, parameters?: ReadonlyMap<string, Json>) =>
  queryPlan(parseQuery(text), parameters).queryInfo;

describe("the query plan", () => {
  test.each([
    [
      "SELECT VALUE AVG(c.blah) FROM c",
      'SELECT VALUE [{"item": {"sum": SUM(c.blah), "count": COUNT(c.blah)}}]\nFROM c',
    ],
    [
      "SELECT AVG(c.blah) FROM c",
      'SELECT {"$1": {"item": {"sum": SUM(c.blah), "count": COUNT(c.blah)}}} AS payload\nFROM c',
    ],
    [
      "SELECT VALUE MIN(c.blah) FROM c WHERE c.key = 1",
      'SELECT VALUE [{"item": MIN(c.blah), "item2": {"min": MIN(c.blah), "count": COUNT(c.blah)}}]\nFROM c\nWHERE (c.key = 1)',
    ],
    [
      "SELECT VALUE MIN(c.blah + 1) FROM c",
      'SELECT VALUE [{"item": MIN((c.blah + 1)), "item2": {"min": MIN((c.blah + 1)), "count": COUNT((c.blah + 1))}}]\nFROM c',
    ],
    ["SELECT VALUE COUNT(1) FROM c", 'SELECT VALUE [{"item": COUNT(1)}]\nFROM c'],
    ["SELECT * FROM c WHERE c.a > 1", ""],
  ])("rewrites %s as the service does", (text, rewritten) => {
    expect(info(text).rewrittenQuery).toBe(rewritten);
  });

  test("names the aggregates of SELECT VALUE, and the aliases of others", () => {
    expect(info("SELECT VALUE AVG(c.a) FROM c")).toMatchObject({
      aggregates: ["Average"],
      hasSelectValue: true,
      groupByAliases: [],
    });
    expect(info("SELECT c.team, COUNT(1) AS n FROM c GROUP BY c.team")).toMatchObject({
      aggregates: [],
      groupByExpressions: ["c.team"],
      groupByAliases: ["team", "n"],
      groupByAliasToAggregateType: { team: null, n: "Count" },
      rewrittenQuery:
        'SELECT [{"item": c.team}] AS groupByItems, {"team": c.team, "n": {"item": COUNT(1)}} AS payload\nFROM c\nGROUP BY c.team',
    });
  });

  test("asks every partition for all rows that a page could need", () => {
    expect(info("SELECT * FROM c ORDER BY c.age DESC OFFSET 5 LIMIT 10")).toMatchObject({
      orderBy: ["Descending"],
      orderByExpressions: ["c.age"],
      offset: 5,
      limit: 10,
      rewrittenQuery:
        'SELECT TOP 15 c._rid, [{"item": c.age}] AS orderByItems, c AS payload\nFROM c\nWHERE ({documentdb-formattableorderbyquery-filter})\nORDER BY c.age DESC',
    });
    expect(info("SELECT * FROM c OFFSET @o LIMIT 10", new Map([["@o", 2]]))).toMatchObject({
      offset: 2,
      rewrittenQuery: "SELECT *\nFROM c\nOFFSET 0 LIMIT 12",
    });
  });

  test("tells of DISTINCT and of counted DISTINCT", () => {
    expect(info("SELECT DISTINCT VALUE c.a FROM c")).toMatchObject({ distinctType: "Unordered" });
    expect(info("SELECT DISTINCT VALUE c.a FROM c ORDER BY c.a")).toMatchObject({ distinctType: "Ordered" });
    expect(info("SELECT COUNT(1) AS n FROM (SELECT DISTINCT VALUE c.a FROM c)")).toMatchObject({
      distinctType: "Unordered",
      dCountInfo: { dCountAlias: "n" },
      rewrittenQuery: "SELECT DISTINCT VALUE c.a\nFROM c",
    });
  });

  test("has rewritten queries that run", () => {
    const docs: Json[] = [
      { _rid: "r1", a: 2, t: "x" },
      { _rid: "r2", a: 1, t: "x" },
    ];
    const rows = (text: string) => [...compileQuery(parseQuery(info(text).rewrittenQuery)).run(docs)];
    expect(rows("SELECT VALUE c.t FROM c ORDER BY c.a")).toEqual([
      { _rid: "r2", orderByItems: [{ item: 1 }], payload: "x" },
      { _rid: "r1", orderByItems: [{ item: 2 }], payload: "x" },
    ]);
    expect(rows("SELECT c.t, MAX(c.a) AS m FROM c GROUP BY c.t")).toEqual([
      { groupByItems: [{ item: "x" }], payload: { t: "x", m: { item: 2, item2: { max: 2, count: 2 } } } },
    ]);
  });
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

test("parameters are read from a request", () => {
  expect([...readParameters([{ name: "@a", value: 1 }, { name: "@b" }])]).toEqual([["@a", 1]]);
  expect(() => readParameters([{ name: "a", value: 1 }])).toThrow("starts with '@'");
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
