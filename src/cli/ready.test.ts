import { expect, it } from "vitest";
import { typedName } from "./ready.ts";

it("the program's name is what a person can type: the launcher of a checkout, or the installed command", () => {
  expect(typedName("/usr/bin/lanyard", "/home/me/app")).toBe("lanyard");
  expect(typedName("/home/me/lanyard/bin/lanyard.js", "/home/me/lanyard")).toBe("node bin/lanyard.js");
  expect(typedName("/home/me/lanyard/bin/lanyard.js", "/home/me/app")).toBe("node /home/me/lanyard/bin/lanyard.js");
  expect(typedName("/home/me/my tools/bin/lanyard.js", "/home/me/app")).toBe("node '/home/me/my tools/bin/lanyard.js'");
});
