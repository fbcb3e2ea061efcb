import { expect, it } from "vitest";
import { documentsOf, openContainer } from "./paging.test-support.ts";

it("pages go on behind values that are too long for a token, with nothing kept of the pages before", async () => {
  const { write, open, page } = openContainer();
  const docs = Array.from({ length: 14 }, (_, n) => ({
    id: `i${n}`,
    pk: `p${n % 3}`,
    n,
    by: `${n < 6 ? "a" : "z".repeat(400)}${String(n).padStart(2, "0")}`,
  }));
  await write(docs.map((doc) => [doc, doc] as const));
  const found: unknown[] = [];
  let token: string | undefined;
  for (let pages = 0; pages < 10 && (pages === 0 || token !== undefined); pages++) {
    // Another reader each time, as after a restart; too little memory to hold the container.
    const answer = await page(open(200), "SELECT VALUE c.n FROM c ORDER BY c.by", {
      limit: 4,
      ...(token === undefined ? {} : { token }),
    });
    found.push(...documentsOf(answer));
    ({ token } = answer);
  }
  expect(found).toEqual(docs.map(({ n }) => n));
});
