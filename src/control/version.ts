import { readFileSync } from "node:fs";
import { join } from "node:path";

/** Version of this package, from its manifest: two levels above both `src/control` and `dist/control`. */
export const version = (): string => {
  const manifest = JSON.parse(readFileSync(join(packageFolder, "package.json"), "utf8")) as {
    readonly version: string;
  };
  return manifest.version;
};

export const packageFolder = join(import.meta.dirname, "..", "..");
