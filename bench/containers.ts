import { join } from "node:path";
import { documentOf, type ItemsClient, connectItems, stateWith } from "./items.ts";
import { node, residentMegabytes, run } from "./processes.ts";
import { startDetached } from "./product.ts";
import { compare, interleave, limit, type Work } from "./work.ts";

const many = 1_000_000;
const few = 10;
const held = 100_000;

const time = async (work: () => Promise<unknown>): Promise<number> => {
  const began = performance.now();
  await work();
  return performance.now() - began;
};

/** What somebody does first: an item, the items of a key, a few items, the first page of all. */
const open = async ({ read, query, feed }: ItemsClient): Promise<void> => {
  await read("items", "item-5");
  await query("items", "SELECT * FROM c", { key: "item-5" });
  await query("items", "SELECT * FROM c WHERE c.pk = 'item-7'");
  await query("items", "SELECT TOP 10 * FROM c");
  await feed("items");
};

/** A container of a million documents after a restart, and what documents in memory take. */
export const containers: Work = {
  name: "containers",
  run: async (bench) => {
    const large = await stateWith(bench, "containers-large", { items: many });
    const small = await stateWith(bench, "containers-small", { items: few });
    const opening = (state: string, what: string) => async (): Promise<{ ready: number; opened: number }> => {
      await using tenant = await startDetached(bench, state);
      const items = await connectItems(bench, state);
      const opened = await time(() => open(items));
      bench.say(`${what}: ready after ${tenant.readyAfter.toFixed(0)} ms, opened in ${opened.toFixed(0)} ms`);
      return { ready: tenant.readyAfter, opened };
    };
    const seen = { large: [] as number[], small: [] as number[] };
    const sides = {
      large: opening(large, `${many} documents`),
      small: opening(small, `${few} documents`),
    };
    const ready = await interleave(bench.pairs, {
      large: async () => {
        const { ready: after, opened } = await sides.large();
        seen.large.push(opened);
        return after;
      },
      small: async () => {
        const { ready: after, opened } = await sides.small();
        seen.small.push(opened);
        return after;
      },
    });

    // A scan of what does not fit into memory: how long, and what it takes.
    const rows = [];
    {
      await using tenant = await startDetached(bench, large);
      const items = await connectItems(bench, large);
      await open(items);
      const before = residentMegabytes(tenant.pid);
      let most = before;
      const watch = setInterval(() => (most = Math.max(most, residentMegabytes(tenant.pid))), 100);
      const parse = async (): Promise<number> =>
        10 * Number(await run(node, [join(import.meta.dirname, "query-filter.ts"), bench.product, "parse"]));
      const scans = await interleave(Math.min(bench.pairs, 3), {
        scan: () => time(() => items.query("items", "SELECT VALUE COUNT(1) FROM c WHERE c.active = true")),
        parse,
      });
      clearInterval(watch);
      bench.say(`a scan: ${scans.scan.map((each) => each.toFixed(0)).join(", ")} ms, ${before} to ${most} MB`);
      rows.push(
        compare(
          `scan of ${many} documents of 1 KB that are not held, ms: JSON.parse of as many`,
          scans.scan,
          scans.parse,
          "<= 12x",
        ),
        limit("memory that such scans take at most, MB: bound of documents held", most - before, "<= 3x", 268),
      );
    }
    {
      const state = await stateWith(bench, "containers-held", { items: held });
      const megabytes = (held * JSON.stringify(documentOf(12_345)).length) / 1e6;
      await using tenant = await startDetached(bench, state);
      const items = await connectItems(bench, state);
      await open(items);
      const before = residentMegabytes(tenant.pid);
      await items.query("items", "SELECT VALUE COUNT(1) FROM c WHERE c.active = true");
      for (let n = 0; n < 20; n += 1) await items.query("items", `SELECT * FROM c WHERE c.price = ${n}`);
      const after = residentMegabytes(tenant.pid);
      bench.say(`${held} documents held: ${before} to ${after} MB, of ${megabytes} MB of JSON`);
      rows.push(
        limit(`memory of ${held} documents held with an index, MB: their JSON`, after - before, "<= 3x", megabytes),
      );
    }
    return [
      compare(`start with ${many} documents, ms: with ${few}`, ready.large, ready.small, "<= 2x"),
      compare(`first item, key, TOP 10 and page after it, ms: of ${few} documents`, seen.large, seen.small, "<= 2x"),
      ...rows,
    ];
  },
};
