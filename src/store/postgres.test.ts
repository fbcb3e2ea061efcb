import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Client } from "pg";
import { storeContract } from "./contract.test-support.ts";
import { startTestServer, type TestServer } from "./postgres/server.test-support.ts";
import { openPostgresStore } from "./postgres/store.ts";
import { StateUnusable, type CollectionSpec, type Store } from "./store.ts";

const server: TestServer | undefined = await startTestServer();
afterAll(() => server?.stop());
const key = Buffer.alloc(32, 5);

const open = (schema: string): Promise<Store> => {
  if (!server) throw new Error("There is no server.");
  return openPostgresStore({ connection: server.connection, key, schema });
};
const counters: CollectionSpec<number> = { name: "counters" };

describe.skipIf(!server)("on an embedded PostgreSQL", () => {
  storeContract("PostgreSQL", () => open("contract"));

  describe("several stores over one PostgreSQL", () => {
    let stores: Store[] = [];
    beforeAll(async () => {
      // At once: each finds the tables half-made by another.
      stores = await Promise.all(Array.from({ length: 4 }, () => open("shared")));
    });
    afterAll(() => Promise.all(stores.map((store) => store.close())));

    test("16 writers over 4 stores that increment in transactions lose nothing", async () => {
      await Promise.all(
        Array.from({ length: 16 }, async (_, writer) => {
          for (let i = 0; i < 5; i++) {
            await stores[writer % 4]?.transact(["p"], async (tx) => {
              const entry = await tx.collection(counters).get("p", "n");
              await tx.collection(counters).put("p", "n", (entry?.value ?? 0) + 1);
            });
          }
        }),
      );
      for (const store of stores) expect((await store.collection(counters).get("p", "n"))?.value).toBe(80);
    });

    test("transactions over the same partitions in opposite orders all get through", async () => {
      await Promise.all(
        Array.from({ length: 16 }, async (_, writer) => {
          const partitions = writer % 2 === 0 ? ["x", "y"] : ["y", "x"];
          await stores[writer % 4]?.transact(partitions, async (tx) => {
            for (const p of partitions) await tx.collection(counters).put(p, String(writer), writer);
          });
        }),
      );
      expect(await stores[0]?.collection(counters).list("x")).toHaveLength(16);
      expect(await stores[1]?.collection(counters).list("y")).toHaveLength(16);
    });

    test("sequences of a partition grow without a repetition, whichever store writes", async () => {
      const puts = Array.from({ length: 40 }, async (_, i) =>
        stores[i % 4]?.collection(counters).put("s", String(i), i),
      );
      const sequences = (await Promise.all(puts)).map((entry) => entry?.sequence);
      expect(new Set(sequences).size).toBe(40);
    });

    test("a content attached through one store is read through another", async () => {
      const content = Buffer.alloc(2_500_000, "abc");
      const upload = await stores[0]?.bytes.receive(
        (async function* () {
          yield content;
        })(),
      );
      if (!upload) throw new Error("There is no upload.");
      await stores[0]?.transact([], async (tx) => tx.attach(upload));
      const read = await stores[1]?.bytes.read(upload.ref, 1_000_000, 2_400_000).toArray();
      expect(Buffer.concat(read ?? []).equals(content.subarray(1_000_000, 2_400_000))).toBe(true);
    });
  });

  test("contents released long ago, and uploads left by a process that died, are swept at opening", async () => {
    const client = new Client(server?.connection);
    await client.connect();
    const store = await open("swept");
    const [released, lost, fresh] = await Promise.all(
      Array.from({ length: 3 }, () =>
        store.bytes.receive(
          (async function* () {
            yield Buffer.alloc(100_000);
          })(),
        ),
      ),
    );
    if (!released || !lost || !fresh) throw new Error("There are no uploads.");
    await store.transact([], async (tx) => tx.attach(released));
    await store.transact([], async (tx) => tx.release(released.ref));
    await store.close();
    const left = async () =>
      (await client.query<{ ref: string }>("select distinct ref from swept.chunks order by ref")).rows.map(
        (r) => r.ref,
      );
    await (await open("swept")).close();
    expect(await left()).toEqual([released.ref, lost.ref, fresh.ref].sort());
    await client.query("update swept.contents set released = now() - interval '2 hours' where released is not null");
    await client.query("update swept.contents set created = now() - interval '2 days' where ref = $1", [lost.ref]);
    await (await open("swept")).close();
    expect(await left()).toEqual([fresh.ref]);
    await client.end();
  });

  test("a newer schema is refused", async () => {
    await (await open("newer")).close();
    const client = new Client(server?.connection);
    await client.connect();
    await client.query("update newer.meta set value = '2' where name = 'schema version'");
    await client.end();
    await expect(open("newer")).rejects.toThrow(StateUnusable);
  });

  test("a connection that is cut is replaced", async () => {
    const store = await open("cut");
    await store.collection(counters).put("p", "a", 1);
    const client = new Client(server?.connection);
    await client.connect();
    await client.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and datname = 'postgres'",
    );
    await client.end();
    await expect
      .poll(() =>
        store
          .collection(counters)
          .get("p", "a")
          .catch(() => undefined),
      )
      .toMatchObject({ value: 1 });
    await store.close();
  });
});
