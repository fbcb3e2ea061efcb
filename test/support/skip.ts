/**
 * Tests that need a program npm does not bring. On a user's machine they are skipped with the reason in their name;
 * under `LANYARD_NO_SKIP=1` (set by `.ci/run`) a missing program is a failure.
 */
import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { describe, it } from "vitest";

/** Name -> programs that provide it (first found wins; an environment variable overrides) and how to get it. */
const tools = {
  chromium: {
    variable: "LANYARD_CHROMIUM",
    programs: ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge"],
    install: "install Chromium (Debian: apt install chromium)",
  },
  python: {
    variable: "LANYARD_PYTHON",
    programs: ["python3"],
    // Debian splits venv off: python3 alone cannot make an environment for an app.
    probe: ["-c", "import venv, ensurepip"],
    install: "install Python 3 with venv (Debian: apt install python3 python3-venv)",
  },
  go: { variable: "LANYARD_GO", programs: ["go"], install: "install Go (Debian: apt install golang)" },
  maven: {
    variable: "LANYARD_MAVEN",
    programs: ["mvn"],
    install: "install Maven and a JDK (Debian: apt install maven)",
  },
  az: { variable: "LANYARD_AZ", programs: ["az"], install: "install the Azure CLI (pip install azure-cli)" },
  podman: { variable: "LANYARD_PODMAN", programs: ["podman"], install: "install Podman (Debian: apt install podman)" },
  runc: { variable: "LANYARD_RUNC", programs: ["runc"], install: "install runc (Debian: apt install runc)" },
  busybox: {
    variable: "LANYARD_BUSYBOX",
    programs: ["busybox"],
    install: "install a static busybox (Debian: apt install busybox-static)",
  },
  unshare: { variable: "LANYARD_UNSHARE", programs: ["unshare"], install: "install util-linux (Linux only)" },
} as const satisfies Record<string, ToolSpec>;

interface ToolSpec {
  readonly variable: string;
  readonly programs: readonly string[];
  readonly probe?: readonly string[];
  readonly install: string;
}

export type Tool = keyof typeof tools;

const isExecutable = (file: string): boolean => {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

/** Absolute path of a tool's program, or undefined when this machine has none that works. */
export const findTool = (tool: Tool): string | undefined => {
  const spec: ToolSpec = tools[tool];
  const named = process.env[spec.variable];
  const folders = (process.env["PATH"] ?? "").split(delimiter).filter((folder) => folder !== "");
  const found = spec.programs.flatMap((program) => folders.map((folder) => join(folder, program)));
  return (named === undefined ? found : [named]).find(
    (file) => isExecutable(file) && (spec.probe === undefined || spawnSync(file, spec.probe).status === 0),
  );
};

/** Absolute path of a tool's program. Throws with what to install when there is none. */
export const requireTool = (tool: Tool): string => {
  const file = findTool(tool);
  if (file === undefined)
    throw new Error(`${tool} is not on PATH: ${tools[tool].install}, or set ${tools[tool].variable}.`);
  return file;
};

/**
 * A `describe` that runs only where the tools are.
 * @example needs("chromium")("the sample in a browser", () => { it("shows the photo", ...) });
 */
export const needs =
  (...wanted: readonly Tool[]) =>
  (name: string, suite: () => void): void => {
    const missing = wanted.filter((tool) => findTool(tool) === undefined);
    if (missing.length === 0) {
      describe(name, suite);
      return;
    }
    const reason = missing.map((tool) => `no ${tool}: ${tools[tool].install}`).join("; ");
    if (process.env["LANYARD_NO_SKIP"] === "1") {
      describe(name, () => {
        it(`has what it needs (${missing.join(", ")})`, () => {
          throw new Error(`A skipped test is a failure here. ${reason}.`);
        });
      });
      return;
    }
    describe.skip(`${name} [${reason}]`, suite);
  };
