/** Sixteen clients count at once: no update is lost, whichever way they count. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { type CosmosProcess, startCosmosProcess } from "./sdk-process.ts";
import { contributor, startWorld, type World } from "./world.ts";

let world: World;
/** Two programs with eight clients each. */
let programs: readonly CosmosProcess[];
beforeAll(async () => {
  world = await startWorld();
  await world.put("/sqlDatabases/appdb", { resource: { id: "appdb" } });
  await world.put("/sqlDatabases/appdb/containers/counters", {
    resource: { id: "counters", partitionKey: { paths: ["/pk"], kind: "Hash" } },
  });
  await world.assign(contributor);
  programs = [world.sdk, startCosmosProcess(world.env)];
});
afterAll(async () => {
  await programs[1]?.[Symbol.asyncDispose]();
  expect(world.tenant.failures).toEqual([]);
  await world[Symbol.asyncDispose]();
});

const app = () => world.sdk.as(world.endpoint);
const start = (id: string) =>
  app()(async (client, _sdk, [name]) => {
    await client.database("appdb").container("counters").items.create({ id: name, pk: "a", count: 0 });
  }, id);
const countOf = (id: string) =>
  app()(async (client, _sdk, [name]) => {
    const { resource } = await client.database("appdb").container("counters").item(name, "a").read<{ count: number }>();
    return resource?.count;
  }, id);

/** 1 to `last`, which is what sixteen clients were told together when nothing was lost. */
const upTo = (last: number): number[] => Array.from({ length: last }, (_, index) => index + 1);
const sorted = (counts: readonly (readonly number[])[]): number[] => counts.flat().toSorted((a, b) => a - b);

it("with ETags: who is too late hears 412, reads again and loses nothing", async () => {
  await start("etag");
  const done = await Promise.all(
    programs.map((program) =>
      program.as(world.endpoint)(
        async (_client, sdk, [endpoint, key]) => {
          const retryOptions = {
            maxRetryAttemptCount: 0,
            fixedRetryIntervalInMilliseconds: 0,
            maxWaitTimeInSeconds: 0,
          };
          const told: number[] = [];
          let late = 0;
          const count = async (): Promise<void> => {
            const client = new sdk.CosmosClient({ endpoint, key, connectionPolicy: { retryOptions } });
            const item = client.database("appdb").container("counters").item("etag", "a");
            for (let turn = 0; turn < 8;) {
              const { resource } = await item.read<{ id: string; pk: string; count: number; _etag: string }>();
              if (resource === undefined) throw new Error("The counter is gone.");
              const next = { ...resource, count: resource.count + 1 };
              const accessCondition = { type: "IfMatch", condition: resource._etag };
              try {
                await item.replace(next, { accessCondition });
                told.push(next.count);
                turn++;
              } catch (error) {
                if ((error as { code?: unknown }).code !== 412) throw error;
                late++;
              }
            }
            client.dispose();
          };
          await Promise.all(Array.from({ length: 8 }, count));
          return { told, late };
        },
        world.endpoint,
        world.keys.primaryMasterKey,
      ),
    ),
  );
  expect(await countOf("etag")).toBe(128);
  expect(sorted(done.map(({ told }) => told))).toEqual(upTo(128));
  // They were in each other's way, or nothing was shown.
  expect(done.reduce((sum, { late }) => sum + late, 0)).toBeGreaterThan(100);
});

it("with patches: each increment counts and is told its own result", async () => {
  await start("patch");
  const done = await Promise.all(
    programs.map((program) =>
      program.as(world.endpoint)(async (client) => {
        const item = client.database("appdb").container("counters").item("patch", "a");
        const told: number[] = [];
        const count = async (): Promise<void> => {
          for (let turn = 0; turn < 20; turn++) {
            const { resource } = await item.patch<{ id: string; count: number }>([
              { op: "incr", path: "/count", value: 1 },
            ]);
            told.push(resource?.count ?? 0);
          }
        };
        await Promise.all(Array.from({ length: 8 }, count));
        return told;
      }),
    ),
  );
  expect(await countOf("patch")).toBe(320);
  expect(sorted(done)).toEqual(upTo(320));
});

it("with batches: two counters that are counted together stay the same", async () => {
  await start("left");
  await start("right");
  const done = await Promise.all(
    programs.map((program) =>
      program.as(world.endpoint)(async (client) => {
        const container = client.database("appdb").container("counters");
        let apart = 0;
        const count = async (): Promise<void> => {
          for (let turn = 0; turn < 8; turn++) {
            const { result } = await container.items.batch(
              ["left", "right"].map((id) => ({
                operationType: "Patch" as const,
                id,
                resourceBody: { operations: [{ op: "incr" as const, path: "/count", value: 1 }] },
              })),
              "a",
            );
            const [left, right] = (result ?? []).map(({ resourceBody }) => resourceBody?.["count"]);
            if (left !== right || typeof left !== "number") apart++;
          }
        };
        await Promise.all(Array.from({ length: 8 }, count));
        return apart;
      }),
    ),
  );
  expect(done).toEqual([0, 0]);
  expect([await countOf("left"), await countOf("right")]).toEqual([128, 128]);
});

it("for one name: of sixteen that create it, one does", async () => {
  const done = await Promise.all(
    programs.map((program) =>
      program.as(world.endpoint)(async (client) => {
        const { items } = client.database("appdb").container("counters");
        const create = (by: number) =>
          items.create({ id: "one", pk: "a", by }).then(
            ({ statusCode }) => statusCode,
            (error: { code?: number }) => error.code,
          );
        return Promise.all(Array.from({ length: 8 }, (_, by) => create(by)));
      }),
    ),
  );
  expect(done.flat().filter((status) => status === 201)).toEqual([201]);
  expect(done.flat().filter((status) => status === 409)).toHaveLength(15);
});
