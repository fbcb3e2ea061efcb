/** What the clients of other languages are built with; built once and kept beside the checkout's packages. */
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
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

/** Azure Arc's challenge lies in a folder that only root can make. */
export const arc = process.getuid?.() === 0 && process.platform === "linux" ? (["arc"] as const) : [];
