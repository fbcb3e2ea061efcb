import { join } from "node:path";
import { type ItemsClient, connectItems, stateWith } from "./items.ts";
import { node, run } from "./processes.ts";
import { startDetached } from "./product.ts";
import { compare, interleave, type Work } from "./work.ts";

const documents = 100_000;
const pages = 50;
const byPath = "SELECT * FROM c ORDER BY c.price DESC";
const byExpression = "SELECT * FROM c ORDER BY c.price + c.list[0]";

/** Milliseconds of the first page, and of one of those after it. */
const read = async ({ query }: ItemsClient, text: string): Promise<{ first: number; later: number }> => {
  const began = performance.now();
  let { token } = await query("items", text);
  const first = performance.now() - began;
  for (let page = 0; page < pages; page += 1) ({ token } = await query("items", text, { token }));
  return { first, later: (performance.now() - began - first) / pages };
};

/** ORDER BY over 100,000 documents of 1 KB, page by page over HTTPS, beside one sort of an array of the same documents. */
export const sorted: Work = {
  name: "sorted",
  run: async (bench) => {
    const state = await stateWith(bench, "sorted", { items: documents });
    await using _tenant = await startDetached(bench, state);
    const items = await connectItems(bench, state);
    // Loads the documents and builds the index.
    for (const text of [byPath, byExpression]) await read(items, text);
    const seen = { path: [] as number[], expression: [] as number[] };
    const figures = await interleave(bench.pairs, {
      path: async () => {
        const { first, later } = await read(items, byPath);
        bench.say(`by a path: first page ${first.toFixed(1)} ms, then ${later.toFixed(1)} ms each`);
        seen.path.push(first);
        return later;
      },
      expression: async () => {
        const { first, later } = await read(items, byExpression);
        bench.say(`by an expression: first page ${first.toFixed(1)} ms, then ${later.toFixed(1)} ms each`);
        seen.expression.push(first);
        return later;
      },
      sort: async () => {
        const output = await run(node, [join(import.meta.dirname, "query-filter.ts"), bench.product, "sort"]);
        bench.say(`a sort: ${Number(output).toFixed(1)} ms`);
        return Number(output);
      },
    });
    const peer = "ms: one sort of the array";
    return [
      compare(
        `ORDER BY a path of ${documents} documents, first page of 100 over HTTPS, ${peer}`,
        seen.path,
        figures.sort,
        "<= 1x",
      ),
      compare(`a later page of it, ${peer}`, figures.path, figures.sort, "<= 0.5x"),
      compare(`ORDER BY an expression over them, first page, ${peer}`, seen.expression, figures.sort, "<= 25x"),
      compare(`a later page of it, ${peer}`, figures.expression, figures.sort, "<= 0.5x"),
    ];
  },
};
