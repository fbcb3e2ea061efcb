import { describe, expect, test } from "vitest";
import { compileQuery, type Json, parseQuery, QueryError, type QueryOptions } from "./query.ts";

const documents: Json[] = [
  { id: "short", t: "red bicycle", v: [0, 1] },
  { id: "long", t: `red bicycle ${"and other words ".repeat(20)}`, v: [0.9, 0.1] },
  { id: "common", t: "bicycle bicycle", v: [1, 0] },
];
const ids = (text: string, options: QueryOptions = {}): Json[] => [
  ...compileQuery(parseQuery(text), options).run(documents),
];

describe("ORDER BY RANK", () => {
  test("weighs rare words and short texts more when the container's statistics are known", () => {
    const textStatistics = {
      documents: 3,
      holding: (path: string, term: string) => (path === "/t" && term === "red" ? 2 : 3),
      averageLength: () => 22,
    };
    const query = "SELECT VALUE c.id FROM c ORDER BY RANK FullTextScore(c.t, 'red', 'bicycle')";
    expect(ids(query, { textStatistics })).toEqual(["short", "long", "common"]);
  });

  test("fuses ranks, with weights", () => {
    const fused = (weights: string): string =>
      `SELECT VALUE c.id FROM c ORDER BY RANK RRF(FullTextScore(c.t, 'red'), VectorDistance(c.v, [1, 0])${weights})`;
    expect(ids(fused(", [0, 1]"))).toEqual(["common", "long", "short"]);
    expect(ids(fused(", [1, 0]"))).toHaveLength(3);
    expect(ids(fused(", [1, 0]"))[2]).toBe("common");
    // Ranks 1 and 3 make more than 2 and 2: 1/61 + 1/63 > 2/62.
    expect(ids(fused(""))[2]).toBe("long");
  });

  test("takes nothing but scores", () => {
    expect(() => ids("SELECT * FROM c ORDER BY RANK LENGTH(c.t)")).toThrow(QueryError);
    expect(() => ids("SELECT * FROM c ORDER BY RANK RRF(FullTextScore(c.t, 'a'))")).toThrow("at least 2 argument(s)");
    expect(() => ids("SELECT VALUE RRF(1, 2) FROM c")).toThrow("only allowed in the ORDER BY RANK clause");
  });
});

test("ORDER BY VectorDistance goes from the most similar on, by the container's own measure", () => {
  const query = "SELECT VALUE c.id FROM c ORDER BY VectorDistance(c.v, [1, 0])";
  expect(ids(query)).toEqual(["common", "long", "short"]);
  const distanceFunction = (path: string): "euclidean" | undefined => (path === "/v" ? "euclidean" : undefined);
  expect(ids(query, { distanceFunction })).toEqual(["common", "long", "short"]);
  expect(ids("SELECT VALUE VectorDistance(c.v, [1, 1]) FROM c WHERE c.id = 'common'", { distanceFunction })).toEqual([
    1,
  ]);
  expect(
    ids(
      "SELECT VALUE VectorDistance(c.v, [2, 0], true, {'distanceFunction': 'dotproduct'}) FROM c WHERE c.id = 'common'",
      { distanceFunction },
    ),
  ).toEqual([2]);
});
