import { expect, it } from "vitest";
import { indexes } from "./indexing.ts";

it("reads the more precise of included and excluded paths", () => {
  const policy = {
    indexingPolicy: {
      indexingMode: "consistent",
      includedPaths: [{ path: "/*" }, { path: "/a/b/?" }],
      excludedPaths: [{ path: "/a/*" }, { path: "/text/?" }],
    },
  };
  const read = (path: string): boolean => indexes(policy, path);
  expect([read("/x"), read("/a"), read("/a/c"), read("/a/b"), read("/text"), read("/ab")]).toEqual([
    true,
    false,
    false,
    true,
    false,
    true,
  ]);
  expect(indexes({ indexingPolicy: { indexingMode: "none" } }, "/x")).toBe(false);
});
