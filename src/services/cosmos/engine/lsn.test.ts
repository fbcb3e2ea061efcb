import { expect, it } from "vitest";
import { systemClock } from "../../../kernel/clock.ts";
import { randomIds } from "../../../kernel/ids.ts";
import { openMemoryStore } from "../../../store/memory.ts";
import { createContainer, createDatabase } from "./catalog.ts";
import { currentLsn, sawLsn } from "./change-feed.ts";
import { findContainer, inContainer, lsnOf, openEngine } from "./engine.ts";
import { createItem } from "./items.ts";

it("no LSN that was told is forgotten over a restart, that of a place in the change feed included", async () => {
  const store = openMemoryStore();
  const open = () => openEngine({ store, clock: systemClock, ids: randomIds });
  const first = open();
  const database = await createDatabase(first, "a", { id: "db" });
  const container = await createContainer(first, "a", database, { id: "c", partitionKey: { paths: ["/pk"] } });
  const place = { account: "a", container };
  await inContainer(first, place, (scene) => createItem(scene, ["k"], { id: "1", pk: "k" }));
  const told = await currentLsn(first, place);

  const second = open();
  expect((await findContainer(second, "a", "db", "c"))?.rid).toBe(container.rid);
  expect(lsnOf(second, container)).toBe(told);
  expect(await sawLsn(second, place, told)).toBe(true);
  expect(await sawLsn(second, place, told + 1)).toBe(false);
  // What another process wrote since.
  await inContainer(first, place, (scene) => createItem(scene, ["k"], { id: "2", pk: "k" }));
  expect(await sawLsn(second, place, told + 1)).toBe(true);
});
