import { join } from "node:path";
import { node, run } from "./processes.ts";
import { compare, interleave, type Work } from "./work.ts";

/** Cosmos DB queries over 100,000 documents of 1 KB in memory, with and without an index, beside JSON.parse of the same documents. */
export const query: Work = {
  name: "query",
  run: async (bench) => {
    const time = async (what: "filter" | "equality" | "range" | "parse"): Promise<number> => {
      const milliseconds = Number(await run(node, [join(import.meta.dirname, "query-filter.ts"), bench.product, what]));
      bench.say(`${what}: ${milliseconds.toFixed(1)} ms`);
      return milliseconds;
    };
    const figures = await interleave(bench.pairs, {
      filter: () => time("filter"),
      equality: () => time("equality"),
      range: () => time("range"),
      parse: () => time("parse"),
    });
    return [
      compare(
        "filter over 100,000 documents of 1 KB, ms: JSON.parse of them",
        figures.filter,
        figures.parse,
        "<= 0.3x",
      ),
      compare(
        "an indexed path = a value over them, through the engine, ms: JSON.parse of them",
        figures.equality,
        figures.parse,
        "<= 0.02x",
      ),
      compare("1 % of an indexed path's values, ms: JSON.parse of them", figures.range, figures.parse, "<= 0.02x"),
    ];
  },
};
