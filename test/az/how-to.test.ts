/** docs/how-to/use-with-your-app.md, its commands run as they are printed. */
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openSandbox, type Sandbox } from "../cli/support.ts";
import { codeBlocks, commandsOf } from "../support/documents.ts";
import { needs, requireTool } from "../support/skip.ts";
import { root } from "../support/source.ts";

needs("az")("the page on using it with your app", () => {
  const blocks = codeBlocks("docs/how-to/use-with-your-app.md");
  const consoles = blocks.filter(({ language }) => language === "console").map(commandsOf);
  let sandbox: Sandbox;
  let folder: string;
  beforeAll(async () => {
    sandbox = openSandbox();
    folder = join(sandbox.folder, "app");
    await mkdir(folder);
    await symlink(join(root, "node_modules"), join(folder, "node_modules"));
    for (const { name, text } of blocks.filter((block) => block.name !== "")) await writeFile(join(folder, name), text);
  });
  afterAll(() => sandbox.close());

  /** Runs the lines in one shell, as a reader would; the tenant takes a free port, as other tests run beside. */
  const run = (lines: readonly string[]): string => {
    const launcher = `"${process.execPath}" "${join(root, "test/cli/lanyard.ts")}"`;
    const lanyard = `lanyard() {
      local name=$1; shift
      [ "$name" != up ] || set -- --port 0 "$@"
      ${launcher} "$name" --state "${sandbox.state}" "$@"
    }`;
    const script = [lanyard, ...lines.map((line) => `${line} 2>&1; echo "code $?"`)].join("\n");
    const { stdout } = spawnSync("bash", ["-uc", script], {
      cwd: folder,
      encoding: "utf8",
      timeout: 240_000,
      env: { ...sandbox.env, LANYARD_AZ: requireTool("az") },
    });
    return stdout;
  };

  it("ends in 403 until the role is assigned, names what is missing, and then works", () => {
    const output = run(consoles.flat());
    expect(output).toContain("AuthorizationPermissionMismatch");
    expect(output).toMatch(/my-app .*PutBlob .*403 .*containers\/blobs\/write/);
    expect(output).toMatch(/\nhello\.txt\ncode 0\n$/);
    const codes = output.match(/^code \d+$/gm) ?? [];
    expect(codes).toHaveLength(consoles.flat().length);
    expect(codes.filter((code) => code !== "code 0")).toEqual(["code 1"]);
  });
});
