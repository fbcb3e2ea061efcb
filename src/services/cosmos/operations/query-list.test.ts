import { expect, test } from "vitest";
import { querySpec } from "./query-list.ts";

test("parameters are read from a request; none at all are none", () => {
  const query = "SELECT * FROM c";
  expect(querySpec({ query, parameters: [{ name: "@a", value: 1 }] }).parameters).toEqual([{ name: "@a", value: 1 }]);
  expect(querySpec({ query }).parameters).toEqual([]);
  expect(querySpec({ query, parameters: null }).parameters).toEqual([]);
});

test.each([[{ "@a": 1 }], ["@a"], [7], [[{ name: "a", value: 1 }]], [[null]], [[{ value: 1 }]]])(
  "parameters %j are refused",
  (parameters) => {
    expect(() => querySpec({ query: "SELECT * FROM c", parameters })).toThrow(/parameter/);
  },
);
