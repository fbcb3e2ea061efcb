import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { matchesAction } from "./patterns.ts";

describe("action patterns", () => {
  it("`/*/` matches zero, one and more segments", () => {
    const pattern = "Microsoft.ManagedIdentity/userAssignedIdentities/*/assign/action";
    expect(matchesAction(pattern, "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action")).toBe(true);
    expect(matchesAction(pattern, "Microsoft.ManagedIdentity/userAssignedIdentities/a/assign/action")).toBe(true);
    expect(matchesAction(pattern, "Microsoft.ManagedIdentity/userAssignedIdentities/a/b/assign/action")).toBe(true);
    expect(matchesAction(pattern, "Microsoft.ManagedIdentity/userAssignedIdentitiesassign/action")).toBe(false);
    expect(matchesAction(pattern, "Microsoft.ManagedIdentity/userAssignedIdentities/xassign/action")).toBe(false);
  });
  it("`*` crosses segments", () => {
    expect(matchesAction("*/read", "Microsoft.Web/sites/config/read")).toBe(true);
    expect(matchesAction("*", "Microsoft.Web/sites/write")).toBe(true);
    expect(matchesAction("Microsoft.Web/sites/*", "Microsoft.Web/sites/config/list/action")).toBe(true);
    expect(matchesAction("*/read", "Microsoft.Web/sites/write")).toBe(false);
    expect(matchesAction("Microsoft.Web/sites/*", "Microsoft.Web/sites")).toBe(false);
  });
  it("letter case does not matter", () => {
    expect(matchesAction("Microsoft.DocumentDb/databaseAccounts/*", "microsoft.documentdb/DATABASEACCOUNTS/read")).toBe(
      true,
    );
  });
  it("dots are dots and a pattern is anchored at both ends", () => {
    expect(matchesAction("Microsoft.Web/sites/read", "MicrosoftxWeb/sites/read")).toBe(false);
    expect(matchesAction("Microsoft.Web/sites/read", "Microsoft.Web/sites/read/x")).toBe(false);
    expect(matchesAction("Microsoft.Web/sites/*/read", "x.Microsoft.Web/sites/read")).toBe(false);
  });

  const escape = (text: string): string => text.replaceAll(/[.+?^${}()|[\]\\]/g, String.raw`\$&`);
  const regexp = (pattern: string): RegExp => {
    const groups = pattern.toLowerCase().split("/*/");
    return new RegExp(`^${groups.map((g) => g.split("*").map(escape).join(".*")).join("/(?:.*/)?")}$`);
  };
  const part = fc.array(fc.constantFrom("a", "b", "/", "*", "/*/", "."), { maxLength: 8 }).map((all) => all.join(""));

  it("agrees with the regular expression of the reference on any pattern and action", () => {
    fc.assert(
      fc.property(part, part, (pattern, action) => {
        expect(matchesAction(pattern, action)).toBe(regexp(pattern).test(action.toLowerCase()));
      }),
      { numRuns: 5000 },
    );
  });
  it("a pattern full of wildcards takes no time", () => {
    const started = performance.now();
    expect(matchesAction(`${"*a".repeat(200)}*b`, "a".repeat(5000))).toBe(false);
    expect(matchesAction(`a${"/*/a".repeat(200)}/b`, `a${"/a".repeat(5000)}`)).toBe(false);
    expect(performance.now() - started).toBeLessThan(500);
  });
});
