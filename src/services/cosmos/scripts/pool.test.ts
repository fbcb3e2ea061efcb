import { expect, it } from "vitest";
import { openScriptPool } from "./pool.ts";

it("a query whose documents cannot be read leaves nothing behind in a thread", async () => {
  const pool = openScriptPool({ size: 1 });
  const job = {
    text: "SELECT VALUE udf.f(c) FROM c",
    parameters: [],
    computed: [],
    functions: [{ name: "f", source: "(c) => c.n" }],
    now: 0,
    seed: 1,
    milliseconds: 5000,
    maxResultBytes: 1000,
  };
  const batches = async function* (fails: boolean) {
    yield await Promise.resolve('[{"n":1}]');
    if (fails) throw new Error("the disk is gone");
  };
  await expect(pool.query(job, batches(true))).rejects.toThrow("the disk is gone");
  await expect.poll(() => pool.threads()).toBe(0);
  expect(await pool.query(job, batches(false))).toEqual({ ok: true, texts: ["1"] });
  await pool[Symbol.asyncDispose]();
});
