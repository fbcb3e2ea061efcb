import { expect, it } from "vitest";
import { directoryRoleName, globalAdministrator } from "./directory-roles.ts";

it("knows roles by their ids, and nothing that objects have by themselves", () => {
  expect(directoryRoleName(globalAdministrator.toUpperCase())).toBe("Global Administrator");
  for (const id of ["constructor", "__proto__", "tostring", ""]) expect(directoryRoleName(id)).toBeUndefined();
});
