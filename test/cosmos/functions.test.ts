/** User-defined functions in queries, by `@azure/cosmos`. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { contributor } from "./world.ts";
import { type ScriptWorld, startScriptWorld } from "./scripts-world.ts";

let world: ScriptWorld;
beforeAll(async () => {
  world = await startScriptWorld();
  await world.assign(contributor);
  const functions = {
    tax: `function tax(income) {
      if (income === undefined) throw "no input";
      return income < 1000 ? income * 0.1 : income < 10000 ? income * 0.2 : income * 0.4;
    }`,
    kind: "function (x) { return x === undefined ? 'undefined' : x === null ? 'null' : Array.isArray(x) ? 'array' : typeof x; }",
    same: "(x) => x",
    nothing: "function () {}",
    mutate: "function (x) { x.n = -1; x.list.push(9); return x.list.length; }",
    context: "function () { return typeof getContext + typeof __ + typeof process + typeof host; }",
    broken: "function ( {",
    loop: "function () { for (;;) {} }",
    huge: "function () { return 'x'.repeat(1e6); }",
    cyclic: "function () { const o = {}; o.o = o; return o; }",
    remember: "(() => { let n = 0; return () => ++n; })()",
  };
  await world.keyed()(async (client, _sdk, [all]) => {
    const container = client.database("appdb").container("items");
    for (const [id, body] of Object.entries(all)) await container.scripts.userDefinedFunctions.create({ id, body });
    for (let n = 0; n < 60; n++)
      await container.items.create({
        id: String(n),
        pk: `p${n % 3}`,
        n,
        income: n * 500,
        list: [n],
        ...(n % 2 ? { odd: true } : {}),
      });
  }, functions);
});
afterAll(async () => {
  expect(world.tenant.failures).toEqual([]);
  await world[Symbol.asyncDispose]();
});

const query = (text: string, parameters: { name: string; value: never }[] = [], options = {}) =>
  world.sdk.as(world.endpoint)(
    async (client, _sdk, [spec, given]) =>
      (await client.database("appdb").container("items").items.query<unknown>(spec, given).fetchAll()).resources,
    { query: text, parameters },
    options,
  );

it("stand in SELECT, WHERE, ORDER BY and GROUP BY, with parameters and built-in functions", async () => {
  expect(await query("SELECT VALUE udf.tax(c.income) FROM c WHERE c.n = 20")).toEqual([4000]);
  expect(
    await query("SELECT VALUE c.n FROM c WHERE udf.tax(c.income) > @least ORDER BY c.n", [
      { name: "@least", value: 11_000 as never },
    ]),
  ).toEqual([56, 57, 58, 59]);
  expect(await query("SELECT TOP 2 VALUE c.n FROM c ORDER BY udf.tax(c.income) DESC")).toEqual([59, 58]);
  expect(await query("SELECT udf.kind(c.odd) AS k, COUNT(1) AS n FROM c GROUP BY udf.kind(c.odd)")).toEqual(
    expect.arrayContaining([
      { k: "boolean", n: 30 },
      { k: "undefined", n: 30 },
    ]),
  );
  expect(await query("SELECT VALUE ROUND(udf.same(2.5))")).toEqual([3]);
  expect(await query("SELECT VALUE udf.same(t) FROM c JOIN t IN c.list WHERE c.n = 7")).toEqual([7]);
});

it("take and give undefined, null, arrays and objects", async () => {
  const one = (text: string) => query(`SELECT ${text} FROM c WHERE c.n = 3`);
  expect(
    await one("VALUE [udf.kind(c.none), udf.kind(null), udf.kind([1]), udf.kind({a: 1}), udf.kind('x'), udf.kind()]"),
  ).toEqual([["undefined", "null", "array", "object", "string", "undefined"]]);
  expect(await one("VALUE udf.same({a: [1, null, 'ä']})")).toEqual([{ a: [1, null, "ä"] }]);
  expect(await one("udf.nothing() AS gone, c.n")).toEqual([{ n: 3 }]);
  expect(await one("VALUE udf.nothing()")).toEqual([]);
  expect(await one("VALUE IS_DEFINED(udf.nothing())")).toEqual([false]);
});

it("work on copies, and know nothing but their arguments", async () => {
  expect(await query("SELECT VALUE udf.mutate(c) FROM c WHERE c.n = 5")).toEqual([2]);
  expect(await query("SELECT c.n, c.list FROM c WHERE c.n = 5")).toEqual([{ n: 5, list: [5] }]);
  expect(await query("SELECT VALUE udf.context()")).toEqual(["undefined".repeat(4)]);
  // Nothing is kept from one query to the next.
  const counted = await query("SELECT VALUE udf.remember() FROM c WHERE c.n < 3");
  expect(await query("SELECT VALUE udf.remember() FROM c WHERE c.n < 3")).toEqual(counted);
});

it("come in pages", async () => {
  const pages = await world.sdk.as(world.endpoint)(async (client) => {
    const found: unknown[][] = [];
    const iterator = client
      .database("appdb")
      .container("items")
      .items.query("SELECT VALUE udf.same(c.n) FROM c WHERE c.n < 25", { maxItemCount: 10 });
    while (iterator.hasMoreResults()) {
      const { resources } = await iterator.fetchNext();
      if (resources !== undefined && resources.length > 0) found.push(resources);
    }
    return found;
  });
  expect(pages.map((page) => page.length)).toEqual([10, 10, 5]);
  expect(new Set(pages.flat()).size).toBe(25);
});

it("are refused when they are not there, are too many, throw or do not compile", async () => {
  const refusal = (text: string) =>
    query(text).then(
      () => "",
      (error: { code: number; message: string }) => `${error.code} ${error.message.split("\r\nActivityId")[0]}`,
    );
  expect(await refusal("SELECT VALUE udf.missing(1)")).toMatch(
    /^400 .*'missing' is not a recognized user-defined function/s,
  );
  expect(await refusal(`SELECT ${Array.from({ length: 11 }, (_, n) => `udf.same(${n}) AS x${n}`).join(", ")}`)).toMatch(
    /^400 .*limit is 10/s,
  );
  expect(await refusal("SELECT VALUE udf.tax(c.none) FROM c")).toMatch(
    /^400 .*executing function. Exception = no input/s,
  );
  expect(await refusal("SELECT VALUE udf.broken(1)")).toMatch(/^400 .*compiling function/s);
  expect(await refusal("SELECT VALUE udf.cyclic()")).toMatch(/^400 .*circular/s);
  expect(await refusal("SELECT VALUE udf.huge() FROM c JOIN a IN (SELECT VALUE c.list) JOIN b IN c.list")).toBe("");
});

it("see a function as it is now", async () => {
  const change = (body: string) =>
    world.keyed()(async (client, _sdk, [text]) => {
      const { scripts } = client.database("appdb").container("items");
      await scripts
        .userDefinedFunction("changing")
        .delete()
        .catch(() => undefined);
      await scripts.userDefinedFunctions.create({ id: "changing", body: text });
    }, body);
  await change("() => 1");
  expect(await query("SELECT VALUE udf.changing()")).toEqual([1]);
  await change("() => 2");
  expect(await query("SELECT VALUE udf.changing()")).toEqual([2]);
});

it("may be used by a stored procedure's query", async () => {
  const { value } = await world.run<unknown>(
    `function () {
      __.queryDocuments(__.getSelfLink(), "SELECT VALUE udf.tax(c.income) FROM c WHERE c.n = 3", (error, found) => {
        if (error) throw error;
        __.response.setBody(found);
      });
    }`,
    [],
    "p0",
  );
  expect(value).toEqual([300]);
});

it("that never end are 408 after their time, while others are answered", async () => {
  const ended = query("SELECT VALUE udf.loop()").then(
    () => "ended",
    (error: { code: number }) => error.code,
  );
  const over = new AbortController();
  void ended.then(() => over.abort());
  let answered = 0;
  while (!over.signal.aborted) {
    expect(await query("SELECT VALUE udf.same(1)")).toEqual([1]);
    answered++;
    await new Promise((done) => setTimeout(done, 200));
  }
  expect(await ended).toBe(408);
  expect(answered).toBeGreaterThan(5);
});
