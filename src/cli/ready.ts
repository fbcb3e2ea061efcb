/** The Ready block: what a person copies next. */
import { homedir } from "node:os";
import { basename, relative } from "node:path";
import type { AppSummary, Status } from "../control/protocol.ts";

export interface Ready extends Status {
  /** From the start of this process to now. */
  readonly milliseconds: number;
  readonly detached: boolean;
}

const home = homedir();

/** `~` for the home folder. */
export const shortPath = (path: string): string => (path.startsWith(`${home}/`) ? `~${path.slice(home.length)}` : path);

/** What a person types to run this program: from a checkout its launcher is on no PATH. */
export const typedName = (launcher = process.argv[1] ?? "", folder = process.cwd()): string => {
  if (basename(launcher) !== "lanyard.js") return "lanyard";
  const near = relative(folder, launcher);
  const path = near.startsWith("..") ? launcher : near;
  return `node ${/^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`}`;
};

/** How wide the first column of rows is: that of the longest app name. */
export const columnOf = (apps: readonly AppSummary[]): number => Math.max(12, ...apps.map((app) => app.name.length));

export const appLines = (apps: readonly AppSummary[], width: number): string =>
  apps
    .map((app) => {
      const name = app.name.padEnd(width);
      const urls = [app.url ?? "", app.productionUrl ?? ""].filter((url) => url !== "");
      return `  ${name}  ${urls.join("\n".padEnd(width + 5))}\n`;
    })
    .join("");

export const readyText = (ready: Ready): string => {
  const width = columnOf(ready.apps);
  const row = (name: string, text: string): string => `  ${name.padEnd(width)}  ${text}\n`;
  const lanyard = typedName();
  return [
    `\nLanyard ${ready.version} is ready on 127.0.0.1:${ready.port} (${Math.round(ready.milliseconds)} ms)\n\n`,
    appLines(ready.apps, width),
    ready.apps.length === 0 ? "" : "\n",
    row("your app", `${lanyard} run --as my-app -- CMD`),
    row("your shell", `eval "$(${lanyard} env)"`),
    ready.apps.length === 0 ? "" : row("browser", `${lanyard} open    (production URLs, certificates trusted)`),
    ...ready.warnings.map((warning) => row("warning", warning)),
    row("state", shortPath(ready.state)),
    row("stop", ready.detached ? `${lanyard} down` : "Ctrl-C"),
    "\n",
  ].join("");
};
