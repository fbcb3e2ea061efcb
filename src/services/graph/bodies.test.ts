import { afterAll, beforeAll, expect, it } from "vitest";
import { errorOf, type GraphWorld, openGraph } from "./graph.test-support.ts";

let world: GraphWorld;
beforeAll(async () => {
  world = await openGraph();
});
afterAll(async () => {
  expect(world.test.errors).toEqual([]);
  await world[Symbol.asyncDispose]();
});

it.each(["a\0b", "a\ud800b"])(
  "a name that is no text is 400, wherever it would have been kept: %j",
  async (displayName) => {
    const { id } = await world.makeApp("named");
    const group = { displayName, mailNickname: "g", mailEnabled: false, securityEnabled: true };
    const refused = [400, "Request_BadRequest"];
    expect(errorOf(await world.graph("POST", "/applications", { displayName }))).toEqual(refused);
    expect(errorOf(await world.graph("PATCH", `/applications/${id}`, { displayName }))).toEqual(refused);
    expect(errorOf(await world.graph("POST", "/groups", group))).toEqual(refused);
  },
);
