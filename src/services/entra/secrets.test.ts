/** Sign-in with secrets that have a time of their own. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { type GraphWorld, openGraph } from "../graph/graph.test-support.ts";

let world: GraphWorld;
beforeAll(async () => {
  world = await openGraph();
});
afterAll(async () => {
  expect(world.test.errors).toEqual([]);
  await world[Symbol.asyncDispose]();
});

it("a secret is good from its start on, by the tenant's clock", async () => {
  const { id, appId } = await world.makeApp("later");
  const passwordCredential = {
    startDateTime: new Date(Date.now() + 3_600_000).toISOString(),
    endDateTime: new Date(Date.now() + 86_400_000).toISOString(),
  };
  const { body } = await world.graph("POST", `/applications/${id}/addPassword`, { passwordCredential });
  const signIn = () => world.signIn(appId, { client_secret: body.secretText as string });
  expect(await signIn()).toBe(7000215);
  world.test.advance(2 * 3_600_000);
  expect(await signIn()).toBe(200);
});
