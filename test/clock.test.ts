/** The tenant clock moves what depends on time together: tokens as they are issued, checked and cached. */
import { decodeJwt } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startTestTenant, type TestTenant } from "./support/tenant.ts";

let test: TestTenant;
let scope: string;
beforeAll(async () => {
  test = await startTestTenant();
  scope = `/subscriptions/${test.tenant.info.subscriptionId}`;
});
afterAll(() => test[Symbol.asyncDispose]());

const day = 86_400_000;

describe("the tenant's clock", () => {
  it("ends tokens that were issued before it was advanced, and dates new ones", async () => {
    const before = await test.developerToken();
    expect((await test.arm("GET", scope, undefined, before)).status).toBe(200);
    await test.tenant.clock.change({ kind: "advance", by: 2 * day });
    const refused = await test.arm("GET", scope, undefined, before);
    expect([refused.status, refused.body.error.code]).toEqual([401, "ExpiredAuthenticationToken"]);
    const after = await test.developerToken();
    expect((await test.arm("GET", scope, undefined, after)).status).toBe(200);
    expect(Number(decodeJwt(after).exp) * 1000).toBeGreaterThan(Date.now() + 2 * day);
  });

  it("makes a token of the future wait when it is set back", async () => {
    const future = await test.developerToken();
    await test.tenant.clock.change({ kind: "reset" });
    expect((await test.arm("GET", scope, undefined, future)).status).toBe(401);
  });

  it("lets nothing expire while it is frozen, and dates resources by itself", async () => {
    await test.tenant.clock.change({ kind: "freeze" });
    await test.tenant.clock.change({ kind: "set", to: Date.UTC(2031, 4, 5, 6, 7, 8) });
    const group = `${scope}/resourceGroups/dated`;
    await test.arm("PUT", group, { location: "eastus" });
    const id = `${group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/dated`;
    const made = await test.arm("PUT", id, { location: "eastus" });
    expect(made.body.systemData.createdAt).toMatch(/^2031-05-05T06:07:08/);
    await test.tenant.clock.change({ kind: "reset" });
  });
});
