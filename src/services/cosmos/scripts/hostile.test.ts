/** Scripts that mean harm: each ends in bounds of time and memory, and nothing of Node is to be had. */
import { Readable } from "node:stream";
import { afterAll, describe, expect, it } from "vitest";
import { openScriptPool } from "./pool.ts";
import type { ScriptOutcome, ScriptSetup } from "./protocol.ts";

const pool = openScriptPool({ idleMilliseconds: 100 });
afterAll(() => pool[Symbol.asyncDispose]());

const answerAll = () => Promise.resolve('{"resource":{},"options":{}}');

const run = (source: string, milliseconds = 200, perform: () => Promise<string> = answerAll): Promise<ScriptOutcome> =>
  pool.run(
    {
      name: "hostile",
      source,
      now: 1_700_000_000_000,
      milliseconds,
      setup: JSON.stringify({
        kind: "procedure",
        args: [],
        operation: "Execute",
        request: [],
        response: undefined,
        selfLink: "dbs/a/colls/b/",
        altLink: "dbs/A/colls/B",
        logLimit: 1000,
      } satisfies ScriptSetup),
    },
    perform,
  );

const bodyOf = async (source: string): Promise<unknown> => {
  const outcome = await run(source, 5000);
  expect(outcome).toMatchObject({ ok: true });
  return outcome.ok && outcome.response !== undefined ? JSON.parse(outcome.response) : undefined;
};

describe("what takes too long", () => {
  it.each([
    ["an endless loop", "function () { for (;;) {} }"],
    ["one that catches its own end", "function () { for (;;) try { for (;;) {} } catch {} finally { for (;;) {} } }"],
    ["promises that make promises", "function () { (function again() { Promise.resolve().then(again); })(); }"],
    ["an async loop", "async function () { for (;;) await 1; }"],
    ["a generator without end", "function () { for (const x of (function* () { for (;;) yield 1; })()) {} }"],
    ["a regular expression that backtracks", "function () { /^(a+)+$/.test('a'.repeat(50) + 'b'); }"],
    ["an answer that never ends", "function () { __.response.setBody({ toJSON() { for (;;) {} } }); }"],
    [
      "a getter of the global object",
      "function () { Object.defineProperty(Object.prototype, 'error', { get() { for (;;) {} } }); __.createDocument(__.getSelfLink(), {}); }",
    ],
    [
      "questions without end",
      "function () { (function again() { if (!__.createDocument(__.getSelfLink(), {}, again)) for (;;) {} })(); }",
    ],
    [
      "a sort that never agrees",
      "function () { Array.from({ length: 1e5 }, (_, n) => -n).sort(() => { for (;;) {} }); }",
    ],
    ["a proxy of proxies", "function () { const p = new Proxy({}, { get: () => { for (;;) {} } }); p.x; }"],
    ["one function of the engine that looks at no clock", "function () { Array(1e9).join('abc'); }"],
  ])("%s is a timeout", async (_name, source) => {
    const started = performance.now();
    expect(await run(source)).toMatchObject({ ok: false, cause: "timeout" });
    expect(performance.now() - started).toBeLessThan(10_000);
  });

  it("does not keep the next script waiting, nor those beside it", async () => {
    const hostile = run("function () { for (;;) {} }", 1000);
    const order: string[] = [];
    await Promise.all([
      hostile.then(() => order.push("hostile")),
      run("function () { __.response.setBody(1); }").then(() => order.push("good")),
    ]);
    expect(order).toEqual(["good", "hostile"]);
    expect(await bodyOf("function () { __.response.setBody(2); }")).toBe(2);
  });
});

describe("what takes too much", () => {
  it.each([
    ["memory in arrays", "function () { const a = []; for (;;) a.push(new Array(1e5).fill(1)); }"],
    ["memory in strings", "function () { const a = []; for (let n = 0; ; n++) a.push(('x' + n).repeat(1e6)); }"],
    ["memory in buffers", "function () { const a = []; for (;;) a.push(new ArrayBuffer(1e7)); }"],
    ["a text longer than texts can be", "function () { let s = 'x'; for (;;) s += s; }"],
    ["recursion", "function f() { return f() + 1; }"],
    ["recursion of the engine's own", "function () { JSON.parse('['.repeat(1e6)); }"],
    ["a number of a million digits", "function () { let n = 10n; for (;;) n *= n; }"],
    ["objects in objects", "function () { let o = {}; for (let n = 0; n < 3e4; n++) o = { o }; JSON.stringify(o); }"],
  ])("%s is an error of the script", async (_name, source) => {
    expect(await run(source, 8000)).toMatchObject({ ok: false, cause: "thrown" });
    expect(await bodyOf("function () { __.response.setBody('still here'); }")).toBe("still here");
  });

  it("answers beyond the size of a message are refused", async () => {
    expect(await run("function () { __.response.setBody('x'.repeat(5e6)); }", 5000)).toMatchObject({
      ok: false,
      cause: "tooLarge",
    });
  });

  it("questions that nobody can answer at once are not taken up", async () => {
    const asked = await bodyOf(
      "function () { let n = 0; while (n < 1e6 && __.createDocument(__.getSelfLink(), { n })) n++; __.response.setBody(n); }",
    );
    expect(asked).toBe(10_000);
  });

  it("a question beyond the size of an item is refused, and those that come together beyond 32 MB", async () => {
    expect(
      await run("function () { __.createDocument(__.getSelfLink(), { text: 'x'.repeat(5e6) }); }", 5000),
    ).toMatchObject({
      ok: false,
      error: { number: 413 },
    });
    const many =
      "function () { let n = 0; while (__.createDocument(__.getSelfLink(), { text: 'x'.repeat(3e6) })) n++; __.response.setBody(n); }";
    expect(await bodyOf(many)).toBe(11);
  });

  it("prints are cut", async () => {
    const outcome = await run("function () { for (let n = 0; n < 1e4; n++) console.log('x'.repeat(100)); }", 5000);
    expect(outcome.ok && outcome.log.length).toBe(1000);
  });
});

describe("what is not there", () => {
  it("is Node, the network, timers, other threads, and the way out", async () => {
    const names = [
      "process",
      "require",
      "module",
      "fetch",
      "XMLHttpRequest",
      "setTimeout",
      "setImmediate",
      "Worker",
      "WebAssembly",
      "std",
      "os",
      "Deno",
      "Buffer",
      "host",
      "setup",
      "print",
      "load",
      "quit",
    ];
    const found = await bodyOf(
      `function () { __.response.setBody(${JSON.stringify(names)}.filter((name) => typeof globalThis[name] !== "undefined" || (() => { try { return Function("return typeof " + name)() !== "undefined"; } catch { return false; } })())); }`,
    );
    expect(found).toEqual([]);
  });

  it("is any module", async () => {
    const found = await bodyOf(
      `async function () {
        const errors = [];
        for (const name of ["fs", "node:fs", "std", "os", "./thread.js", "data:text/javascript,1"])
          try { await import(name); errors.push("loaded " + name); } catch (error) { errors.push(error.name); }
        __.response.setBody(errors.filter((each) => each.startsWith("loaded")));
      }`,
    );
    expect(found).toEqual([]);
  });

  it("is a constructor of another realm", async () => {
    const found = await bodyOf(
      `function () {
        const roots = [getContext, __.createDocument, console.log, Error, Date, Object.getPrototypeOf(async () => {}).constructor];
        __.response.setBody(roots.map((each) => { try { return each.constructor.constructor("return typeof process")(); } catch (error) { return "undefined"; } }));
      }`,
    );
    expect(found).toEqual(Array.from({ length: 6 }, () => "undefined"));
  });
});

describe("what is tampered with", () => {
  it("hurts nobody but the script itself", async () => {
    const tampering = [
      "Object.prototype.toJSON = () => 'x'",
      "JSON.stringify = JSON.parse = null",
      "Map.prototype.get = Map.prototype.set = null",
      "Array.prototype.map = Array.prototype.join = () => { throw 1; }",
      "String.prototype.replace = () => 'x'",
      "Promise.prototype.then = () => {}",
      "Object.prototype.__proto__ = null",
      "Object.defineProperty(Object.prototype, 'ok', { get: () => true, set() {} })",
      "globalThis.Error = null",
      "delete globalThis.JSON",
    ];
    for (const each of tampering) {
      const source = `function () { try { ${each}; } catch {} __.createDocument(__.getSelfLink(), { a: 1 }, () => { throw { number: {}, message: { toString: null } }; }); }`;
      const outcome = await run(source, 2000);
      expect(outcome.ok, each).toBeTypeOf("boolean");
    }
    expect(await bodyOf("function () { __.response.setBody([1, 2].map((n) => n * 2)); }")).toEqual([2, 4]);
  });

  it("goes with the script: the next one finds everything as it was", async () => {
    await run("function () { globalThis.left = 1; Array.prototype.left = 1; Date.left = 1; }");
    expect(
      await bodyOf("function () { __.response.setBody([typeof globalThis.left, typeof [].left, typeof Date.left]); }"),
    ).toEqual(["undefined", "undefined", "undefined"]);
  });
});

describe("the threads", () => {
  it("are two at most, and go when nobody needs them", async () => {
    await Promise.all(Array.from({ length: 10 }, () => run("function () { __.response.setBody(1); }", 5000)));
    expect(pool.threads()).toBeLessThanOrEqual(2);
    await expect.poll(() => pool.threads(), { timeout: 5000 }).toBe(0);
  });

  it("have a queue that ends somewhere: 429, to come again", async () => {
    const small = openScriptPool({ size: 1, longestQueue: 1 });
    const query = () =>
      small.query(
        {
          text: "SELECT VALUE udf.f()",
          parameters: [],
          computed: [],
          functions: [{ name: "f", source: "() => 1" }],
          now: 0,
          seed: 1,
          milliseconds: 5000,
          maxResultBytes: 1000,
        },
        Readable.from([]),
      );
    const all = await Promise.allSettled([query(), query(), query()]);
    expect(all.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "rejected"]);
    expect(all[2]).toMatchObject({ reason: { status: 429, headers: { "x-ms-retry-after-ms": "1000" } } });
    await small[Symbol.asyncDispose]();
  });

  it("an error of ours is not the script's to see", async () => {
    const failing = () => Promise.reject(new Error("the disk is full"));
    await expect(
      run("function () { __.createDocument(__.getSelfLink(), {}, () => {}); }", 2000, failing),
    ).rejects.toThrow("the disk is full");
    expect(await bodyOf("function () { __.response.setBody(3); }")).toBe(3);
  });
});
