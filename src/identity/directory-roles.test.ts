import { expect, it } from "vitest";
import { directoryRoleName, globalAdministrator } from "./directory-roles.ts";
import { graphAppRole } from "./graph-app-roles.ts";

it("knows roles by their ids, and nothing that objects have by themselves", () => {
  expect(directoryRoleName(globalAdministrator.toUpperCase())).toBe("Global Administrator");
  expect(graphAppRole("7AB1D382-f21e-4acd-a863-ba3e13f7da61")).toBe("Directory.Read.All");
  for (const id of ["constructor", "__proto__", "tostring", ""])
    expect([directoryRoleName(id), graphAppRole(id)]).toEqual([undefined, undefined]);
});
