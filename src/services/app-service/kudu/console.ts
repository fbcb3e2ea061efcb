/** The rest of Kudu that is built: settings, commands, the log stream, an overview page (app-service.md 3.4, 3.5). */
import { Readable } from "node:stream";
import { isObject, textOf } from "../../../arm/record.ts";
import type { Clock } from "../../../kernel/clock.ts";
import { json } from "../../../kernel/message.ts";
import { type AnyOperation, operationsOf } from "../../../kernel/operation.ts";
import { kuduFault } from "../faults.ts";
import type { LogLine, SiteRunner } from "../runner.ts";
import { hostNameOf, type Site } from "../site.ts";
import type { SiteSync } from "../sync.ts";
import type { KuduTarget } from "./authenticate.ts";
import { type KuduAction, publish } from "./push.ts";

const operation = operationsOf<KuduTarget, KuduAction, never>();

const minute = 60_000;
/** SCM_LOGSTREAM_TIMEOUT: 120 minutes. */
const streamMinutes = 120;

const stamp = (clock: Clock): string => new Date(clock.wall()).toISOString().slice(0, 19);
const lineText = (line: LogLine): string => `${new Date(line.time).toISOString()} ${line.text}\n`;

/** Plain lines, although the type says event stream: Kudu sends no `data:`. */
async function* logStream(site: Site, runner: SiteRunner, clock: Clock, signal: AbortSignal) {
  yield `${stamp(clock)}  Welcome, you are now connected to log-streaming service.\n\n`;
  yield "Starting Log Tail -n 10 of existing logs ----\n";
  const lines = runner.logs(site.id, { tail: 10, signal })[Symbol.asyncIterator]();
  const end = clock.wall() + streamMinutes * minute;
  let next = lines.next();
  let quiet = 0;
  yield "Starting Live Log Stream ---\n";
  while (!signal.aborted) {
    const timeout = Promise.withResolvers<undefined>();
    const timer = setTimeout(timeout.resolve, minute, undefined);
    const found = await Promise.race([next, timeout.promise]);
    clearTimeout(timer);
    if (found === undefined) {
      if (clock.wall() >= end) {
        yield `${stamp(clock)}  Stream terminated due to timeout ${streamMinutes} min(s).\n`;
        return;
      }
      quiet += 1;
      yield `${stamp(clock)}  No new trace in the past ${quiet} min(s).\n`;
      continue;
    }
    if (found.done === true) return;
    quiet = 0;
    yield lineText(found.value);
    next = lines.next();
  }
}

const escaped = (text: string): string => text.replaceAll(/[&<>"']/g, (each) => `&#${each.codePointAt(0)};`);

const overview = (site: Site): string => `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">
<title>${escaped(site.name)} - Kudu</title></head><body><h1>${escaped(site.name)}</h1><ul>
<li><a href="https://${hostNameOf(site.name)}/">The app</a></li>
<li><a href="/api/deployments">Deployments</a></li><li><a href="/api/settings">Settings</a></li>
<li><a href="/api/logstream">Log stream</a></li></ul></body></html>
`;

export const consoleOperations = (
  runner: SiteRunner,
  sync: SiteSync,
  clock: Clock,
): readonly AnyOperation<KuduTarget>[] => [
  ...(["/logstream", "/api/logstream", "/logstream/**:path", "/api/logstream/**:path"] as const).map((path) =>
    operation({
      name: "LogStream",
      method: "GET",
      path,
      needs: publish,
      handle: async (call) => {
        const { site } = call.target;
        await sync.settled(site.id);
        // Ends the follower when the response is closed from either side.
        const stop = new AbortController();
        const stream = Readable.from(
          logStream(site, runner, clock, AbortSignal.any([stop.signal, call.request.signal])),
        );
        stream.once("close", () => stop.abort());
        return { status: 200, headers: { "Cache-Control": "no-cache" }, body: { stream, type: "text/event-stream" } };
      },
    }),
  ),
  operation({
    name: "ListSettings",
    method: "GET",
    path: "/api/settings",
    needs: publish,
    handle: (call) => json(call.target.site.settings),
  }),
  operation({
    name: "GetSetting",
    method: "GET",
    path: "/api/settings/:name",
    needs: publish,
    handle: (call) => {
      const { name } = call.parameters;
      const value = call.target.site.settings[name];
      if (value === undefined) throw kuduFault("noSetting", { name: name.slice(0, 100) });
      return json(value);
    },
  }),
  operation({
    name: "GetEnvironment",
    method: "GET",
    path: "/api/environment",
    needs: publish,
    handle: () => json({ version: "1.0.0.7" }),
  }),
  operation({
    name: "RunCommand",
    method: "POST",
    path: "/api/command",
    bodyLimit: 64 * 1024,
    needs: publish,
    handle: async (call) => {
      const body = await call.body.json();
      const command = isObject(body) ? textOf(body["command"]) : "";
      if (command === "") throw kuduFault("badRequest", { why: "The body must be a JSON object with a command." });
      const folder = isObject(body) ? textOf(body["dir"]) : "";
      const { id } = call.target.site;
      const inHome = folder.replace(/^\/home\/?/, "");
      const done = await sync.during(id, () => runner.run(id, command, inHome === "" ? undefined : inHome));
      return json({ Output: done.output, Error: done.error, ExitCode: done.exitCode });
    },
  }),
  ...(["/", "/newui"] as const).map((path) =>
    operation({
      name: "Overview",
      method: "GET",
      path,
      needs: publish,
      handle: (call) => ({ status: 200, body: { text: overview(call.target.site), type: "text/html; charset=utf-8" } }),
    }),
  ),
];
