import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { systemClock } from "../../kernel/clock.ts";
import { randomIds } from "../../kernel/ids.ts";
import { openSqliteStore } from "../../store/sqlite/store.ts";
import { putBlob } from "./engine/blobs.ts";
import { collectGarbage, createContainer, deleteContainer } from "./engine/containers.ts";
import { readParts } from "./engine/content.ts";
import { lookUp } from "./engine/blobs.ts";
import { type Engine, openEngine } from "./engine/engine.ts";
import { blobSpec, containerPartition, garbageSpec } from "./engine/records.ts";

const account = "a";
const place = (blob: string) => ({ account, container: "c", blob });
const content = {
  type: "BlockBlob",
  headers: {},
  metadata: undefined,
  tags: undefined,
  tier: undefined,
  md5: undefined,
} as const;
const free = { conditions: undefined, leaseId: undefined };

const put = async (engine: Engine, blob: string, bytes: Buffer): Promise<void> => {
  const upload = await engine.store.bytes.receive(
    (async function* () {
      yield bytes;
    })(),
  );
  await putBlob(engine, place(blob), upload, content, free);
};

const read = async (engine: Engine, blob: string): Promise<Buffer> => {
  const record = await lookUp(engine, place(blob), undefined);
  const found = await readParts(engine, record?.parts ?? [], 0, record?.size ?? 0);
  return "bytes" in found ? found.bytes : Buffer.concat(await found.stream.toArray());
};

describe("the engine on disk", () => {
  it("finds small and large contents again, and finishes what a crash left of a deleted container", async () => {
    const directory = await mkdtemp(join(tmpdir(), "lanyard-blob-"));
    const key = Buffer.alloc(32, 1);
    const open = (): Engine =>
      openEngine({ store: openSqliteStore({ directory, key }), clock: systemClock, ids: randomIds });
    const large = Buffer.alloc(3_000_000, "large");
    const first = open();
    await createContainer(first, place(""), { metadata: undefined, access: undefined });
    await put(first, "small", Buffer.from("small"));
    await put(first, "large", large);
    await first.store.close();
    const second = open();
    expect((await read(second, "small")).toString()).toBe("small");
    expect((await read(second, "large")).equals(large)).toBe(true);
    const uid = (await second.containers.get("a/c"))?.uid ?? "";
    // A crash between the container's end and the release of its content: only the note of it is left.
    await second.store.transact(["storage/a"], async (tx) => {
      await tx.collection<object>({ name: "blob-containers" }).delete("storage/a", "c");
      await tx.collection(garbageSpec).put("storage/a", uid, { uid });
    });
    await second.store.close();
    const third = open();
    await collectGarbage(third, account);
    expect(await third.store.collection(blobSpec).list(containerPartition(account, uid))).toEqual([]);
    expect(await third.store.collection(garbageSpec).list("storage/a")).toEqual([]);
    await createContainer(third, place(""), { metadata: undefined, access: undefined });
    expect(await lookUp(third, place("small"), undefined)).toBeUndefined();
    await deleteContainer(third, place(""), free);
    await third.store.close();
    await rm(directory, { recursive: true });
  });
});
