/**
 * PostgreSQL flexible servers: a real PostgreSQL per server, and one TLS front door that lets Entra principals in with
 * their tokens. Knows nothing of ARM: records live there, data directories here.
 */
import { createHash } from "node:crypto";
import { mkdir, readdir, realpath, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { admissions, type AdmittingServer, type AuthConfig, type LoginDecision } from "./admission.ts";
import * as administration from "./administration.ts";
import type { Administrator, Database, Parameter } from "./administration.ts";
import { locateBinaries } from "./binaries.ts";
import { Cluster } from "./cluster.ts";
import { directoryWriter, type Directory } from "./directory.ts";
import type { Certificate } from "./front-door/gate.ts";
import { holdPort, startFrontDoor, type FrontDoorThread } from "./front-door/thread.ts";
import { buildLabelProvider } from "./label-provider.ts";
import type { Runner } from "./run.ts";
import { chooseServerUser } from "./server-user.ts";
import { createCluster, prepareTemplate } from "./template.ts";
import type { TokenVerifier } from "./token.ts";

export interface PostgresOptions {
  /** Folder of the engine's own, e.g. `<state>/postgres`. Its parent exists. */
  readonly stateDirectory: string;
  /** Short folder of the engine's own for sockets, e.g. `<runtime>/pg`. Its parent exists. */
  readonly runtimeDirectory: string;
  /** Certificate for `<server>.postgres.database.azure.com` or `localhost`. */
  readonly certificate: (host: string) => Promise<Certificate>;
  readonly verify: TokenVerifier;
  /** Told of every decided login. */
  readonly onDecision: (decision: LoginDecision) => void;
  /** The tenant's principals now. */
  readonly directory: () => Directory | Promise<Directory>;
  /** Ports for the shared listener, tried in order; default [5432]. When none is free, the system chooses. */
  readonly ports?: readonly number[];
}

export interface ServerOptions {
  /** The major version that was asked for, e.g. "13"; the engine runs the version it is bundled with. */
  readonly version: string;
  readonly authConfig: AuthConfig;
  /** The server's own port of last time, kept if it is free. */
  readonly port?: number;
}

export interface NewServerOptions extends ServerOptions {
  readonly administratorLogin?: string;
  readonly administratorLoginPassword?: string;
}

export interface Postgres {
  /** Creates the server's data (durable when this resolves) and opens its port. Data that exists is kept. */
  createServer(name: string, options: NewServerOptions): Promise<void>;
  /** Opens the port of a server that was created before; the cluster starts when it is first used. */
  openServer(name: string, options: ServerOptions): Promise<void>;
  /** Ends sessions and removes the data. */
  deleteServer(name: string): Promise<void>;
  has(name: string): boolean;
  /** The server's own port on 127.0.0.1. */
  port(name: string): number;
  /** The shared port on 127.0.0.1, which routes by SNI. Taken at once, answered from the first server on. */
  readonly frontDoorPort: number;
  updateAuthConfig(name: string, authConfig: AuthConfig): void;
  setPassword(name: string, login: string, password: string): Promise<void>;
  putAdministrator(name: string, administrator: Administrator): Promise<void>;
  deleteAdministrator(name: string, objectId: string): Promise<boolean>;
  createDatabase(name: string, database: string): Promise<void>;
  dropDatabase(name: string, database: string): Promise<boolean>;
  listDatabases(name: string): Promise<Database[]>;
  setParameter(name: string, parameter: string, value: string | undefined): Promise<{ readonly restart: boolean }>;
  listParameters(name: string): Promise<Parameter[]>;
  /** Version of the programs, e.g. `17.10`; undefined before the first server. */
  readonly version: string | undefined;
  start(name: string): Promise<void>;
  stop(name: string): Promise<void>;
  restart(name: string): Promise<void>;
  /** Stops everything; data stays. */
  close(): Promise<void>;
}

interface OpenServer extends AdmittingServer {
  authConfig: AuthConfig;
  halted: boolean;
  readonly port: number;
}

interface Installation {
  readonly runner: Runner;
  readonly template: string;
  readonly servers: string;
  readonly sockets: string;
  readonly logs: string;
  readonly labelProvider: string | undefined;
}

/** Names become folders and host names. https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules */
const serverName = /^[a-z0-9](?:[a-z0-9-]{1,61}[a-z0-9])$/;

const exists = async (path: string): Promise<boolean> => {
  try {
    await stat(path);
    return true;
  } catch {
    return false;
  }
};

const removed = ".deleted-";

/** Finds the programs, makes folders and template. Only when the first server is wanted. */
const install = async (state: string, runtime: string): Promise<Installation> => {
  const binaries = await locateBinaries(join(state, "lib"));
  const user = await chooseServerUser([dirname(state), dirname(runtime)], dirname(binaries.postgres));
  const runner: Runner = { binaries, user };
  await user.createGate(state);
  await user.createGate(runtime);
  const [templates, servers] = [join(state, "templates"), join(state, "servers")];
  await user.createOwned(templates);
  await user.createOwned(servers);
  for (const name of await readdir(servers)) {
    if (name.startsWith(removed)) await rm(join(servers, name), { recursive: true, force: true });
  }
  const [template, labelProvider] = await Promise.all([
    prepareTemplate(runner, templates),
    buildLabelProvider(join(state, "lib"), binaries.major),
  ]);
  const logs = join(state, "logs");
  await mkdir(logs, { recursive: true, mode: 0o700 });
  return { runner, template, servers, sockets: runtime, logs, labelProvider };
};

export const openPostgres = async (options: PostgresOptions): Promise<Postgres> => {
  // The postmaster's working directory is compared with the path, so links in it must be resolved.
  const parents = await Promise.all([
    realpath(dirname(options.stateDirectory)),
    realpath(dirname(options.runtimeDirectory)),
  ]);
  const state = join(parents[0], options.stateDirectory.slice(dirname(options.stateDirectory).length));
  const runtime = join(parents[1], options.runtimeDirectory.slice(dirname(options.runtimeDirectory).length));
  const servers = new Map<string, OpenServer>();
  let installed: Promise<Installation> | undefined;
  let door: Promise<FrontDoorThread> | undefined;
  const held = await holdPort(options.ports ?? [5432]);
  let doorPort = held.port;
  let version: string | undefined;

  const installation = async (): Promise<Installation> => {
    installed ??= install(state, runtime);
    installed.catch(() => {
      installed = undefined;
    });
    const done = await installed;
    version = /^\d+\.\d+/.exec(done.runner.binaries.version)?.[0];
    return done;
  };

  const decided = admissions({
    find: (name) => servers.get(name),
    verify: options.verify,
    onDecision: options.onDecision,
  });

  const openDoor = async (): Promise<FrontDoorThread> => {
    const thread = await startFrontDoor({ certificate: options.certificate, ...decided }, [doorPort], reopenDoor);
    doorPort = thread.port;
    return thread;
  };

  /** A front door that crashed takes its connections along; clients may come back at once. */
  const reopenDoor = (): void => {
    door = openDoor().then(async (thread) => {
      for (const { name, port } of servers.values()) await thread.add(name, [port]);
      return thread;
    });
    door.catch(() => {
      door = undefined;
    });
  };

  const frontDoor = async (): Promise<FrontDoorThread> => {
    door ??= held.release().then(openDoor);
    return door;
  };

  const get = (name: string): OpenServer => {
    const server = servers.get(name);
    if (server === undefined) throw new Error(`There is no PostgreSQL server ${name}.`);
    return server;
  };

  const open = async (name: string, { authConfig, port }: ServerOptions): Promise<OpenServer> => {
    const known = servers.get(name);
    if (known !== undefined) return Object.assign(known, { authConfig });
    const { runner, servers: folder, sockets, logs, labelProvider } = await installation();
    const dataDirectory = join(folder, name, "data");
    const cluster = new Cluster(runner, {
      dataDirectory,
      socketDirectory: join(sockets, createHash("sha256").update(name).digest("hex").slice(0, 8)),
      logFile: join(logs, `${name}.log`),
      labelProvider,
    });
    const refreshDirectory = directoryWriter(runner, dataDirectory, options.directory);
    await refreshDirectory();
    const thread = await frontDoor();
    const server: OpenServer = {
      name,
      cluster,
      authConfig,
      refreshDirectory,
      halted: false,
      secrets: new Map(),
      port: await thread.add(name, port === undefined ? [] : [port]),
    };
    servers.set(name, server);
    return server;
  };

  return {
    createServer: async (name, wanted) => {
      if (!serverName.test(name)) throw new Error(`"${name}" is not a valid server name.`);
      const { runner, template, servers: folder } = await installation();
      const home = join(folder, name);
      const { administratorLogin: login, administratorLoginPassword: password } = wanted;
      if (await exists(join(home, "data"))) {
        const { cluster } = await open(name, wanted);
        if (login !== undefined && password !== undefined) {
          await administration.putAdministratorLogin(cluster, login, password);
        }
        return;
      }
      await runner.user.createOwned(home);
      await createCluster(runner, template, join(home, "data"), {
        version: Number.parseInt(wanted.version, 10),
        ...(login === undefined || password === undefined ? {} : { administrator: { login, password } }),
      });
      await open(name, wanted);
    },
    openServer: async (name, wanted) => {
      const { servers: folder } = await installation();
      if (!serverName.test(name) || !(await exists(join(folder, name, "data")))) {
        throw new Error(`The data of PostgreSQL server ${name} is missing from ${folder}.`);
      }
      await open(name, wanted);
    },
    deleteServer: async (name) => {
      if (!serverName.test(name)) return;
      const server = servers.get(name);
      servers.delete(name);
      if (server !== undefined) {
        await (await frontDoor()).remove(name);
        await server.cluster.close();
      }
      const { servers: folder } = await installation();
      if (!(await exists(join(folder, name)))) return;
      // Renamed first: a half-removed data directory must never be taken for a server.
      const doomed = join(folder, `${removed}${name}-${process.pid}-${Math.round(performance.now())}`);
      await rename(join(folder, name), doomed);
      await rm(doomed, { recursive: true, force: true });
    },
    has: (name) => servers.has(name),
    port: (name) => get(name).port,
    get frontDoorPort() {
      return doorPort;
    },
    updateAuthConfig: (name, authConfig) => {
      get(name).authConfig = authConfig;
    },
    setPassword: async (name, login, password) =>
      administration.putAdministratorLogin(get(name).cluster, login, password),
    putAdministrator: async (name, administrator) => administration.putAdministrator(get(name).cluster, administrator),
    deleteAdministrator: async (name, objectId) => administration.deleteAdministrator(get(name).cluster, objectId),
    createDatabase: async (name, database) => administration.createDatabase(get(name).cluster, database),
    dropDatabase: async (name, database) => administration.dropDatabase(get(name).cluster, database),
    listDatabases: async (name) => administration.listDatabases(get(name).cluster),
    setParameter: async (name, parameter, value) => administration.setParameter(get(name).cluster, parameter, value),
    listParameters: async (name) => administration.listParameters(get(name).cluster),
    get version() {
      return version;
    },
    start: async (name) => {
      const server = get(name);
      server.halted = false;
      await server.cluster.start();
    },
    stop: async (name) => {
      const server = get(name);
      server.halted = true;
      await server.cluster.stop();
    },
    restart: async (name) => {
      const { cluster } = get(name);
      await cluster.stop();
      await cluster.start();
    },
    close: async () => {
      const opened = door === undefined ? undefined : await door.catch(() => undefined);
      await (opened === undefined ? held.release() : opened.close());
      await Promise.all([...servers.values()].map(({ cluster }) => cluster.close()));
      servers.clear();
    },
  };
};
