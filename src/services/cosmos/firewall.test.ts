import { describe, expect, it } from "vitest";
import { firewallOf } from "./firewall.ts";

const rule = (...ranges: string[]) => ({ ipRules: ranges.map((ipAddressOrRange) => ({ ipAddressOrRange })) });

describe("the firewall of an account", () => {
  it.each([
    ["no rules", {}, true],
    ["no public access", { publicNetworkAccess: "Disabled" }, false],
    ["no public access, whatever the rules", { publicNetworkAccess: "disabled", ...rule("127.0.0.1") }, false],
    ["a perimeter", { publicNetworkAccess: "SecuredByPerimeter" }, false],
    ["its address", rule("203.0.113.7", "127.0.0.1"), true],
    ["a range with its address", rule("127.0.0.0/8"), true],
    ["another address", rule("203.0.113.7"), false],
    ["Azure's data centres", rule("0.0.0.0"), false],
    ["everybody", rule("0.0.0.0/0"), true],
    ["nonsense", rule("localhost", "127.0.0.1/33", "127.0.0.1/8/8"), false],
    ["virtual networks alone", { isVirtualNetworkFilterEnabled: true, virtualNetworkRules: [] }, false],
    ["virtual networks and its address", { isVirtualNetworkFilterEnabled: true, ...rule("127.0.0.1") }, true],
  ])("with %s", (_name, properties, admitted) => {
    expect(firewallOf(properties)("127.0.0.1")).toBe(admitted);
    expect(firewallOf(properties)("::ffff:127.0.0.1")).toBe(admitted);
  });

  it("lets no IPv6 address in by rules that have none", () => {
    expect(firewallOf(rule("127.0.0.1"))("::1")).toBe(false);
  });
});
