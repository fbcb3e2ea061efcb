/**
 * `az containerapp logs show`: a token from Resource Manager (`getAuthtoken`), then the log stream of a container on the
 * host that `eventStreamEndpoint` names. Azure's is `{region}.azurecontainerapps.dev`; here it is the environment's own domain.
 */
import { Readable } from "node:stream";
import { idKey } from "../../arm/resource-id.ts";
import type { Caller } from "../../kernel/caller.ts";
import { Fault } from "../../kernel/fault.ts";
import { queryValue } from "../../kernel/message.ts";
import { operationsOf } from "../../kernel/operation.ts";
import type { Dialect, Service } from "../../kernel/service.ts";
import { appType, environmentType } from "./app.ts";
import type { AppsContext } from "./context.ts";
import type { LogTokens } from "./log-tokens.ts";
import type { LogLine } from "./runner.ts";

const suffix = ".azurecontainerapps.io";
const mostLines = 300;

const dialect: Dialect = {
  name: "container-apps-logs",
  headers: () => ({}),
  fault: (fault) => ({
    status: fault.status,
    body: { json: { error: { code: fault.code, message: fault.message } } },
  }),
};

const refusal = (status: number, code: string, message: string): Fault => new Fault({ status, code, message });
const unauthorized = (): Fault =>
  refusal(401, "Unauthorized", "The token for the log stream is missing, wrong or expired.");

const lineOf = ({ time, source, text }: LogLine, output: string): string => {
  const stamp = new Date(time).toISOString();
  return output === "text"
    ? `${stamp} ${source === "stderr" ? "stderr" : "stdout"} F ${text}\n`
    : `${JSON.stringify({ TimeStamp: stamp, Log: text })}\n`;
};

async function* linesOf(lines: AsyncIterable<LogLine>, output: string): AsyncIterable<string> {
  for await (const line of lines) yield lineOf(line, output);
}

/** What a stream is about: the id of its app. */
const operation = operationsOf<string, never, never>();
const path =
  "/subscriptions/:subscription/resourceGroups/:group/containerApps/:app/revisions/:revision/replicas/:replica/containers/:container/logstream";

export const logStreamService = ({ resources, runner }: AppsContext, tokens: LogTokens): Service<string> => {
  const isDomain = async (host: string): Promise<boolean> =>
    (await resources.ofType(resources.subscriptionId, environmentType)).some(
      ({ properties }) => properties["defaultDomain"] === host,
    );
  const stream = operation({
    name: "ContainerAppLogStream",
    method: "GET",
    path,
    needs: { open: "the token of getAuthtoken is the right: it opens one app's log" },
    handle: (call) => {
      const tail = Math.min(mostLines, Math.max(0, Number(queryValue(call.request, "tailLines") ?? 20) || 0));
      const follow = queryValue(call.request, "follow")?.toLowerCase() === "true";
      const signal = follow ? call.request.signal : AbortSignal.abort();
      const output = queryValue(call.request, "output") ?? "json";
      const text = Readable.from(linesOf(runner.logs(call.target, { tail, signal }), output), { objectMode: false });
      return { status: 200, body: { stream: text, type: output === "text" ? "text/plain" : "application/json" } };
    },
  });
  return {
    name: "container-apps-logs",
    title: "Container Apps log streams",
    hosts: [{ suffix, exists: (label) => isDomain(`${label}${suffix}`) }],
    dialect,
    operations: [stream],
    resolve: (_request, { parameters: { subscription = "", group = "", app = "" } }) =>
      `/subscriptions/${subscription}/resourceGroups/${group}/providers/${appType}/${app}`,
    scope: (call) => call.target,
    authenticators: [
      ({ request, target }): Caller | undefined => {
        const token = /^Bearer (.+)$/i.exec(request.header("authorization") ?? "")?.[1];
        const appId = token === undefined ? undefined : tokens.appOf(token);
        if (appId === undefined || idKey(appId) !== idKey(target)) throw unauthorized();
        return { kind: "secret", scheme: "LogStreamToken", name: appId, grant: { appId } };
      },
    ],
    deciders: [],
    refuse: unauthorized,
    unmatched: () => refusal(404, "NotFound", "Only log streams of containers are served here."),
  };
};
