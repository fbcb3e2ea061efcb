/** Container apps, revisions and replicas as management clients see them. */
import { isObject, type JsonObject, textOf } from "../../arm/record.ts";
import { type ContainerApp, hostNameOf, ingressOf, listOf, type Revision, servingRevision, weightOf } from "./app.ts";
import type { RunState } from "./runner.ts";
import { shownSecrets } from "./secrets.ts";

/** `{app}--{suffix}-{replica}`: there is one replica, so its name is the same at each start. */
export const replicaName = (revision: Pick<Revision, "name">): string => `${revision.name}-0`;

const runningStatus = (app: ContainerApp, state: RunState): string => {
  if (app.stopped) return "Stopped";
  switch (state.phase) {
    case "running":
      return "Running";
    case "no-engine":
      // Never "Running": nothing does (`runningStateDetails` of the revision says why).
      return "Suspended";
    case "stopped":
      return "Stopped";
    default:
      return "Progressing";
  }
};

/** Where `log-stream.ts` answers; "" without an environment. */
const streamsOf = (appId: string, domain: string): string =>
  domain === "" ? "" : `https://${domain}${appId.replace(/\/providers\/Microsoft\.App/i, "")}`;

/** Clients cut the last segment off and append the container. */
const eventStreamEndpoint = (appId: string, domain: string): string =>
  domain === "" ? "" : `${streamsOf(appId, domain)}/eventstream`;

export const appView = (app: ContainerApp, domain: string, state: RunState): JsonObject => {
  const { properties } = app.record;
  const latest = app.revisions.at(-1);
  const ingress = ingressOf(app);
  const { ingress: asked, ...configuration } = app.configuration;
  const ready = state.phase === "running" ? state.revision : undefined;
  return {
    provisioningState: textOf(properties["provisioningState"]) || "Succeeded",
    runningStatus: runningStatus(app, state),
    managedEnvironmentId: app.environmentId,
    environmentId: app.environmentId,
    workloadProfileName: properties["workloadProfileName"] ?? "Consumption",
    outboundIpAddresses: ["127.0.0.1"],
    latestRevisionName: latest?.name ?? "",
    latestReadyRevisionName: ready ?? latest?.name ?? "",
    latestRevisionFqdn:
      latest === undefined || ingress === undefined ? "" : hostNameOf(latest.name, domain, ingress.external),
    customDomainVerificationId: textOf(properties["customDomainVerificationId"]),
    eventStreamEndpoint: eventStreamEndpoint(app.id, domain),
    configuration: {
      ...configuration,
      secrets: shownSecrets(app),
      ingress:
        isObject(asked) && ingress !== undefined
          ? { ...asked, fqdn: hostNameOf(app.name, domain, ingress.external) }
          : null,
    },
    template: app.template,
  };
};

const stateOf = (app: ContainerApp, revision: Revision, state: RunState): { state: string; detail?: string } => {
  if (!revision.active || app.stopped) return { state: "Stopped" };
  if (servingRevision(app)?.name !== revision.name)
    return {
      state: "Stopped",
      detail: "Another revision gets the traffic; Lanyard runs one revision of an app at a time.",
    };
  const why = state.detail === undefined ? {} : { detail: state.detail };
  switch (state.phase) {
    case "running":
      return { state: "Running" };
    case "no-engine":
      return { state: "Failed", ...why };
    case "waiting":
      return { state: "Degraded", ...why };
    case "stopped":
      return { state: "Stopped" };
    default:
      return { state: "Processing" };
  }
};

export const revisionView = (app: ContainerApp, revision: Revision, domain: string, run: RunState): JsonObject => {
  const { state, detail } = stateOf(app, revision, run);
  const ingress = ingressOf(app);
  const running = state === "Running";
  return {
    id: `${app.id}/revisions/${revision.name}`,
    name: revision.name,
    type: "Microsoft.App/containerApps/revisions",
    properties: {
      createdTime: revision.created,
      lastActiveTime: revision.created,
      fqdn: ingress === undefined ? "" : hostNameOf(revision.name, domain, ingress.external),
      template: revision.template,
      active: revision.active,
      replicas: running ? 1 : 0,
      trafficWeight: weightOf(app, revision),
      healthState: running ? "Healthy" : state === "Failed" || state === "Degraded" ? "Unhealthy" : "None",
      provisioningState: "Provisioned",
      runningState: state,
      ...(detail === undefined ? {} : { runningStateDetails: detail, provisioningError: detail }),
    },
  };
};

export const replicaView = (app: ContainerApp, revision: Revision, domain: string, run: RunState): JsonObject => {
  const running = run.phase === "running";
  const name = replicaName(revision);
  const streams = `${streamsOf(app.id, domain)}/revisions/${revision.name}/replicas/${name}/containers`;
  return {
    id: `${app.id}/revisions/${revision.name}/replicas/${name}`,
    name,
    type: "Microsoft.App/containerApps/revisions/replicas",
    properties: {
      createdTime: revision.created,
      runningState: running ? "Running" : "NotRunning",
      runningStateDetails: run.detail ?? "",
      containers: listOf(revision.template["containers"]).map((container) => ({
        name: textOf(container["name"]),
        // `az containerapp exec` finds its host by the first.
        logStreamEndpoint: `${streams}/${textOf(container["name"])}/logstream`,
        execEndpoint: `${streams}/${textOf(container["name"])}/exec`,
        ready: running,
        started: running,
        restartCount: run.restarts,
        runningState: running ? "Running" : "Waiting",
        runningStateDetails: run.detail ?? "",
      })),
      initContainers: [],
    },
  };
};
