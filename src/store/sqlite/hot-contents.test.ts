import { expect, it } from "vitest";
import { hotContents } from "./hot-contents.ts";

it("a content is read once, and anew after it was forgotten", () => {
  const reads: string[] = [];
  const hot = hotContents((ref) => {
    reads.push(ref);
    return ref === "none" ? undefined : Buffer.from(ref);
  });
  for (const ref of ["a", "a", "none", "none"]) hot.get(ref);
  hot.forget("a");
  expect(hot.get("a")?.toString()).toBe("a");
  expect(reads).toEqual(["a", "none", "none", "a"]);
});

it("the oldest contents go when there are too many", () => {
  let reads = 0;
  const hot = hotContents(() => {
    reads += 1;
    return Buffer.alloc(64 * 1024);
  });
  for (let index = 0; index < 300; index += 1) hot.get(String(index));
  hot.get("299");
  expect(reads).toBe(300);
  hot.get("0");
  expect(reads).toBe(301);
});
