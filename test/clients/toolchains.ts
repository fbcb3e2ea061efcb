/** What the clients of other languages are built with; built once and kept beside the checkout's packages. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../support/source.ts";

const cache = process.env["LANYARD_CI_CACHE"] ?? join(root, "node_modules", ".cache", "lanyard-clients");

/** A folder that `make` fills, complete or absent. */
export const cached = (name: string, make: (folder: string) => void): string => {
  const folder = join(cache, name);
  const complete = join(folder, ".complete");
  if (existsSync(complete)) return folder;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  make(folder);
  writeFileSync(complete, "");
  return folder;
};

/** A part of a folder's name that changes with these texts. */
export const markOf = (...texts: readonly string[]): string =>
  createHash("sha256").update(texts.join("\n")).digest("hex").slice(0, 12);

/** Runs the commands of a build. @throws with what they wrote */
export const build = (cwd: string, ...commands: readonly (readonly [string, ...string[]])[]): void => {
  for (const [command, ...args] of commands) {
    const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: "utf8", timeout: 280_000 });
    if (status !== 0) throw new Error(`${command} ${args.join(" ")} ended with ${status}:\n${stdout}${stderr}`);
  }
};

/** A virtual environment with pinned packages, made once and kept. @returns its Python, and the first package's version */
export const pythonEnvironment = (requirements: string): { readonly python: string; readonly version: string } => {
  const text = readFileSync(requirements, "utf8");
  const folder = cached(`python-${markOf(text)}`, (home) =>
    build(
      home,
      ["python3", "-m", "venv", home],
      [join(home, "bin", "pip"), "install", "--quiet", "--disable-pip-version-check", "--requirement", requirements],
    ),
  );
  const [first = ""] = text.split("\n");
  return { python: join(folder, "bin", "python3"), version: first.replace("==", " ") };
};

/** Azure Arc's challenge lies in a folder that only root can make. */
export const arc = process.getuid?.() === 0 && process.platform === "linux" ? (["arc"] as const) : [];
