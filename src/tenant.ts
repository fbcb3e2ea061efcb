import { onceKnown } from "./kernel/eventually.ts";
import { randomBytes } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ArmContext } from "./arm/context.ts";
import { longRunning } from "./arm/long-running.ts";
import { openResources, type Resources } from "./arm/resources.ts";
import { type Certificates, openCertificates } from "./edge/certificates.ts";
import { type Gateway, openGateway } from "./edge/gateway.ts";
import { isAzureHost } from "./edge/names.ts";
import { type AppSecrets, openAppSecrets } from "./identity/app-secrets.ts";
import { type Directory, openDirectory } from "./identity/directory.ts";
import { managedIdentityTokens } from "./identity/managed-identity-tokens.ts";
import { seedDeveloper } from "./identity/seed.ts";
import { openSigningKey } from "./identity/signing-keys.ts";
import { openTenantInfo, type TenantInfo } from "./identity/tenant.ts";
import { type TokenIssuer, tokenIssuer } from "./identity/tokens.ts";
import { tokenVerifier } from "./identity/verify.ts";
import type { Caller } from "./kernel/caller.ts";
import { type Clock, systemClock } from "./kernel/clock.ts";
import type { DecisionSink } from "./kernel/decision.ts";
import { createKernel, type Kernel } from "./kernel/dispatch.ts";
import { randomIds } from "./kernel/ids.ts";
import { openTenantPostgres } from "./postgres/for-tenant.ts";
import type { Postgres } from "./postgres/postgres.ts";
import { type HostedApps, hostedApps } from "./hosted-apps.ts";
import { tenantContainers } from "./container-runner.ts";
import { createServices } from "./registry.ts";
import { openRsaPool } from "./rsa-pool.ts";
import { siteRunner, variablesOfSite } from "./site-runner.ts";
import { type AccessState, extensionsBelow, openAccessState } from "./services/authorization/state.ts";
import { requireUnlocked } from "./services/authorization/locks.ts";
import { seedOwners } from "./services/authorization/seed.ts";
import { openMemoryStore } from "./store/memory.ts";
import { openSqliteStore } from "./store/sqlite/store.ts";
import type { Store } from "./store/store.ts";
import { knownResources } from "./known-resources.ts";
import { openTenantClock, type TenantClock } from "./tenant-clock.ts";
import { type IssuerEgress, openWorkloads, type Workloads } from "./workloads.ts";

export interface TenantOptions {
  /** Folder of the tenant's state; created 0700. */
  readonly stateDirectory: string;
  /** Short folder for sockets; created 0700. */
  readonly runtimeDirectory: string;
  readonly decisions: DecisionSink;
  /** Told of failures that are ours; `where` is a request id or a part's name. */
  readonly onError: (error: unknown, where: string) => void;
  /** Gateway port; 0: any free one. */
  readonly port: number;
  readonly openPort?: number;
  /** What the tenant's own clock is an offset to; default: the machine's. */
  readonly clock?: Clock;
  /** Seconds; overrides every token's lifetime. */
  readonly tokenLifetime?: number;
  /** False: managed identity tokens are not cached for a day, as Azure does. */
  readonly identityCache?: boolean;
  /** True: Cosmos DB enforces provisioned throughput. */
  readonly enforceThroughput?: boolean;
  /** Ports for PostgreSQL, tried in order; default [5432], else any free one. */
  readonly postgresPorts?: readonly number[];
  /** Federated issuers (`iss` of their tokens) whose keys may be fetched. */
  readonly trustedIssuers?: readonly string[];
  readonly issuerEgress?: IssuerEgress;
  /** Azure hosts to tunnel to the real ones. */
  readonly passthrough?: readonly string[];
  /** Socket of a Docker-compatible engine for container apps; `off`: none. Default: DOCKER_HOST or a usual place. */
  readonly containerEngine?: string;
  /** A store of another kind (PostgreSQL), or one in memory that ends with the tenant; default: SQLite in the state folder. */
  readonly store?: Store | "memory";
}

export interface Tenant extends AsyncDisposable {
  readonly info: TenantInfo;
  readonly kernel: Kernel;
  readonly store: Store;
  readonly resources: Resources;
  readonly directory: Directory;
  readonly access: AccessState;
  readonly secrets: AppSecrets;
  readonly issuer: TokenIssuer;
  readonly certificates: Certificates;
  readonly clock: TenantClock;
  readonly gateway: Gateway;
  readonly postgres: Postgres;
  readonly apps: HostedApps;
  /**
   * The variables that an app's resource gives it: a site's settings, a container app's for its first container. Undefined:
   * the resource has none to give.
   */
  appVariables(id: string): Promise<Readonly<Record<string, string>> | undefined>;
  readonly workloads: Workloads;
  /** Secret of the developer's proxy credential, for this process's life. */
  readonly developerProxySecret: string;
  close(): Promise<void>;
}

/** Puts a tenant together and opens its ports. The one place where drivers, services and the edge meet. */
export const openTenant = async (options: TenantOptions): Promise<Tenant> => {
  const { stateDirectory, decisions, onError } = options;
  const ids = randomIds;
  await mkdir(stateDirectory, { recursive: true, mode: 0o700 });
  await mkdir(options.runtimeDirectory, { recursive: true, mode: 0o700 });
  const [certificates, store] = await Promise.all([
    openCertificates({ folder: join(stateDirectory, "certificates") }),
    options.store === "memory" ? openMemoryStore() : (options.store ?? openState(stateDirectory)),
  ]);
  const clock = await openTenantClock(store, options.clock ?? systemClock);
  const info = await openTenantInfo(store, ids);
  const directory = openDirectory(store);
  await seedDeveloper({ info, directory, ids, clock });
  const key = await openSigningKey(store);
  const resources = openResources(store, info.subscriptionId);
  const access = await openAccessState(store);
  await seedOwners(access, info, clock, store);
  const secrets = await openAppSecrets(store, ids);
  const issuer = tokenIssuer({
    tenant: info,
    key,
    directory,
    clock,
    ids,
    ...(options.tokenLifetime === undefined ? {} : { lifetime: options.tokenLifetime }),
  });
  const operations = longRunning({
    store,
    clock,
    ids,
    subscriptionId: info.subscriptionId,
    onError: (error) => onError(error, "long-running operation"),
  });
  const arm: ArmContext = {
    resources,
    directory,
    tenant: info,
    clock,
    ids,
    longRunning: operations,
    forgetSecrets: async (id) => {
      if (secrets.account(secrets.accountName(id)) !== undefined) await secrets.forget(id);
    },
    extensionsBelow: (id) => Promise.resolve(extensionsBelow(access, id)),
    requireUnlocked: (call) => {
      requireUnlocked(access, call);
    },
  };
  const workloads = openWorkloads({
    store,
    stateDirectory,
    tenantId: info.tenantId,
    clock,
    ids,
    trustedIssuers: options.trustedIssuers ?? [],
    egress: options.issuerEgress,
    onError: (error) => onError(error, "projected tokens"),
  });
  const verifier = tokenVerifier({ tenant: info, key, clock, groupsOf: (objectId) => directory.groupsOf(objectId) });
  const postgres = await openTenantPostgres({
    stateDirectory: join(stateDirectory, "postgres"),
    runtimeDirectory: join(options.runtimeDirectory, "pg"),
    tenantId: info.tenantId,
    clock,
    ids,
    decisions,
    certificates,
    verifier,
    directory,
    ...(options.postgresPorts === undefined ? {} : { ports: options.postgresPorts }),
  });
  const apps = hostedApps({
    stateDirectory,
    caFile: certificates.caFile,
    secrets,
    ports: () => ({ gateway: gateway.port, open: gateway.openPort, tls: gateway.tlsPort }),
    postgres: () => ({ address: "127.0.0.1", port: postgres.frontDoorPort }),
    passthrough: options.passthrough ?? [],
  });
  const containers = tenantContainers({
    apps,
    secrets,
    stateDirectory,
    tenantId: info.tenantId,
    engine: options.containerEngine,
  });
  const rsaPool = openRsaPool();
  const services = createServices({
    privateRsa: rsaPool.privateRsa,
    containerRunner: containers.runner,
    siteRunner: siteRunner(apps, secrets),
    onError,
    store,
    arm,
    access,
    issuer,
    workloads,
    verifier,
    postgres,
    secrets,
    managedIdentityTokens: managedIdentityTokens(issuer, clock, options.identityCache),
    enforceThroughput: options.enforceThroughput === true,
    knownResource: knownResources((host) => kernel.serviceOf(host), directory),
  });
  const kernel: Kernel = createKernel({
    services: services.list,
    clock,
    ids,
    decisions,
    identityOf: (resourceId) => callerOfIdentity(resourceId, directory, info),
    onError,
  });
  await operations.recover();
  await services.recover(kernel, onError);
  const developerProxySecret = randomBytes(24).toString("base64url");
  const gateway = await openGateway({
    certificates,
    handle: (request) => kernel.handle(request),
    owner: (host) =>
      onceKnown(kernel.serviceOf(host), (service) =>
        service !== undefined ? "tenant" : isAzureHost(host) ? "azure-unknown" : "foreign",
      ),
    postgresPort: (host) => (postgres.has(host.slice(0, host.indexOf("."))) ? postgres.frontDoorPort : undefined),
    accounts: (name) => {
      if (name === "developer") return { secret: developerProxySecret, app: undefined };
      const account = secrets.account(name);
      return account === undefined ? undefined : { secret: account.secret, app: account.resourceId };
    },
    upgrade: (request, socket, head) => {
      const take = async (): Promise<boolean> =>
        (await services.appService.upgrade(request, socket, head)) ||
        services.containerApps.upgrade(request, socket, head);
      take().then(
        (taken) => (taken ? undefined : socket.destroy()),
        (error: unknown) => {
          onError(error, "gateway");
          socket.destroy();
        },
      );
    },
    onError: (error) => onError(error, "gateway"),
    port: options.port,
    ...(options.openPort === undefined ? {} : { openPort: options.openPort }),
    ...(options.passthrough === undefined ? {} : { passthrough: options.passthrough }),
  });
  await services.appService.resume();
  await services.containerApps.resume();
  const close = async (): Promise<void> => {
    await gateway.close();
    await Promise.all([apps.close(), containers[Symbol.asyncDispose]()]);
    await operations.idle();
    await services.close();
    await workloads.close();
    await postgres.close();
    await rsaPool[Symbol.asyncDispose]();
    await store.close();
  };
  return {
    info,
    kernel,
    store,
    resources,
    directory,
    access,
    secrets,
    issuer,
    certificates,
    clock,
    gateway,
    postgres,
    apps,
    appVariables: async (id) => {
      const setup = await services.appService.setup(id);
      return setup === undefined ? services.containerApps.variables(id) : variablesOfSite(setup);
    },
    workloads,
    developerProxySecret,
    close,
    [Symbol.asyncDispose]: close,
  };
};

/** The default store: SQLite in the state folder, its sealed members under a key file beside it. */
const openState = async (stateDirectory: string): Promise<Store> =>
  openSqliteStore({ directory: join(stateDirectory, "store"), key: await sealingKey(join(stateDirectory, "key")) });

/** 32 random bytes, 0600; protects copies and backups of the database, not against the same user. */
const sealingKey = async (path: string): Promise<Buffer> => {
  const known = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (known?.length === 32) return known;
  if (known !== undefined)
    throw new Error(`${path} is damaged: it must hold 32 bytes. Restore it, or start on another state folder.`);
  const made = randomBytes(32);
  await writeFile(`${path}.new`, made, { mode: 0o600, flush: true });
  await rename(`${path}.new`, path);
  return made;
};

/** Acting as a resource's system-assigned identity, inside the tenant. */
const callerOfIdentity = async (
  resourceId: string,
  directory: Directory,
  info: TenantInfo,
): Promise<Caller | undefined> => {
  const principal = await directory.identityOf(resourceId);
  if (principal === undefined) return undefined;
  return {
    kind: "principal",
    objectId: principal.objectId,
    tenantId: info.tenantId,
    type: "ServicePrincipal",
    appId: principal.appId,
    name: principal.displayName,
    groups: await directory.groupsOf(principal.objectId),
    claims: {},
  };
};
