import { afterAll, beforeAll, expect, it } from "vitest";
import { startTestTenant, type TestTenant } from "../../../test/support/tenant.ts";

let test: TestTenant;
let group: string;
beforeAll(async () => {
  test = await startTestTenant();
  group = `/subscriptions/${test.tenant.info.subscriptionId}/resourceGroups/tagged`;
  await test.arm("PUT", group, { location: "eastus", tags: { a: "1" } });
});
afterAll(() => test[Symbol.asyncDispose]());

const address = () => `${group}/providers/Microsoft.Resources/tags/default`;
const patch = (operation: string, tags: Record<string, string>) =>
  test.arm("PATCH", address(), { operation, properties: { tags } });

it("reads, replaces, merges and deletes the tags of a group, and nothing else of it", async () => {
  expect((await test.arm("GET", address())).body.properties.tags).toEqual({ a: "1" });
  expect((await patch("Merge", { b: "2" })).body.properties.tags).toEqual({ a: "1", b: "2" });
  expect((await patch("Delete", { a: "other", b: "2" })).body.properties.tags).toEqual({ a: "1" });
  expect((await patch("Replace", { c: "3" })).body.properties.tags).toEqual({ c: "3" });
  expect((await test.arm("PUT", address(), { properties: { tags: { d: "4" } } })).status).toBe(200);
  expect((await test.arm("GET", group)).body).toMatchObject({ location: "eastus", tags: { d: "4" } });
  await test.arm("DELETE", address());
  expect((await test.arm("GET", group)).body.tags).toEqual({});
});

it("refuses too many tags, unknown operations and what does not exist", async () => {
  const many = Object.fromEntries(Array.from({ length: 51 }, (_, index) => [`t${index}`, "x"]));
  expect((await patch("Merge", many)).status).toBe(400);
  expect((await patch("Toggle", { a: "1" })).status).toBe(400);
  const elsewhere = `${group}x/providers/Microsoft.Resources/tags/default`;
  expect((await test.arm("PUT", elsewhere, { properties: { tags: {} } })).status).toBe(404);
});
