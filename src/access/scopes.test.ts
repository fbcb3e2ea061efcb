import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { covers, parseScope, selfAndParents } from "./scopes.ts";

const account = "/subscriptions/S1/resourceGroups/rg1/providers/Microsoft.Storage/storageAccounts/acme";

describe("scopes", () => {
  it("names the level of each kind of scope", () => {
    const levels = Object.fromEntries(
      [
        "/",
        "/providers/Microsoft.Management/managementGroups/m1",
        "/providers/Microsoft.Management/managementGroups",
        "/subscriptions/s",
        "/subscriptions/s/resourceGroups/rg",
        "/subscriptions/s/resourceGroups",
        account,
        `${account}/blobServices/default/containers/photos`,
        `${account}/blobServices`,
        "/subscriptions/s/providers/Microsoft.Authorization/locks/l",
        "/elsewhere",
      ].map((text) => [text, parseScope(text)?.level]),
    );
    expect(Object.values(levels)).toEqual([
      "root",
      "managementGroup",
      "other",
      "subscription",
      "resourceGroup",
      "other",
      "resource",
      "resource",
      "other",
      "resource",
      "other",
    ]);
  });
  it("collapses doubled and trailing slashes and keeps the letter case of the text", () => {
    expect(parseScope("//subscriptions/S1//resourceGroups/Rg/")).toMatchObject({
      text: "/subscriptions/S1/resourceGroups/Rg",
      key: "/subscriptions/s1/resourcegroups/rg",
      subscription: "S1",
      resourceGroup: "Rg",
    });
  });
  it("refuses texts that are no absolute path or climb", () => {
    expect(parseScope("subscriptions/s")).toBeUndefined();
    expect(parseScope("")).toBeUndefined();
    expect(parseScope("/subscriptions/s/resourceGroups/rg1/../rg2")).toBeUndefined();
    expect(parseScope("/subscriptions/./s")).toBeUndefined();
  });
  it("covers by whole segment, never by prefix", () => {
    expect(covers("/subscriptions/s/resourceGroups/rg1", "/subscriptions/s/resourceGroups/rg10")).toBe(false);
    expect(
      covers(`${account}/blobServices/default/containers/photos`, `${account}/blobServices/default/containers/photos2`),
    ).toBe(false);
    expect(covers("/subscriptions/s/resourceGroups/rg1", "/subscriptions/S/RESOURCEGROUPS/RG1/providers/a/b/c")).toBe(
      true,
    );
    expect(covers("/", account)).toBe(true);
    expect(covers(account, "/subscriptions/S1")).toBe(false);
  });
  it("lists itself and what contains it, narrowest first, the root last", () => {
    const scope = parseScope("/subscriptions/S/resourceGroups/Rg");
    expect(scope && selfAndParents(scope)).toEqual([
      "/subscriptions/s/resourcegroups/rg",
      "/subscriptions/s/resourcegroups",
      "/subscriptions/s",
      "/subscriptions",
      "/",
    ]);
    const root = parseScope("/");
    expect(root && selfAndParents(root)).toEqual(["/"]);
  });
  it("one scope covers another exactly when it is among its parents", () => {
    const path = fc.array(fc.constantFrom("a", "A", "ab", "b"), { maxLength: 4 }).map((all) => `/${all.join("/")}`);
    fc.assert(
      fc.property(path, path, (outer, inner) => {
        const scope = parseScope(inner);
        const key = parseScope(outer)?.key ?? "";
        expect(scope !== undefined && selfAndParents(scope).includes(key)).toBe(covers(outer, inner));
      }),
    );
  });
});
