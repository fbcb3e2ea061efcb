import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compileQuery, type Json, parseCondition, parseQuery, QueryError } from "./query.ts";

const documents: Json[] = [{ id: "1", a: 1, tags: ["x", "y"] }, { id: "2" }];

/** Undefined when it ran. */
const refusal = (text: string): QueryError | undefined => {
  try {
    const query = parseQuery(text);
    const compiled = compileQuery(query, { now: () => 0, random: () => 0.5, maxSteps: 100_000 });
    Array.from(compiled.run(documents));
    return undefined;
  } catch (error) {
    if (error instanceof QueryError) return error;
    throw error;
  }
};

const quick = (text: string): QueryError | undefined => {
  const start = performance.now();
  const error = refusal(text);
  expect(performance.now() - start).toBeLessThan(2000);
  return error;
};

describe("a query that nobody meant well", () => {
  const words =
    "(SELECT SELECT * FROM c WHERE VALUE TOP DISTINCT ORDER BY GROUP OFFSET LIMIT JOIN IN AS AND OR NOT BETWEEN LIKE ESCAPE EXISTS ARRAY ALL FIRST LAST ( ) [ ] { } , . : ? ?? + - * / % || = != < > ~ & | ^ << >>> c c.a \"a\" 'b' 1 1.5 -1 @p true null undefined COUNT SUM ABS CONCAT udf RANK".split(
      " ",
    );

  test("made of random words is answered or refused, never crashes", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...words), { maxLength: 25 }), (parts) => {
        refusal(parts.join(" "));
        refusal(`SELECT ${parts.join(" ")}`);
        refusal(`SELECT VALUE c FROM c WHERE ${parts.join(" ")}`);
      }),
      { numRuns: 4000 },
    );
  });

  test("made of random characters is refused with a location in the text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 60 }), (text) => {
        const error = refusal(text);
        for (const { location } of error?.errors ?? []) {
          expect(location?.start).toBeGreaterThanOrEqual(0);
          expect(location?.end).toBeLessThanOrEqual(text.length);
        }
        expect(error).toBeDefined();
      }),
      { numRuns: 3000 },
    );
  });

  test("made from good ones by cutting and doubling never crashes", () => {
    const good = readFileSync(join(import.meta.dirname, "../../../../test/cosmos/golden/queries.txt"), "utf8")
      .split("\n")
      .filter((line) => /^select/i.test(line))
      .map((line) => line.replace(/ (?:=>|!!) .*$/, ""));
    fc.assert(
      fc.property(fc.constantFrom(...good), fc.nat(200), fc.nat(40), fc.nat(200), (text, from, length, to) => {
        const piece = text.slice(from, from + length);
        refusal(text.slice(0, from) + text.slice(from + length));
        refusal(text.slice(0, to) + piece + text.slice(to));
      }),
      { numRuns: 3000 },
    );
  });

  test.each([
    ["parentheses", `SELECT VALUE ${"(".repeat(50_000)}1${")".repeat(50_000)}`],
    ["open parentheses", `SELECT VALUE ${"(".repeat(100_000)}`],
    ["arrays", `SELECT VALUE ${"[".repeat(50_000)}${"]".repeat(50_000)}`],
    ["objects", `SELECT VALUE ${'{"a":'.repeat(20_000)}1${"}".repeat(20_000)}`],
    ["NOT", `SELECT VALUE ${"NOT ".repeat(50_000)}true`],
    ["minus", `SELECT VALUE ${"- ".repeat(50_000)}1`],
    ["conditionals", `SELECT VALUE ${"true ? ".repeat(20_000)}1${": 2".repeat(20_000)}`],
    ["calls", `SELECT VALUE ${"ABS(".repeat(30_000)}1${")".repeat(30_000)}`],
    ["subqueries", `SELECT VALUE ${"(SELECT VALUE ".repeat(10_000)}1${")".repeat(10_000)}`],
    ["ANDs", `SELECT VALUE true${" AND true".repeat(20_000)}`],
    ["additions", `SELECT VALUE 1${" + 1".repeat(20_000)}`],
    ["paths", `SELECT VALUE c${".a".repeat(50_000)} FROM c`],
    ["indexes", `SELECT VALUE c${"[0]".repeat(50_000)} FROM c`],
    ["joins", `SELECT VALUE 1 FROM c${" JOIN t IN c.tags".repeat(1000)}`],
    ["comparisons", `SELECT VALUE 1${" = 1".repeat(50_000)}`],
    ["chains inside of chains", `SELECT VALUE ${"(".repeat(90)}true${`${" AND true".repeat(300)})`.repeat(90)}`],
    ["paths inside of paths", `SELECT VALUE ${"(".repeat(150)}c${`${".a".repeat(400)})`.repeat(150)} FROM c`],
    ["IN items", `SELECT VALUE 1 IN (${"1,".repeat(100_000)}1)`],
    ["text", `SELECT VALUE "${"x".repeat(300_000)}"`],
  ])("with very many %s is refused soon", (_name, text) => {
    expect(quick(text)).toBeInstanceOf(QueryError);
  });

  test("with many values that are allowed runs soon", () => {
    expect(quick(`SELECT VALUE c.a IN (${"1,".repeat(15_000)}1) FROM c`)).toBeUndefined();
    expect(quick(`SELECT VALUE true${" AND true".repeat(900)}`)).toBeUndefined();
    expect(quick(`SELECT VALUE ${"(1 + ".repeat(60)}1${")".repeat(60)}`)).toBeUndefined();
    expect(quick(`SELECT VALUE "${"a".repeat(50_000)}" LIKE "${"%a".repeat(500)}%b"`)).toBeUndefined();
  });

  test("that joins a document's arrays with themselves again and again is stopped", () => {
    const big: Json = { list: Array.from({ length: 300 }, (_, index) => index) };
    const query = parseQuery(
      "SELECT VALUE COUNT(1) FROM c JOIN a IN c.list JOIN b IN c.list JOIN d IN c.list JOIN e IN c.list",
    );
    const compiled = compileQuery(query, { maxSteps: 1_000_000 });
    expect(() => Array.from(compiled.run([big]))).toThrow(QueryError);
  });

  test.each([
    ["arrays", "[a, a]", "[1]"],
    ["objects", '{"x": a, "y": a}', "{}"],
    ["arrays of many", `[${"a,".repeat(200)}a]`, "[1]"],
    ["texts", "a || a", '"ab"'],
    ["joined arrays", "ARRAY_CONCAT(a, a)", "[1]"],
    ["collected arrays", "ARRAY(SELECT VALUE a FROM t IN c.tags)", "[1]"],
  ])("that doubles %s level by level is stopped, or has no such value", (_name, expression, first) => {
    let inner = `SELECT VALUE ${first}`;
    for (let level = 0; level < 60; level++) inner = `SELECT VALUE ${expression} FROM (${inner}) AS a`;
    quick(inner);
    quick(`SELECT VALUE x FROM c JOIN (${inner}) AS x`);
    quick(`SELECT DISTINCT VALUE ToString(x) FROM c JOIN (${inner}) AS x ORDER BY x`);
  });

  test("that names a large document very many times is stopped", () => {
    const large: Json = { list: Array.from({ length: 100_000 }, (_, index) => index) };
    const compiled = compileQuery(parseQuery(`SELECT VALUE [${"c,".repeat(50_000)}c] FROM c`));
    expect(() => Array.from(compiled.run([large]))).toThrow(QueryError);
  });

  test("meets a document nested too deeply to compare", () => {
    const deep = JSON.parse(`${"[".repeat(20_000)}${"]".repeat(20_000)}`) as Json;
    const compiled = compileQuery(parseQuery("SELECT DISTINCT VALUE c FROM c"));
    expect(() => Array.from(compiled.run([deep]))).toThrow(QueryError);
  });

  test("is stopped by the caller's checkpoint", () => {
    const many = Array.from({ length: 20_000 }, (_, id) => ({ id }));
    const checkpoint = (): number => {
      throw new Error("deadline");
    };
    const compiled = compileQuery(parseQuery("SELECT * FROM c WHERE c.x = 1"), { checkpoint });
    expect(() => Array.from(compiled.run(many))).toThrow("deadline");
  });

  test("cannot reach JavaScript's own properties", () => {
    for (const path of ["constructor", "toString", "__proto__", "hasOwnProperty", "valueOf"]) {
      const query = parseQuery(`SELECT VALUE [c.${path}, c["${path}"], c.tags.${path}, c.id.${path}] FROM c`);
      expect([...compileQuery(query).run(documents)]).toEqual([[], []]);
    }
    const [row] = compileQuery(parseQuery('SELECT VALUE {"__proto__": {"polluted": 1}}')).run([]);
    expect(Object.keys(row ?? {})).toEqual(["__proto__"]);
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });
});

test("the condition of a patch is read as a filter", () => {
  const compiled = compileQuery(parseCondition("from c where c.a = 1"));
  expect(documents.map((document) => [...compiled.run([document])].length)).toEqual([1, 0]);
  expect(() => parseCondition("where c.a = 1 nonsense(")).toThrow(QueryError);
});

test("passes of one compiled query do not disturb each other", () => {
  const compiled = compileQuery(parseQuery("SELECT VALUE COUNT(1) FROM c JOIN t IN c.tags"));
  const [first, second] = [compiled.open(), compiled.open()];
  first.push(documents[0] ?? null);
  second.push(documents[0] ?? null);
  first.push(documents[0] ?? null);
  expect([first.finish(), second.finish()]).toEqual([[4], [2]]);
});

test("documents that went through a query are as they were", () => {
  const before = JSON.stringify(documents);
  for (const text of [
    "SELECT VALUE ARRAY_CONCAT(c.tags, c.tags) FROM c",
    "SELECT * FROM c ORDER BY c.id DESC",
    "SELECT VALUE MAKELIST(c) FROM c",
  ])
    Array.from(compileQuery(parseQuery(text)).run(documents));
  expect(JSON.stringify(documents)).toBe(before);
});

test("a reached limit ends the scan", () => {
  const run = compileQuery(parseQuery("SELECT TOP 1 * FROM c")).open();
  expect(run.push(documents[0] ?? null)).toBe(false);
  expect(run.take()).toHaveLength(1);
  expect(run.statistics).toEqual({ documents: 1, rows: 1, functionCalls: 0, userFunctionCalls: 0, output: 1 });
});
