import { mkdir, mkdtemp, readFile, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve, sep } from "node:path";
import { array, assert, constantFrom, oneof, property, string } from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ArchiveRefused, archiveLimits, extractArchive, inspectArchive, safePath } from "./archive.ts";
import { type ZipEntry, makeZip } from "./zip.test-support.ts";

let top: string;
let count = 0;

beforeAll(async () => {
  top = await mkdtemp(join(tmpdir(), "lanyard-archive-"));
});
afterAll(() => rm(top, { recursive: true, force: true }));

const extract = async (bytes: Buffer, limits = archiveLimits) => {
  count += 1;
  const folder = join(top, String(count), "out");
  await mkdir(folder, { recursive: true });
  const path = join(top, String(count), "in.zip");
  await writeFile(path, bytes);
  const outcome = await extractArchive(path, folder, limits).then(
    (extracted) => ({ extracted, refused: undefined }),
    (error: unknown) => ({ extracted: undefined, refused: error }),
  );
  return { ...outcome, folder, path };
};

const expectRefused = async (entries: readonly ZipEntry[], reason: RegExp, limits = archiveLimits) => {
  const { refused, folder } = await extract(makeZip([{ name: "first.txt", content: "x" }, ...entries]), limits);
  expect(refused).toBeInstanceOf(ArchiveRefused);
  expect((refused as Error).message).toMatch(reason);
  expect(await readdir(folder)).toEqual([]);
};

describe("an archive", () => {
  test("is extracted with its folders and executable bits, and nothing else of its modes", async () => {
    const { extracted, folder } = await extract(
      makeZip([
        { name: "a/", mode: 0o040777 },
        { name: "a/b.txt", content: "hello", deflate: true },
        { name: "run", content: "#!/bin/sh", mode: 0o104755 },
        { name: "start.sh", content: "echo" },
        { name: "./c.txt", content: "c" },
      ]),
    );
    expect(extracted?.files).toBe(4);
    expect(await readFile(join(folder, "a/b.txt"), "utf8")).toBe("hello");
    expect((await stat(join(folder, "run"))).mode & 0o7777).toBe(0o755);
    expect((await stat(join(folder, "start.sh"))).mode & 0o7777).toBe(0o755);
    expect((await stat(join(folder, "a/b.txt"))).mode & 0o7777).toBe(0o644);
    expect(await readFile(join(folder, "c.txt"), "utf8")).toBe("c");
  });

  test("has the same content hash however it was zipped, and another one when a byte or a mode changes", async () => {
    const hash = async (entries: readonly ZipEntry[]) => (await extract(makeZip(entries))).extracted?.contentHash;
    const a = { name: "a", content: "1" };
    const b = { name: "b", content: "2" };
    const first = await hash([a, b]);
    expect(await hash([b, { ...a, deflate: true }])).toBe(first);
    expect(await hash([a, { ...b, content: "3" }])).not.toBe(first);
    expect(await hash([a, { ...b, mode: 0o100755 }])).not.toBe(first);
  });

  test.each([
    ["../x", /climbs out/],
    ["a/../../x", /climbs out/],
    ["/etc/passwd", /absolute/],
    ["C:/x", /absolute/],
    ["..\\x", /backslash/],
    ["a\\b", /backslash/],
    ["a//b", /empty part/],
    ["a\u0000b", /control character/],
    ["a\nb", /control character/],
    ["n".repeat(256), /longer than 255/],
    [`${"d/".repeat(600)}x`, /longer than 1024/],
  ])("with an entry named %j is refused before anything is written", (name, reason) =>
    expectRefused([{ name, content: "x" }], reason),
  );

  test.each([
    [0o120777, /symbolic link/],
    [0o020644, /character device/],
    [0o060644, /block device/],
    [0o010644, /named pipe/],
    [0o140644, /socket/],
  ])("with an entry of mode %o is refused", (mode, reason) =>
    expectRefused([{ name: "x", content: "/etc/passwd", mode }], reason),
  );

  test("with one path twice, in another case, or as file and folder is refused", async () => {
    await expectRefused([{ name: "first.txt" }], /appears twice/);
    await expectRefused([{ name: "./first.txt" }], /appears twice/);
    await expectRefused([{ name: "FIRST.txt" }], /by case only/);
    await expectRefused([{ name: "first.txt/x" }], /both a file and a folder/);
    await expectRefused([{ name: "dir/a" }, { name: "DIR/b" }], /by case only/);
    await expectRefused([{ name: "\u00e9" }, { name: "e\u0301" }], /by case only/);
  });

  test("that expands beyond the limits is refused before anything is written", async () => {
    await expectRefused([{ name: "zeros", content: Buffer.alloc(40 * 1024 * 1024), deflate: true }], /times its size/);
    await expectRefused(
      [{ name: "big", content: "x", claimedSize: 0xfffffff0, deflate: true }],
      /expands to more than/,
      {
        ...archiveLimits,
        bytes: 1_000_000,
      },
    );
    await expectRefused([{ name: "a" }, { name: "b" }], /more than 2 entries/, { ...archiveLimits, entries: 2 });
  });

  test("whose entries share their bytes is refused", async () => {
    const content = Buffer.alloc(100_000, "quoted").toString();
    const entries = Array.from({ length: 50 }, (_, at) => ({ name: `f${at}`, content }));
    const { refused, folder } = await extract(makeZip(entries, true));
    expect((refused as Error).message).toMatch(/overlap/);
    expect(await readdir(folder)).toEqual([]);
  });

  test("that is encrypted, damaged or no zip at all is refused", async () => {
    await expectRefused([{ name: "secret", content: "x", flags: 0x801, deflate: true }], /encrypted/);
    const noZip = await extract(Buffer.from("this is not a zip file at all, whatever its name says"));
    expect((noZip.refused as Error).message).toMatch(/no readable zip/);
    const damaged = await extract(makeZip([{ name: "a", content: "hello", crc: 1 }]));
    expect((damaged.refused as Error).message).toMatch(/checksum/);
    const short = await extract(makeZip([{ name: "a", content: "hello", deflate: true, claimedSize: 3 }]));
    expect(short.refused).toBeInstanceOf(ArchiveRefused);
  });

  test("can be inspected without writing", async () => {
    const { path } = await extract(makeZip([{ name: "x/y.sh", content: "1" }]));
    expect(await inspectArchive(path)).toEqual([{ path: "x/y.sh", directory: false, executable: true }]);
  });
});

describe("an entry's name", () => {
  test("that is accepted always stays below the folder and is in normal form", () => {
    const part = oneof(
      constantFrom("..", ".", "", "a", "A", "..a", "\\", "c:", "\u0000", "~", "con", "\u202e", "\ud800"),
      string({ unit: "grapheme", maxLength: 8 }),
    );
    assert(
      property(array(part, { maxLength: 6 }), (parts) => {
        let path: string | undefined;
        try {
          path = safePath(parts.join("/"));
        } catch (error) {
          expect(error).toBeInstanceOf(ArchiveRefused);
          return;
        }
        if (path === undefined) return;
        expect(resolve("/base", path).startsWith(`/base${sep}`)).toBe(true);
        expect(path.split("/")).not.toContain("..");
        expect(path.split("/")).not.toContain("");
        expect(path).not.toMatch(/\\|\0/);
      }),
      { numRuns: 2000 },
    );
  });
});
