import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { headerOrders } from "./header-orders.ts";

const [culture, , python] = headerOrders;

describe("the order of signed headers", () => {
  it("is that of the JavaScript client's own comparator", async () => {
    const entry = createRequire(import.meta.url).resolve("@azure/storage-blob");
    const root = entry.slice(0, entry.indexOf(join("storage-blob", "dist")));
    const { compareHeader } = (await import(
      pathToFileURL(join(root, "storage-blob", "dist", "esm", "utils", "SharedKeyComparator.js")).href
    )) as { compareHeader: (a: string, b: string) => number };
    expect(dirname(entry)).toContain("storage-blob");
    const name = fc.stringMatching(/^x-ms-meta-[a-z0-9_!#$%&*.^|~+'-]{0,8}$/);
    fc.assert(
      fc.property(name, name, (a, b) => {
        if (a === b) return;
        expect(Math.sign(culture?.(a, b) ?? 0)).toBe(compareHeader(a, b));
      }),
      { numRuns: 5000 },
    );
  });

  it("puts hyphens and underscores as Python's alphabet does", () => {
    expect(["x-ms-meta-a0", "x-ms-meta-a_b", "x-ms-meta-a-c"].toSorted(python)).toEqual([
      "x-ms-meta-a-c",
      "x-ms-meta-a_b",
      "x-ms-meta-a0",
    ]);
  });
});
