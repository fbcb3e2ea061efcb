/**
 * Requests that nobody thought of: put together at random from each surface's own words and from noise. Set
 * LANYARD_HOSTILE_RUNS for more of them.
 */
import * as fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { WireRequest } from "../support/wire.ts";
import { type Bench, expectAlive, expectRefusal, openBench, type Surface } from "./surfaces.ts";

const runs = Number(process.env["LANYARD_HOSTILE_RUNS"] ?? 100);

let bench: Bench;
beforeAll(async () => {
  bench = await openBench();
});
afterAll(() => bench[Symbol.asyncDispose]());

const noise = fc.oneof(
  fc.string({ maxLength: 30 }),
  fc.string({ unit: "binary", maxLength: 10 }),
  fc.constantFrom(
    "%2F",
    "%00",
    "%ff",
    "..",
    "'",
    '"',
    "(",
    "*",
    "%25",
    "__proto__",
    "constructor",
    "\u202e",
    "x".repeat(300),
  ),
);
/** Sound percent-encoding most of the time: what is broken already never gets far. */
const encoded = (text: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  text.map((each) => {
    try {
      return /^[\w.~%$()'*-]+$/.test(each) ? each : encodeURIComponent(each);
    } catch {
      return "%EF%BF%BD";
    }
  });
const printable = (text: string): string => text.replaceAll(/[^\x20-\x7e]/g, "?");

const requests = (surface: Surface): fc.Arbitrary<WireRequest> => {
  const segment = encoded(
    fc.oneof({ weight: 6, arbitrary: fc.constantFrom(...surface.segments) }, { weight: 1, arbitrary: noise }),
  );
  const own = surface.good.path.replace(/\?.*/, "");
  const path = fc
    .tuple(fc.constantFrom("", own, own.slice(0, own.lastIndexOf("/"))), fc.array(segment, { maxLength: 5 }))
    .map(([start, segments]) => `${start}${segments.map((each) => `/${each}`).join("")}` || "/");
  const parameter = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...surface.queries) },
    { weight: 1, arbitrary: fc.tuple(encoded(noise), encoded(noise)).map(([name, value]) => `${name}=${value}`) },
  );
  const extra = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...surface.extras) },
    {
      weight: 1,
      arbitrary: fc.tuple(
        fc.constantFrom("accept", "if-match", "x-ms-client-request-id", "user-agent"),
        noise.map(printable),
      ),
    },
  );
  const body = fc.oneof(
    { weight: 2, arbitrary: fc.constant(undefined) },
    { weight: 5, arbitrary: fc.constantFrom(...surface.bodies) },
    { weight: 1, arbitrary: fc.json() },
    { weight: 1, arbitrary: noise },
  );
  return fc
    .record({
      method: fc.constantFrom("GET", "GET", "PUT", "PUT", "POST", "DELETE", "PATCH", "HEAD", "OPTIONS"),
      path,
      query: fc.array(parameter, { maxLength: 4 }),
      extras: fc.array(extra, { maxLength: 3 }),
      body,
      authenticated: fc.integer({ min: 0, max: 9 }).map((number) => number > 0),
    })
    .map(({ method, path: target, query, extras, body: content, authenticated }) => ({
      method,
      host: surface.host,
      path: query.length === 0 ? target : `${target}?${query.join("&").replaceAll(" ", "%20")}`,
      headers: { ...(authenticated ? surface.headers : {}), ...Object.fromEntries(extras) },
      ...(content === undefined ? {} : { body: content }),
    }));
};

it.each(["Resource Manager", "Entra", "Graph", "managed identity", "Blob", "Key Vault", "Kudu"])(
  "%s answers whatever it is sent, in its own shape",
  async (name) => {
    const surface = bench.surfaces.find((each) => each.name === name);
    if (surface === undefined) throw new Error(`There is no surface ${name}.`);
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(requests(surface), async (request) => {
        // What a generated request may rightly delete is not what the next one needs.
        if (
          request.method === "DELETE" &&
          /^\/subscriptions\/[^/]+\/resourcegroups\/[^/]+\/?(\?|$)/i.test(request.path)
        )
          return;
        const answer = await bench.steady.send(request);
        if (answer.status >= 400) refused += 1;
        expectRefusal(surface, answer, request.method ?? "GET", `${request.method} ${request.path}`);
        expect(bench.tenant.failures).toEqual([]);
      }),
      { numRuns: runs, interruptAfterTimeLimit: Math.max(60_000, runs * 100) },
    );
    expect(refused).toBeGreaterThan(runs / 4);
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
    if (name !== "Resource Manager" && name !== "Blob") await expectAlive(bench, surface);
  },
  Math.max(60_000, runs * 150),
);
