import { describe, expect, it } from "vitest";
import { idKey, idOf, parentOf, parseArmPath, segmentsOf, typeOf } from "./resource-id.ts";

const parse = (path: string, method = "GET") => parseArmPath(segmentsOf(path), method);
const site = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Web/sites/app";

describe("management paths", () => {
  it("are resources, lists and actions by the number of their segments and the method", () => {
    expect(parse(site)).toMatchObject({ types: ["sites"], names: ["app"], collection: false, action: undefined });
    expect(parse(`${site}/config`)).toMatchObject({ types: ["sites", "config"], names: ["app"], collection: true });
    expect(parse(`${site}/config/appsettings/list`, "POST")).toMatchObject({
      types: ["sites", "config"],
      names: ["app", "appsettings"],
      action: "list",
    });
  });

  it("take the last `providers` for extension resources on a resource", () => {
    const path = parse(`/${site}/providers/Microsoft.ServiceLinker/linkers/db`);
    expect(path).toMatchObject({ scope: site, namespace: "Microsoft.ServiceLinker", names: ["db"] });
    expect(path && idOf(path)).toBe(`${site}/providers/Microsoft.ServiceLinker/linkers/db`);
    expect(path && typeOf(path)).toBe("Microsoft.ServiceLinker/linkers");
  });

  it("forgive doubled slashes, a trailing slash and encoded names", () => {
    const path = parse("//subscriptions//s/resourceGroups/my%20rg/providers/A.B/c/d%2Fe/");
    expect(path).toMatchObject({ scope: "/subscriptions/s/resourceGroups/my rg", names: ["d/e"] });
  });

  it("are none without a provider", () => {
    expect(parse("/subscriptions/s/resourceGroups/rg")).toBeUndefined();
    expect(parse("/subscriptions/s/providers")).toBeUndefined();
  });
});

describe("ids", () => {
  it("know their parent: the resource of a child, the scope of an extension or a top-level resource", () => {
    expect(parentOf(`${site}/config/web`)).toBe(site);
    expect(parentOf(`${site}/providers/Microsoft.ServiceLinker/linkers/db`)).toBe(site);
    expect(parentOf(site)).toBe("/subscriptions/s/resourceGroups/rg");
  });

  it("compare without letter case, doubled and trailing slashes", () => {
    expect(idKey("//Subscriptions/S/resourceGroups/RG/")).toBe(idKey("/subscriptions/s/resourcegroups/rg"));
  });
});
