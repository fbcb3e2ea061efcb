/** A tenant of this process: folders, lock, decision log, the tenant itself and its control API, opened and closed as one. */
import { join } from "node:path";
import type { Tenant } from "../tenant.ts";
import { listApps } from "./apps.ts";
import type { Control } from "./client.ts";
import { changeClock, clockView, clockWarnings } from "./clock.ts";
import { type DecisionLog, openDecisionLog } from "./decision-log.ts";
import { type GrantContext, grantEnvironment } from "./grants.ts";
import { rotateIdentity } from "./identity.ts";
import { acquire, type Lock, runningTenants } from "./lock.ts";
import { hasCode, Problem } from "./problem.ts";
import { openControlServer } from "./server.ts";
import { type Place, prepare, privateFolder } from "./state-folder.ts";
import { version } from "./version.ts";

export interface SessionOptions {
  readonly place: Place;
  readonly uid: number;
  /** 0: any free port. */
  readonly port: number;
  readonly tokenLifetime?: number;
  readonly passthrough?: readonly string[];
  /** Federated issuers whose keys may be fetched. */
  readonly trustedIssuers?: readonly string[];
  /** False: managed identity tokens are not cached for a day. */
  readonly identityCache?: boolean;
  /** True: Cosmos DB enforces provisioned throughput. */
  readonly enforceThroughput?: boolean;
  /** A failure of ours, for the person who reads the log. */
  readonly onError: (error: unknown, where: string) => void;
  /** Somebody asked for the end over the control API. */
  readonly onStop: () => void;
}

export interface Session extends Control, AsyncDisposable {
  readonly log: DecisionLog;
  readonly port: number;
  close(): Promise<void>;
}

/** @throws Problem when the state folder or the port is taken */
export const openSession = async (options: SessionOptions): Promise<Session> => {
  const { place } = options;
  prepare(place, options.uid);
  const lock = acquire(place);
  const log = openDecisionLog({ folder: privateFolder(join(place.state, "logs")) });
  const opened = performance.now();
  let tenant: Tenant;
  try {
    tenant = await open(options, log);
  } catch (error) {
    log.close();
    lock.release();
    throw error;
  }
  const context: GrantContext = { tenant, state: place.state, passthrough: options.passthrough ?? [] };
  const control = controlOf(context, opened);
  const server = await openControlServer(place.socket, { ...control, log, stop: options.onStop }).catch(
    async (error: unknown) => {
      await shut(tenant, log, lock);
      throw error;
    },
  );
  log.nameBy(async (objectId) => {
    const principal = await tenant.directory.principal(objectId);
    return principal?.kind === "User" ? principal.userPrincipalName : principal?.displayName;
  });
  lock.announce(tenant.gateway.port);
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closing ??= server.close().then(() => shut(tenant, log, lock));
    return closing;
  };
  return { ...control, log, port: tenant.gateway.port, close, [Symbol.asyncDispose]: close };
};

/** The lock goes last, whatever fails: until then nobody else may open the state. */
const shut = async (tenant: Tenant, log: DecisionLog, lock: Lock): Promise<void> => {
  try {
    await log.settle();
    await tenant.close();
  } finally {
    log.close();
    lock.release();
  }
};

const open = async (options: SessionOptions, log: DecisionLog): Promise<Tenant> => {
  const { place, port, tokenLifetime, passthrough, trustedIssuers, identityCache, enforceThroughput } = options;
  // Everything below is needed only by a process that becomes a tenant; commands that join one never load it.
  const { openTenant } = await import("../tenant.ts");
  try {
    return await openTenant({
      stateDirectory: place.state,
      runtimeDirectory: place.runtime,
      decisions: log,
      onError: options.onError,
      port,
      ...(tokenLifetime === undefined ? {} : { tokenLifetime }),
      ...(passthrough === undefined ? {} : { passthrough }),
      ...(trustedIssuers === undefined ? {} : { trustedIssuers }),
      ...(identityCache === undefined ? {} : { identityCache }),
      ...(enforceThroughput === undefined ? {} : { enforceThroughput }),
    });
  } catch (error) {
    throw hasCode(error, "EADDRINUSE") ? portTaken(place, port, error) : error;
  }
};

const portTaken = (place: Place, port: number, cause: unknown): Problem => {
  const owner = runningTenants(place).find((holder) => holder.port === port);
  const free = "choose another: --port N, or --port 0 for any free one";
  return owner === undefined
    ? new Problem({
        code: "port-taken",
        what: `Port ${port} is taken by another program.`,
        help: [free, `find out by whom: ss -ltnp 'sport = :${port}'`],
        cause,
      })
    : new Problem({
        code: "port-taken",
        what: `Port ${port} is taken by the tenant of ${owner.state} (process ${owner.pid}).`,
        why: `It was started as: ${owner.command}`,
        help: [
          `join it: --state ${owner.state} with lanyard run, env or status`,
          `end it: lanyard down --state ${owner.state}`,
          free,
        ],
        cause,
      });
};

const controlOf = (context: GrantContext, opened: number): Control => {
  const { tenant, state } = context;
  const { info, gateway, certificates } = tenant;
  return {
    status: async () => ({
      version: version(),
      pid: process.pid,
      uptime: Math.round(performance.now() - opened),
      state,
      port: gateway.port,
      openPort: gateway.openPort,
      postgresPort: tenant.postgres.frontDoorPort,
      tenantId: info.tenantId,
      subscriptionId: info.subscriptionId,
      certificate: certificates.caFile,
      apps: await listApps(tenant),
      warnings: [...clockWarnings(tenant.clock), ...(await tenant.apps.warnings())],
    }),
    environment: (request) => grantEnvironment(context, request),
    rotateIdentity: (app) => rotateIdentity(tenant, app),
    clock: async (change) => (change === undefined ? clockView(tenant.clock) : changeClock(tenant.clock, change)),
    browser: async () => ({
      openPort: gateway.openPort,
      spki: certificates.intermediateSpki,
      profile: privateFolder(join(state, "browser")),
      apps: await listApps(tenant),
    }),
  };
};
