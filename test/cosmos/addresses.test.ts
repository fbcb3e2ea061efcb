/** Addresses that the data plane does not have. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { wireOf } from "../support/wire.ts";
import { startWorld, type World } from "./world.ts";

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(async () => {
  expect(world.tenant.failures).toEqual([]);
  await world[Symbol.asyncDispose]();
});

it.each([
  ["/addresses/", 400, "Direct mode"],
  ["/dbs/d/clientencryptionkeys", 400, "Client encryption keys"],
  ["/nothing", 405, "not supported"],
  // What every object of JavaScript has is no name of ours.
  ["/constructor", 405, "not supported"],
  ["/dbs/d/__proto__", 405, "not supported"],
])("%s is %i", async (path, status, text) => {
  const answer = await wireOf(world.env).send({ host: new URL(world.endpoint).hostname, path });
  expect([answer.status, answer.text]).toEqual([status, expect.stringContaining(text)]);
});
