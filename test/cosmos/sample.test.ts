/** The sample `cosmos-items` in a tenant: allowed by its native role, refused without it. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, expect, it } from "vitest";
import { root } from "../support/source.ts";
import { contributor, startWorld, type World } from "./world.ts";

let world: World;
let base: string;
let stop: () => void;

beforeAll(async () => {
  world = await startWorld();
  await world.put("/sqlDatabases/appdb", { resource: { id: "appdb" } });
  await world.put("/sqlDatabases/appdb/containers/items", {
    resource: {
      id: "items",
      partitionKey: { paths: ["/pk"], kind: "Hash" },
      indexingPolicy: {
        compositeIndexes: [
          [
            { path: "/category", order: "ascending" },
            { path: "/price", order: "descending" },
          ],
        ],
      },
    },
  });
  const settings = { COSMOS_ENDPOINT: world.endpoint, COSMOS_DATABASE: "appdb", COSMOS_CONTAINER: "items", PORT: "0" };
  const app = spawn(process.execPath, [join(root, "samples/cosmos-items/src/server.ts")], {
    env: { ...world.env, ...settings },
    stdio: ["ignore", "pipe", "inherit"],
  });
  stop = () => void app.kill();
  const port = await new Promise<number>((resolve, reject) => {
    app.once("exit", (code) => reject(new Error(`The sample ended with ${code}.`)));
    createInterface({ input: app.stdout }).on("line", (line) => {
      const { event, port: listening } = JSON.parse(line) as { event: string; port?: number };
      if (event === "listening" && listening !== undefined) resolve(listening);
    });
  });
  base = `http://127.0.0.1:${port}/api/cosmos/items`;
});
afterAll(async () => {
  stop();
  expect(world.tenant.failures).toEqual([]);
  await world[Symbol.asyncDispose]();
});

const post = (item: unknown) => fetch(base, { method: "POST", body: JSON.stringify(item) });

it("is refused without a role, and saves, reads, replaces, pages and sorts with one", async () => {
  expect((await post({ id: "0" })).status).toBe(502);
  await world.assign(contributor, "/dbs/appdb/colls/items");
  for (let id = 1; id <= 12; id++)
    expect((await post({ id: String(id), category: id % 2 === 0 ? "even" : "odd", price: id })).status).toBe(201);

  const read = await fetch(`${base}/3`);
  expect(await read.json()).toEqual({ id: "3", pk: "3", name: "unnamed", category: "odd", price: 3 });
  const put = (etag: string | null) =>
    fetch(`${base}/3`, { method: "PUT", headers: { "if-match": etag ?? "" }, body: JSON.stringify({ name: "three" }) });
  expect((await put(read.headers.get("etag"))).status).toBe(200);
  expect((await put(read.headers.get("etag"))).status).toBe(412);
  expect((await fetch(`${base}/none`)).status).toBe(404);

  const seen: string[] = [];
  let next = "";
  do {
    const page = (await (await fetch(`${base}?size=5${next}`)).json()) as {
      items: { id: string }[];
      continuation?: string;
    };
    seen.push(...page.items.map(({ id }) => id));
    next = page.continuation === undefined ? "" : `&continuation=${encodeURIComponent(page.continuation)}`;
  } while (next !== "");
  expect(new Set(seen).size).toBe(12);
  expect(seen).toHaveLength(12);

  const dearest = (await (await fetch(`${base}?category=even&size=3`)).json()) as { items: { price: number }[] };
  expect(dearest.items.map(({ price }) => price)).toEqual([12, 10, 8]);
});
