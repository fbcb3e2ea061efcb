import { expect, it } from "vitest";
import type { CosmosCall } from "../target.ts";
import { extentOf } from "./answers.ts";

const definition = { paths: ["/pk"], kind: "Hash", version: 2 } as const;
const extent = (headers: Readonly<Record<string, string>>) =>
  extentOf({ request: { header: (name: string) => headers[name] } } as unknown as CosmosCall, definition);

it("takes a range of effective partition keys with and without its type, in either case", () => {
  const bounds = { "x-ms-start-epk": "3A53", "x-ms-end-epk": "3a54" };
  const range = { start: "3A53", end: "3A54" };
  expect(extent({ ...bounds, "x-ms-read-key-type": "EffectivePartitionKeyRange" }).range).toEqual(range);
  // As Python 4.9 asks for the changes of one partition key.
  expect(extent(bounds).range).toEqual(range);
  expect(extent({ "x-ms-end-epk": "3a54" }).range).toEqual({ start: "", end: "3A54" });
  expect(extent({})).toEqual({ key: undefined, range: undefined });
});
