import { expect, it } from "vitest";
import { documentsOf, openContainer } from "./paging.test-support.ts";

it("the next page of an order lacks what was deleted meanwhile, and nothing else", async () => {
  const { write, open, page } = openContainer();
  const docs = Array.from({ length: 12 }, (_, n) => ({ id: `i${String(n).padStart(2, "0")}`, pk: "p", n }));
  await write(docs.map((doc) => [doc, doc] as const));
  const reader = open();
  const extent = { key: ["p"], range: undefined };
  const text = "SELECT VALUE c.n FROM c ORDER BY c.n";
  const first = await page(reader, text, { extent, limit: 4 });
  expect(documentsOf(first)).toEqual([0, 1, 2, 3]);
  await write([[{ id: "i05", pk: "p" }, undefined]]);
  const rest = await page(reader, text, { extent, limit: 100, token: first.token ?? "" });
  expect(documentsOf(rest)).toEqual([4, 6, 7, 8, 9, 10, 11]);
});
