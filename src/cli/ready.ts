/** The Ready block: what a person copies next. */
import { homedir } from "node:os";
import type { AppSummary, Status } from "../control/protocol.ts";

export interface Ready extends Status {
  /** From the start of this process to now. */
  readonly milliseconds: number;
  readonly detached: boolean;
}

const home = homedir();

/** `~` for the home folder. */
export const shortPath = (path: string): string => (path.startsWith(`${home}/`) ? `~${path.slice(home.length)}` : path);

export const appLines = (apps: readonly AppSummary[], width = 12): string =>
  apps
    .map((app) => {
      const name = app.name.padEnd(width);
      const urls = [app.url ?? "", app.productionUrl ?? ""].filter((url) => url !== "");
      return `  ${name}  ${urls.join("\n".padEnd(width + 5))}\n`;
    })
    .join("");

export const readyText = (ready: Ready): string => {
  const width = Math.max(12, ...ready.apps.map((app) => app.name.length));
  const row = (name: string, text: string): string => `  ${name.padEnd(width)}  ${text}\n`;
  return [
    `\nLanyard ${ready.version} is ready on 127.0.0.1:${ready.port} (${Math.round(ready.milliseconds)} ms)\n\n`,
    appLines(ready.apps, width),
    ready.apps.length === 0 ? "" : "\n",
    row("your app", "lanyard run --as my-app -- npm start"),
    row("your shell", 'eval "$(lanyard env)"'),
    ready.apps.length === 0 ? "" : row("browser", "lanyard open    (production URLs, certificates trusted)"),
    ...ready.warnings.map((warning) => row("warning", warning)),
    row("state", shortPath(ready.state)),
    row("stop", ready.detached ? "lanyard down" : "Ctrl-C"),
    "\n",
  ].join("");
};
