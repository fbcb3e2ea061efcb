/**
 * Milliseconds of a query's filter over documents in memory, or of JSON.parse of the same documents, of the built product.
 *
 *   node query-filter.ts PRODUCT filter|parse
 */
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { compileQuery, Json, parseQuery } from "../src/services/cosmos/query/query.ts";

const [product = "", what = ""] = process.argv.slice(2);
const engine = (await import(pathToFileURL(join(product, "dist/services/cosmos/query/query.js")).href)) as {
  compileQuery: typeof compileQuery;
  parseQuery: typeof parseQuery;
};

const texts = Array.from({ length: 100_000 }, (_, id) =>
  JSON.stringify({
    id: `${id}`,
    price: (id * 7919) % 1000,
    active: id % 2 === 0,
    address: { city: `c${id % 50}` },
    filler: "x".repeat(900),
  }),
);
const parse = (): Json[] => texts.map((text) => JSON.parse(text) as Json);
const documents = parse();
const compiled = engine.compileQuery(
  engine.parseQuery("SELECT * FROM c WHERE c.price > 900 AND c.active = true AND c.address.city != 'c4'"),
);
const filter = (): number => [...compiled.run(documents)].length;
if (filter() < 1000) throw new Error("The filter found too few documents.");

const work = what === "filter" ? filter : parse;
for (let warm = 0; warm < 5; warm += 1) work();
const began = performance.now();
const rounds = 10;
for (let round = 0; round < rounds; round += 1) work();
console.log((performance.now() - began) / rounds);
