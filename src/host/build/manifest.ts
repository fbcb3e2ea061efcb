/** `oryx-manifest.toml`: flat TOML, all strings. Build and start share nothing else on Azure; tools look for it. */
import { join } from "node:path";
import type { AppUser } from "../isolation.ts";
import { writeRegular } from "../safe-files.ts";

/** `.ostype` stands beside it. */
export const writeManifest = async (
  folder: string,
  values: Readonly<Record<string, string>>,
  user: AppUser | undefined,
): Promise<void> => {
  const text = Object.entries(values).map(([name, value]) => `${name}=${JSON.stringify(value)}\n`);
  await writeRegular(join(folder, "oryx-manifest.toml"), text.join(""), user);
  await writeRegular(join(folder, ".ostype"), "DEBIAN|BOOKWORM", user);
};
