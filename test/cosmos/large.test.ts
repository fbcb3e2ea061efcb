/** Large items, as a client in a process of its own sends them: one request right behind the other's answer. */
import { expect, it } from "vitest";
import { startWorld } from "./world.ts";

it("large items are written and read back to back on a connection that stays", async () => {
  await using world = await startWorld();
  await world.put("/sqlDatabases/appdb", { resource: { id: "appdb" } });
  await world.put("/sqlDatabases/appdb/containers/items", {
    resource: { id: "items", partitionKey: { paths: ["/pk"], kind: "Hash" } },
  });
  const failures = await world.sdk.as(
    world.endpoint,
    world.keys.primaryMasterKey,
  )(async (client) => {
    const { items } = client.database("appdb").container("items");
    const found: string[] = [];
    for (const size of [90_000, 200_000, 1_900_000])
      for (let n = 0; n < 30; n++)
        try {
          const { resource } = await items.upsert({ id: "1", pk: "a", text: "x".repeat(size + n) });
          if (resource?.["text"].length !== size + n) found.push(`${size}/${n}: cut`);
        } catch (error) {
          found.push(`${size}/${n}: ${(error as Error).message}`);
        }
    return found;
  });
  expect(failures).toEqual([]);
  expect(world.tenant.failures).toEqual([]);
});
