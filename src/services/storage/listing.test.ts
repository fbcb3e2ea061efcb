import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { systemClock } from "../../kernel/clock.ts";
import { randomIds } from "../../kernel/ids.ts";
import { openMemoryStore } from "../../store/memory.ts";
import { putBlob } from "./engine/blobs.ts";
import { createContainer } from "./engine/containers.ts";
import { snapshotBlob } from "./engine/copies.ts";
import { type Engine, openEngine } from "./engine/engine.ts";
import { listBlobs, type ListItem } from "./engine/listing.ts";
import { withContributor } from "./storage.test-support.ts";

const account = "a";
const content = {
  type: "BlockBlob",
  headers: {},
  metadata: undefined,
  tags: undefined,
  tier: undefined,
  md5: undefined,
} as const;
const free = { conditions: undefined, leaseId: undefined };

const filled = async (names: readonly string[], snapshots: readonly string[] = []): Promise<Engine> => {
  const engine = openEngine({ store: openMemoryStore(), clock: systemClock, ids: randomIds });
  await createContainer(engine, { account, container: "c" }, { metadata: undefined, access: undefined });
  for (const blob of names) await putBlob(engine, { account, container: "c", blob }, undefined, content, free);
  for (const blob of snapshots) await snapshotBlob(engine, { account, container: "c", blob }, undefined, free);
  return engine;
};

const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

/** What a listing must be, worked out the slow way. */
const naive = (names: readonly string[], prefix: string, delimiter: string | undefined): string[] => {
  const found: string[] = [];
  for (const name of names.toSorted(byBytes)) {
    if (!name.startsWith(prefix)) continue;
    const at = delimiter === undefined ? -1 : name.indexOf(delimiter, prefix.length);
    const shown = at < 0 ? `b ${name}` : `p ${name.slice(0, at + (delimiter ?? "").length)}`;
    if (found.at(-1) !== shown) found.push(shown);
  }
  return found;
};

const walk = async (
  engine: Engine,
  prefix: string,
  delimiter: string | undefined,
  limit: number,
  snapshots = false,
) => {
  const found: ListItem[] = [];
  let marker: string | undefined;
  let pages = 0;
  do {
    const page = await listBlobs(
      engine,
      { account, container: "c" },
      { prefix, delimiter, marker, limit, snapshots, uncommitted: false },
    );
    if (marker !== undefined) expect(page.items.length).toBeGreaterThan(0);
    if (!snapshots) expect(page.items.length).toBeLessThanOrEqual(limit);
    found.push(...page.items);
    marker = page.next;
    expect(++pages).toBeLessThan(1000);
  } while (marker !== undefined);
  return found;
};

const text = ({ kind, name }: ListItem): string => `${kind === "prefix" ? "p" : "b"} ${name}`;

const name = fc.string({
  unit: fc.constantFrom("a", "b", "/", "\u{10FFFF}", "\uFFFF", "\u{1F600}"),
  minLength: 1,
  maxLength: 6,
});

describe("listing blobs", () => {
  it("is what a naive model says, for any names, prefix, delimiter and page size", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(name, { maxLength: 30 }),
        fc.constantFrom("", "a", "a/", "b/a", "\u{10FFFF}", "zz"),
        fc.constantFrom(undefined, "/", "ab", "\u{10FFFF}"),
        fc.integer({ min: 1, max: 7 }),
        async (names, prefix, delimiter, limit) => {
          const engine = await filled(names);
          const found = await walk(engine, prefix, delimiter, limit);
          expect(found.map(text)).toEqual(naive(names, prefix, delimiter));
          await engine.store.close();
        },
      ),
      { numRuns: 150 },
    );
  });

  it("shows snapshots before their blob, never split over pages", async () => {
    const engine = await filled(["a", "b", "c"], ["b", "b", "b", "c"]);
    for (const limit of [1, 2, 3, 10]) {
      const found = await walk(engine, "", undefined, limit, true);
      const shown = found.map(
        (item) => `${item.name}${item.kind === "blob" && item.snapshot !== undefined ? "*" : ""}`,
      );
      expect(shown).toEqual(["a", "b*", "b*", "b*", "b", "c*", "c"]);
    }
  });

  it("goes on after its marker when the blobs around it are gone", async () => {
    const { tenant, send } = await withContributor();
    await using _ = tenant;
    const put = (blob: string) =>
      send(`/photos/${blob}`, { method: "PUT", headers: { "x-ms-blob-type": "BlockBlob" } });
    for (const blob of ["a", "b", "c", "d"]) await put(blob);
    const first = await send("/photos?restype=container&comp=list&maxresults=2");
    const marker = /<NextMarker>(.+)<\/NextMarker>/.exec(first.text)?.[1] ?? "";
    for (const blob of ["a", "b", "c"]) await send(`/photos/${blob}`, { method: "DELETE" });
    const second = await send(`/photos?restype=container&comp=list&maxresults=2&marker=${marker}`);
    expect([...second.text.matchAll(/<Name>(.*?)<\/Name>/g)].map((found) => found[1])).toEqual(["d"]);
    expect(second.text).toContain("<NextMarker />");
  });

  it("refuses bad parameters and takes more than 5000 for 5000", async () => {
    const { tenant, send } = await withContributor();
    await using _ = tenant;
    const list = (query: string) => send(`/photos?restype=container&comp=list&${query}`);
    expect((await list("maxresults=0")).code).toBe("OutOfRangeQueryParameterValue");
    expect((await list("maxresults=-1")).code).toBe("OutOfRangeQueryParameterValue");
    expect((await list("maxresults=x")).code).toBe("InvalidQueryParameterValue");
    expect((await list("include=nonsense")).code).toBe("InvalidQueryParameterValue");
    expect((await list("marker=!!")).code).toBe("InvalidQueryParameterValue");
    expect((await list("prefix=%00")).code).toBe("InvalidQueryParameterValue");
    expect((await list("maxresults=9999")).text).toContain("<MaxResults>5000</MaxResults>");
  });

  it("carries names that XML cannot hold", async () => {
    const { tenant, app, send } = await withContributor();
    await using _ = tenant;
    await send(`/photos/${encodeURIComponent('a\u0001<&>"')}`, {
      method: "PUT",
      headers: { "x-ms-blob-type": "BlockBlob" },
    });
    const names: string[] = [];
    for await (const item of tenant.sdk(app).getContainerClient("photos").listBlobsFlat()) names.push(item.name);
    expect(names).toEqual(['a\u0001<&>"']);
  });

  it("walks a hierarchy through the SDK", async () => {
    const { tenant, app, send } = await withContributor();
    await using _ = tenant;
    for (const blob of ["a/1", "a/2", "b/1", "top"])
      await send(`/photos/${blob}`, { method: "PUT", headers: { "x-ms-blob-type": "BlockBlob" } });
    const found: string[] = [];
    for await (const item of tenant.sdk(app).getContainerClient("photos").listBlobsByHierarchy("/"))
      found.push(`${item.kind} ${item.name}`);
    expect(found).toEqual(["prefix a/", "prefix b/", "blob top"]);
  });
});
