/** One process per state folder. The lock is SQLite's own on a second, empty database: the system drops it when the
 * process dies, however it dies. The store itself stays free for further read connections (workers, tools). */
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { StateUnusable } from "../store.ts";

/** @returns the function that unlocks. @throws StateUnusable when another process has the folder open */
export const lockState = (directory: string): (() => void) => {
  const path = join(directory, "store.lock");
  closeSync(openSync(path, "a", 0o600));
  const database = new DatabaseSync(path);
  try {
    database.exec("pragma journal_mode = memory; begin exclusive");
  } catch (error) {
    database.close();
    throw new StateUnusable(
      `The state in ${directory} is open in another process. Stop it (lanyard down), or use another state folder.`,
      { cause: error },
    );
  }
  return () => database.close();
};
