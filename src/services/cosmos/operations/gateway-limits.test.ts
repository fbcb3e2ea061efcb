import { expect, it } from "vitest";
import { openQueryEngine } from "../query-engine.ts";
import { checkServable } from "./gateway-limits.ts";

const engine = openQueryEngine({
  clock: { now: () => 0, wall: () => 0 },
  ids: { guid: () => "", bytes: (count) => Buffer.alloc(count) },
});
const asked = (
  text: string,
  { go = true, across = true, key }: { go?: boolean; across?: boolean; key?: string } = {},
) => {
  const query = engine.prepare({ text, parameters: [] }, undefined);
  const header = (name: string) =>
    (go && name === "x-ms-documentdb-query") || (across && name === "x-ms-documentdb-query-enablecrosspartition")
      ? "True"
      : undefined;
  const extent = { key: key === undefined ? undefined : [key], range: undefined };
  return () => checkServable({ header }, extent, query, { paths: ["/pk"], kind: "Hash", version: 2 });
};

it.each([
  "SELECT * FROM c ORDER BY c.x",
  "SELECT TOP 1 * FROM c",
  "SELECT DISTINCT c.x FROM c",
  "SELECT VALUE COUNT(1) FROM c",
  "SELECT c.x FROM c GROUP BY c.x",
  "SELECT * FROM c OFFSET 1 LIMIT 1",
  "SELECT TOP 1 * FROM c WHERE c.pk > 'a'",
])("refuses the client for Go, over partitions: %s", (text) => {
  expect(asked(text)).toThrow("can not be directly served by the gateway");
  expect(asked(text, { go: false })).not.toThrow();
  expect(asked(text, { key: "a" })).not.toThrow();
});

it.each([
  "SELECT c.x FROM c JOIN t IN c.tags WHERE c.y > 1",
  "SELECT TOP 1 * FROM c WHERE c.pk = 'a' AND c.y > 1",
  "SELECT VALUE 1",
])("serves it: %s", (text) => {
  expect(asked(text)).not.toThrow();
});

it("answers a query for more than one key only when the client wants that", () => {
  const disabled = "Cross partition query is required but disabled";
  expect(asked("SELECT * FROM c WHERE c.x = 1", { go: false, across: false })).toThrow(disabled);
  expect(asked("SELECT * FROM c WHERE c.pk IN ('a', 'b')", { go: false, across: false })).toThrow(disabled);
  expect(asked("SELECT * FROM c WHERE c.pk = 'a' OR c.x = 1", { go: false, across: false })).toThrow(disabled);
  expect(asked("SELECT * FROM c WHERE c.pk = 'a' ORDER BY c.x", { go: false, across: false })).not.toThrow();
  expect(asked("SELECT * FROM c", { go: false, across: false, key: "a" })).not.toThrow();
});
