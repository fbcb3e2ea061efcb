import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";

/** Absolute path of the first of these programs that PATH (or the list of further folders) has. */
export const findProgram = (
  names: readonly string[],
  path: string,
  further: readonly string[] = [],
): string | undefined => {
  const folders = [...path.split(delimiter).filter((folder) => folder.startsWith("/")), ...further];
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find(isProgram);
};

const isProgram = (file: string): boolean => {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
};
