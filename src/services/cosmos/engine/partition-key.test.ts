import { expect, it } from "vitest";
import { fullKey, itemKey, keyOfDocument, sameKey } from "./partition-key.ts";
import type { PartitionKeyDefinition } from "./records.ts";

const definition: PartitionKeyDefinition = { paths: ["/pk"], kind: "Hash", version: 2 };

it("a negative zero in a key is the zero that JSON writes, whichever was seen first", () => {
  const negative = fullKey("[-0]", definition);
  const place = itemKey(negative, "a", definition);
  expect(Object.is(negative[0], 0)).toBe(true);
  expect(place).toBe(itemKey([0], "a", definition));
  expect(place).toMatch(/^155B95BEDAC4B1E9EC1CDC9BB0DDDE58\|\[0\]\|a$/);
  expect(sameKey(keyOfDocument(JSON.parse('{"pk":-0}') as { pk: number }, definition), [0])).toBe(true);
});

it("a number that JSON cannot write is no key", () => {
  expect(() => fullKey("[1e999]", definition)).toThrow("too large");
  expect(() => keyOfDocument(JSON.parse('{"pk":-1e999}') as { pk: number }, definition)).toThrow("too large");
});

it("keys of different types are different keys", () => {
  const values = ["1", 1, true, null, undefined, "null", "{}", ""];
  const places = values.map((value) => itemKey([value], "a", definition));
  expect(new Set(places).size).toBe(values.length);
  for (const [left, a] of values.entries())
    for (const [right, b] of values.entries()) expect(sameKey([a], [b])).toBe(left === right);
});
