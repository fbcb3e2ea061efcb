import { expect, it } from "vitest";
import { refuseRestrictions } from "./restrictions.ts";

const outcome = (properties: object, config: object): number => {
  try {
    refuseRestrictions(properties as Record<string, string>, config as Record<string, string>);
    return 200;
  } catch (error) {
    return (error as { status: number }).status;
  }
};

it.each([
  ["certificates", { clientCertEnabled: true }, {}],
  ["no public access", { publicNetworkAccess: "Disabled" }, {}],
  ["no public access, in siteConfig", {}, { publicNetworkAccess: "disabled" }],
  ["a rule for an address", {}, { ipSecurityRestrictions: [{ ipAddress: "203.0.113.0/24", action: "Allow" }] }],
  ["a rule that denies all", {}, { scmIpSecurityRestrictions: [{ ipAddress: "Any", action: "Deny" }] }],
  ["a rule for a service tag", {}, { ipSecurityRestrictions: [{ tag: "ServiceTag", ipAddress: "AzureCloud" }] }],
  ["denial by default", {}, { ipSecurityRestrictionsDefaultAction: "Deny" }],
  ["CORS", {}, { cors: { allowedOrigins: ["https://example.com"] } }],
  ["mounts", {}, { azureStorageAccounts: { files: { type: "AzureFiles" } } }],
])("%s: refused rather than kept without effect", (_name, properties, config) => {
  expect(outcome(properties, config)).toBe(400);
});

it("what a client reads and sends back restricts nothing", () => {
  const config = {
    ipSecurityRestrictions: [{ ipAddress: "Any", action: "Allow", priority: 2147483647, name: "Allow all" }],
    scmIpSecurityRestrictions: [],
    ipSecurityRestrictionsDefaultAction: "Allow",
    cors: { allowedOrigins: [], supportCredentials: false },
    azureStorageAccounts: {},
    publicNetworkAccess: "Enabled",
  };
  expect(outcome({ clientCertEnabled: false, publicNetworkAccess: null }, config)).toBe(200);
});
