/** What an app asks to be run by. */

export type Language = "node" | "python";

/** What `linuxFxVersion` asks for: `PYTHON|3.11`, `NODE|22-lts`. */
export interface Stack {
  readonly language: Language;
  /** `3.11`, `22`; "" for any. */
  readonly version: string;
}

/** The stack of a `linuxFxVersion`, or undefined for one that is not hosted here (DOCKER, JAVA, ...). */
export const parseStack = (linuxFxVersion: string): Stack | undefined => {
  const [name = "", version = ""] = linuxFxVersion.split("|");
  const language = name.trim().toLowerCase();
  if (language !== "node" && language !== "python") return undefined;
  // Oryx: "22-lts" becomes "22"; "lts" alone means any.
  return {
    language,
    version: version
      .trim()
      .toLowerCase()
      .replace(/-?lts$/, ""),
  };
};
