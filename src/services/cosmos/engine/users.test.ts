import { expect, it } from "vitest";
import { randomIds } from "../../../kernel/ids.ts";
import { openMemoryStore } from "../../../store/memory.ts";
import { createContainer, createDatabase } from "./catalog.ts";
import { openEngine } from "./engine.ts";
import { deleteUser, findUser, permissionOfRid, putPermission, putUser } from "./users.ts";

it("a user that was made again under the name is not deleted in the place of the first, whose permissions would stay", async () => {
  const engine = openEngine({ store: openMemoryStore(), clock: { now: () => 0, wall: () => 0 }, ids: randomIds });
  const database = await createDatabase(engine, "a", { id: "db" });
  await createContainer(engine, "a", database, { id: "c", partitionKey: { paths: ["/pk"] } });
  const first = await putUser(engine, "a", database, { id: "ann" });
  await deleteUser(engine, "a", database, first);
  const user = await putUser(engine, "a", database, { id: "ann" });
  const asked = { id: "p", permissionMode: "Read", resource: "dbs/db/colls/c" };
  const { rid } = await putPermission(engine, "a", { database, user }, asked);
  await expect(deleteUser(engine, "a", database, first)).rejects.toMatchObject({ status: 404 });
  expect((await findUser(engine, "a", database, "ann")).rid).toBe(user.rid);
  await deleteUser(engine, "a", database, user);
  expect(await permissionOfRid(engine, "a", rid)).toBeUndefined();
});
