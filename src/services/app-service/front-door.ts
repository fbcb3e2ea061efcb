/** `{site}.azurewebsites.net`, and `{site}.localhost` for browsers: traffic to the app itself. */
import type { Duplex } from "node:stream";
import type { Resources } from "../../arm/resources.ts";
import { Fault } from "../../kernel/fault.ts";
import type { Reply, Request } from "../../kernel/message.ts";
import { operationsOf } from "../../kernel/operation.ts";
import type { Dialect, Service } from "../../kernel/service.ts";
import type { SiteRunner } from "./runner.ts";
import { type Site, siteOf, siteType } from "./site.ts";
import type { SiteSync } from "./sync.ts";

export interface FrontDoorTarget {
  readonly site: Site;
}

export interface FrontDoorContext {
  readonly resources: Resources;
  readonly runner: SiteRunner;
  readonly sync: SiteSync;
}

const suffixes = [".azurewebsites.net", ".localhost"] as const;

const labelOf = (host: string): string => {
  const suffix = suffixes.find((each) => host.endsWith(each)) ?? "";
  return host.slice(0, host.length - suffix.length);
};

const dialect: Dialect = {
  name: "app-service-front-door",
  headers: () => ({}),
  fault: (fault) => ({
    status: fault.status,
    body: { text: `<h1>${fault.status}</h1><p>${fault.message}</p>`, type: "text/html; charset=utf-8" },
  }),
};

const notFound = (): Fault => new Fault({ status: 404, code: "NotFound", message: "404 Web Site not found." });

/** 301 with path and query kept (app-service.md 2.7). Browsers reach `.localhost` without TLS, which stays as it is. */
const toHttps = (request: Request, site: Site): Reply | undefined => {
  if (request.secure || site.record.properties["httpsOnly"] !== true || request.host.endsWith(".localhost"))
    return undefined;
  const query = request.rawQuery === "" ? "" : `?${request.rawQuery}`;
  return { status: 301, headers: { Location: `https://${request.host}${request.rawPath}${query}` } };
};

const operation = operationsOf<FrontDoorTarget, never, never>();

/** Any request to an app, whatever its path: the app itself decides who may call it. */
const appRequest = ({ runner, sync }: FrontDoorContext) =>
  operation({
    name: "AppRequest",
    method: ["GET", "HEAD", "PUT", "POST", "PATCH", "DELETE", "OPTIONS"],
    path: "/**",
    needs: { open: "an app on the web; the app itself decides who may call it" },
    handle: async (call) => {
      const { site } = call.target;
      const redirect = toHttps(call.request, site);
      if (redirect !== undefined) return redirect;
      await sync.settled(site.id);
      // Bodies have no limit of ours: the app reads what it wants.
      return runner.forward(site.id, call.request);
    },
  });

export const frontDoorService = (context: FrontDoorContext): Service<FrontDoorTarget> => {
  const operation = appRequest(context);
  const named = (label: string) => context.resources.named(siteType, label);
  return {
    name: "app-service",
    title: "App Service",
    hosts: suffixes.map((suffix) => ({
      suffix,
      exists: async (label) => !label.includes(".") && (await named(label)) !== undefined,
    })),
    dialect,
    operations: [operation],
    match: () => ({ operation, parameters: {} }),
    resolve: async (request) => {
      const record = await named(labelOf(request.host));
      if (record === undefined) throw notFound();
      return { site: siteOf(record) };
    },
    scope: (call) => call.target.site.id,
    authenticators: [],
    deciders: [],
    refuse: notFound,
    unmatched: notFound,
  };
};

/** Takes a WebSocket upgrade over, if its host is an app's. False: it is nobody's here. */
export const upgradeApp = async (
  { resources, runner, sync }: FrontDoorContext,
  request: Request,
  socket: Duplex,
  head: Buffer,
): Promise<boolean> => {
  const label = labelOf(request.host);
  const record = label === request.host || label.includes(".") ? undefined : await resources.named(siteType, label);
  if (record === undefined) return false;
  await sync.settled(record.id);
  runner.upgrade(record.id, request, socket, head);
  return true;
};
