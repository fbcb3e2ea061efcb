/** A short run of `npm run fuzz`. */
import { expect, it } from "vitest";
import { fuzz } from "./fuzzer.ts";

it("token, identity and vault endpoints answer malformed requests with refusals, and never with a secret", async () => {
  const { findings, statuses, sent } = await fuzz({ count: 1500, seed: 20_260_101 });
  expect(findings).toEqual([]);
  expect(sent).toBe(1500);
  // It reaches behind the doors: some of it is good enough to be answered.
  expect(statuses["200"]).toBeGreaterThan(20);
  expect(statuses["400"]).toBeGreaterThan(100);
}, 120_000);
