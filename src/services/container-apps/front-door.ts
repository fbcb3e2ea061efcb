/** `{app}.{environment}.{region}.azurecontainerapps.io`, and `{app}.localhost` for browsers: traffic to the app itself. */
import type { Duplex } from "node:stream";
import type { Resources } from "../../arm/resources.ts";
import { Fault } from "../../kernel/fault.ts";
import type { Reply, Request } from "../../kernel/message.ts";
import { operationsOf } from "../../kernel/operation.ts";
import type { Dialect, Service } from "../../kernel/service.ts";
import {
  appOf,
  appType,
  type ContainerApp,
  domainOf,
  hostNameOf,
  type Ingress,
  ingressOf,
  servingRevision,
} from "./app.ts";
import type { AppsContext } from "./context.ts";

export interface FrontDoorTarget {
  readonly app: ContainerApp;
  readonly ingress: Ingress;
}

const suffixes = [".azurecontainerapps.io", ".localhost"] as const;

const dialect: Dialect = {
  name: "container-apps-front-door",
  headers: () => ({}),
  fault: (fault) => ({
    status: fault.status,
    body: { text: `<h1>${fault.status}</h1><p>${fault.message}</p>`, type: "text/html; charset=utf-8" },
  }),
};

const unavailable = (): Fault =>
  new Fault({
    status: 404,
    code: "NotFound",
    message: "Error 404 - This Container App is stopped or does not exist.",
  });

/** The app behind a host name, if it has an ingress. A revision has a name of its own: `{app}--{suffix}`. */
const targetOf = async (host: string, resources: Resources): Promise<FrontDoorTarget | undefined> => {
  const label = host.slice(0, Math.max(0, host.indexOf(".")));
  const [name = ""] = label.split("--");
  const records = await resources.ofType(resources.subscriptionId, appType);
  for (const record of records) {
    if (record.name !== name) continue;
    const app = appOf(record);
    const ingress = ingressOf(app);
    if (ingress === undefined) continue;
    const local = host === `${name}.localhost`;
    const domain = local ? "" : await domainOf(app, resources);
    const serving = servingRevision(app)?.name;
    const names = [name, ...(serving === undefined ? [] : [serving])].map((each) =>
      hostNameOf(each, domain, ingress.external),
    );
    if (local || names.includes(host)) return { app, ingress };
  }
  return undefined;
};

const toHttps = (request: Request, { ingress }: FrontDoorTarget): Reply | undefined => {
  if (request.secure || ingress.allowInsecure || request.host.endsWith(".localhost")) return undefined;
  const query = request.rawQuery === "" ? "" : `?${request.rawQuery}`;
  return { status: 301, headers: { Location: `https://${request.host}${request.rawPath}${query}` } };
};

/** @throws the answer for an app that does not run; it is never made up */
const requireRunning = ({ app }: FrontDoorTarget, { runner }: AppsContext): void => {
  const state = runner.state(app.id);
  if (app.stopped || state.phase === "stopped" || state.phase === "none") throw unavailable();
  if (state.phase === "no-engine")
    throw new Fault({
      status: 503,
      code: "ContainerAppNotRunning",
      message: "The container app does not run on this machine.",
      ...(state.detail === undefined ? {} : { hint: state.detail }),
    });
};

const operation = operationsOf<FrontDoorTarget, never, never>();

export const containerAppFrontDoor = (context: AppsContext): Service<FrontDoorTarget> => {
  const { resources, runner, sync } = context;
  const request = operation({
    name: "ContainerAppRequest",
    method: ["GET", "HEAD", "PUT", "POST", "PATCH", "DELETE", "OPTIONS"],
    path: "/**",
    needs: { open: "a container app's ingress; the app itself decides who may call it" },
    handle: async (call) => {
      const redirect = toHttps(call.request, call.target);
      if (redirect !== undefined) return redirect;
      await sync.settled(call.target.app.id);
      requireRunning(call.target, context);
      // Bodies have no limit of ours: the app reads what it wants.
      return runner.forward(call.target.app.id, call.request, call.target.ingress.targetPort);
    },
  });
  return {
    name: "container-apps",
    title: "Container Apps",
    hosts: suffixes.map((suffix) => ({
      suffix,
      exists: async (label) => (await targetOf(`${label}${suffix}`, resources)) !== undefined,
    })),
    dialect,
    operations: [request],
    match: () => ({ operation: request, parameters: {} }),
    resolve: async ({ host }) => {
      const target = await targetOf(host, resources);
      if (target === undefined) throw unavailable();
      return target;
    },
    scope: (call) => call.target.app.id,
    authenticators: [],
    deciders: [],
    refuse: unavailable,
    unmatched: unavailable,
  };
};

/** `az containerapp exec` opens a WebSocket beside the log stream: it is told that there is none. */
const refusedConsole = (request: Request, socket: Duplex): boolean => {
  if (!/\/containers\/[^/]+\/exec$/.test(request.rawPath)) return false;
  const text = "The console of containers (exec) is not implemented by Lanyard.";
  socket.end(
    `HTTP/1.1 501 Not Implemented\r\nContent-Type: text/plain\r\nContent-Length: ${text.length}\r\nConnection: close\r\n\r\n${text}`,
  );
  return true;
};

/** Takes a WebSocket upgrade over, if its host is a container app's. False: it is nobody's here. */
export const upgradeContainerApp = async (
  context: AppsContext,
  request: Request,
  socket: Duplex,
  head: Buffer,
): Promise<boolean> => {
  if (!suffixes.some((suffix) => request.host.endsWith(suffix))) return false;
  const target = await targetOf(request.host, context.resources);
  if (target === undefined) return refusedConsole(request, socket);
  await context.sync.settled(target.app.id);
  if (context.runner.state(target.app.id).phase !== "running") return false;
  context.runner.upgrade(target.app.id, request, socket, head, target.ingress.targetPort);
  return true;
};
