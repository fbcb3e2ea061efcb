import { describe, expect, it } from "vitest";
import { firewallOf } from "./firewall.ts";

const deny = (...values: string[]) =>
  firewallOf({ networkAcls: { defaultAction: "Deny", ipRules: values.map((value) => ({ value, action: "Allow" })) } });

describe("an account's firewall", () => {
  it("lets everybody in unless it says otherwise", () => {
    expect(firewallOf({})("127.0.0.1")).toBe(true);
    expect(firewallOf({ networkAcls: { defaultAction: "Allow" } })("127.0.0.1")).toBe(true);
  });

  it("lets nobody in when public network access is disabled", () => {
    expect(firewallOf({ publicNetworkAccess: "Disabled" })("127.0.0.1")).toBe(false);
  });

  it("lets in only addresses and ranges of its rules when it denies by default", () => {
    expect(deny()("127.0.0.1")).toBe(false);
    expect(deny("127.0.0.1")("127.0.0.1")).toBe(true);
    expect(deny("127.0.0.0/8")("127.9.9.9")).toBe(true);
    expect(deny("128.0.0.0/8", "nonsense", "1.2.3.4/99")("127.0.0.1")).toBe(false);
  });
});
