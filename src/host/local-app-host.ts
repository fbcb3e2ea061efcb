/** Runs apps as processes of this machine. */
import { chmod, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Duplex, Readable } from "node:stream";
import { type App, type Machine, openApp } from "./app.ts";
import { openAppFolder, takenUids } from "./app-folder.ts";
import {
  type AppConfiguration,
  type AppHost,
  type Deployment,
  DeploymentFailed,
  DeploymentInProgress,
  type DeploymentLog,
  type DeploymentOptions,
  type ReceivedArchive,
} from "./app-host.ts";
import { nodeHook, pythonHook } from "./bind-hooks.ts";
import type { RunStep } from "./build/context.ts";
import { runDeployment, spool } from "./deployment.ts";
import { buildEnvironment, toolEnvironment } from "./environment.ts";
import { type ForwardTarget, forward, forwardUpgrade } from "./forward.ts";
import { type Isolation, detectIsolation } from "./isolation.ts";
import { defaultPage, failedPage, stoppedPage } from "./pages.ts";
import { freePort } from "./ports.ts";
import { startProcess } from "./process.ts";
import { startReaper } from "./reaper.ts";
import { type Choice, chooseRuntime, findRuntimes } from "./runtimes.ts";
import type { Language } from "./stack.ts";
import { type Timers, systemTimers } from "./supervisor.ts";
import { prepareTools, publishRuntime } from "./toolbox.ts";

export interface LocalAppHostOptions {
  /** Folder for apps: `prepareAppsDirectory(stateDir)`. */
  readonly directory: string;
  /** Where builds learn of registries; default our own environment (only what `toolEnvironment` lets through). */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly timers?: Timers;
  /** Between SIGTERM and SIGKILL; default 5000, as on Azure. */
  readonly graceMs?: number;
  /** Default: what the machine allows. */
  readonly isolation?: Isolation;
  /** Limit of the front end, default 230 000. */
  readonly idleLimitMs?: number;
}

const lines = (emit: (text: string) => void) => {
  let rest = "";
  return {
    push: (chunk: Buffer) => {
      const parts = (rest + chunk.toString("utf8")).split(/\r?\n/);
      rest = parts.pop() ?? "";
      for (const part of parts) emit(part);
    },
    end: () => {
      if (rest !== "") emit(rest);
    },
  };
};

const prepareFolder = async (directory: string): Promise<Machine["hooks"]> => {
  const python = join(directory, "hooks/python");
  await mkdir(directory, { recursive: true, mode: 0o711 });
  await chmod(directory, 0o711);
  await mkdir(python, { recursive: true, mode: 0o755 });
  const node = join(directory, "hooks/bind.cjs");
  await writeFile(node, nodeHook, { mode: 0o644 });
  await writeFile(join(python, "sitecustomize.py"), pythonHook, { mode: 0o644 });
  return { node, pythonFolder: python };
};

export const createLocalAppHost = async (options: LocalAppHostOptions): Promise<AppHost> => {
  const { directory } = options;
  const timers = options.timers ?? systemTimers;
  const hooks = await prepareFolder(directory);
  const isolation = options.isolation ?? detectIsolation(directory);
  const ownUsers = isolation.setpriv !== undefined;
  const reaper = startReaper(isolation);
  const uids = await takenUids(directory);
  const tools = toolEnvironment(options.environment ?? process.env);
  const apps = new Map<string, Promise<App>>();
  /** The same, once opened, for calls that cannot wait. */
  const opened = new Map<string, App>();
  const deploying = new Set<string>();
  const ports = new Set<number>();
  const searches = new Map<Language, ReturnType<typeof findRuntimes>>();

  const choose = async (configuration: AppConfiguration): Promise<Choice> => {
    const { language, version } = configuration.stack;
    const search = searches.get(language) ?? findRuntimes(language, ownUsers);
    searches.set(language, search);
    const { found, closed } = await search;
    const choice = chooseRuntime(version, found);
    if (choice !== undefined) return choice;
    // An unpacked Node is one file: it can be put where the app's user may read it. A Python cannot.
    const hidden = language === "node" ? chooseRuntime(version, closed) : undefined;
    if (hidden !== undefined) return { ...hidden, runtime: await publishRuntime(hidden.runtime, directory) };
    const where =
      closed.length === 0
        ? ""
        : ` (those in ${closed.map((each) => each.executable).join(", ")} are closed to other users)`;
    throw new DeploymentFailed(
      "runtime",
      `No ${language === "node" ? "Node" : "Python 3"} is installed that apps can use${where}.`,
    );
  };

  const machine: Machine = {
    isolation,
    reaper,
    hooks,
    timers,
    graceMs: options.graceMs ?? 5_000,
    runtimeFor: async (configuration) => {
      const { runtime } = await choose(configuration);
      return { runtime, bin: await prepareTools(runtime, directory) };
    },
    takePort: async () => {
      const port = await freePort(ports);
      ports.add(port);
      return port;
    },
    returnPort: (port) => void ports.delete(port),
  };

  const appOf = (id: string): App => {
    const app = opened.get(id.toLowerCase());
    if (app === undefined) throw new Error(`App ${id} was never configured.`);
    return app;
  };

  const target = (app: App, port: number): ForwardTarget => {
    const { name, defaultHostName, affinity } = app.configuration();
    return {
      port,
      site: name,
      defaultHostName,
      say: (text) => app.log.write("platform", text),
      ...(affinity === undefined ? {} : { affinity }),
      ...(options.idleLimitMs === undefined ? {} : { idleLimitMs: options.idleLimitMs }),
    };
  };

  /** Runs a command as the app's user with the build's environment. */
  const runner =
    (
      app: App,
      bin: string,
      signal: AbortSignal | undefined,
      out: (source: "stdout" | "stderr", chunk: Buffer) => void,
    ) =>
    (folder: string): RunStep =>
    async (argv, env = {}) => {
      const { settings } = app.configuration();
      const base = buildEnvironment({
        settings,
        tools,
        home: app.folder.home,
        temporary: app.folder.temporary,
        cache: app.folder.cache,
        path: [bin],
      });
      const child = startProcess(
        {
          argv,
          cwd: folder,
          env: { ...base, ...env },
          user: app.folder.user,
          onOutput: out,
          ...(signal === undefined ? {} : { signal }),
        },
        isolation,
        reaper,
      );
      return child.exited;
    };

  const linkWwwroot = async (app: App, step: RunStep, key: string) => {
    // As the app's user: in its home we would follow links that it has put there.
    const script = 'mkdir -p "$HOME/site" && ln -sfn "$1" "$HOME/site/wwwroot"';
    await step(["/bin/sh", "-c", script, "link", app.folder.releaseFolder(key)]);
  };

  const deployPath = async (
    app: App,
    archive: string,
    log: DeploymentLog,
    wish: DeploymentOptions,
  ): Promise<Deployment> => {
    const configuration = app.configuration();
    const choice = await choose(configuration);
    const bin = await prepareTools(choice.runtime, directory);
    const tool = lines((text) => log({ level: "info", from: "tool", text }));
    const runIn = runner(app, bin, wish.signal, (_source, chunk) => tool.push(chunk));
    const { release, reused, obsolete } = await runDeployment({
      folder: app.folder,
      archive,
      stack: configuration.stack,
      choice,
      settings: configuration.settings,
      options: wish,
      log,
      runIn,
      now: timers.now,
    }).finally(tool.end);
    await linkWwwroot(app, runIn(app.folder.releaseFolder(release.key)), release.key);
    if (wish.restart !== false) {
      log({ level: "info", from: "platform", text: "Triggering recycle (preview mode disabled)." });
      await app.restart();
      for (const folder of obsolete) await rm(folder, { recursive: true, force: true });
    }
    const { contentHash, built, runtimeVersion } = release;
    return { release: release.key, reused, built, contentHash, runtimeVersion };
  };

  const receive = async (archive: Readable): Promise<ReceivedArchive> => {
    const path = await spool(archive, join(directory, "incoming"));
    return { path, [Symbol.asyncDispose]: () => rm(path, { force: true }) };
  };

  const deploy = async (
    id: string,
    archive: Readable | { readonly path: string },
    log: DeploymentLog,
    wish: DeploymentOptions = {},
  ): Promise<Deployment> => {
    const app = appOf(id);
    const key = id.toLowerCase();
    if (deploying.has(key)) throw new DeploymentInProgress();
    deploying.add(key);
    try {
      if ("path" in archive && typeof archive.path === "string") return await deployPath(app, archive.path, log, wish);
      await using received = await receive(archive as Readable);
      return await deployPath(app, received.path, log, wish);
    } finally {
      deploying.delete(key);
    }
  };

  return {
    warnings: isolation.warning === undefined ? [] : [isolation.warning],
    configure: async (id, configuration) => {
      const key = id.toLowerCase();
      const known = apps.get(key);
      if (known !== undefined) return (await known).configure(configuration);
      const opening = openAppFolder(directory, id, isolation, uids).then((folder) =>
        openApp(folder, configuration, machine),
      );
      apps.set(key, opening);
      try {
        opened.set(key, await opening);
      } catch (error) {
        apps.delete(key);
        throw error;
      }
    },
    receive,
    deploy,
    start: (id) => appOf(id).start(),
    stop: (id) => appOf(id).stop(),
    restart: (id) => appOf(id).restart(),
    delete: async (id) => {
      const app = opened.get(id.toLowerCase());
      if (app === undefined) return;
      await app.close();
      if (app.folder.user !== undefined) await reaper.sweep(app.folder.user);
      apps.delete(id.toLowerCase());
      opened.delete(id.toLowerCase());
      await app.folder.remove();
    },
    state: (id) => {
      const app = opened.get(id.toLowerCase());
      if (app === undefined) return { phase: "unknown", wanted: "stopped", failures: 0, deploying: false };
      return { ...app.state(), deploying: deploying.has(id.toLowerCase()) };
    },
    ready: async (id) => {
      const port = await appOf(id).port();
      return port !== undefined && port !== "stopped";
    },
    logs: (id, wish) => appOf(id).log.follow(wish),
    folders: (id) => {
      const { folder } = appOf(id);
      const release = folder.activeRelease();
      return {
        home: folder.home,
        wwwroot: release === undefined ? undefined : folder.releaseFolder(release.key),
        logFiles: folder.logs,
      };
    },
    run: async (id, command, folder) => {
      const app = appOf(id);
      const { bin } = await machine.runtimeFor(app.configuration());
      const parts = { stdout: "", stderr: "" };
      const runIn = runner(app, bin, undefined, (source, chunk) => {
        parts[source] += chunk.toString("utf8");
      });
      const exit = await runIn(app.folder.home)([
        "/bin/sh",
        "-c",
        `cd -- "$1" && ${command}`,
        "command",
        folder ?? ".",
      ]);
      return { output: parts.stdout, error: exit.error ?? parts.stderr, exitCode: exit.code ?? 1 };
    },
    forward: async (id, request) => {
      const app = appOf(id);
      const port = await app.port();
      if (port === "stopped") return stoppedPage();
      if (port === "default-page") return defaultPage(app.configuration().name);
      return port === undefined ? failedPage() : forward(request, target(app, port));
    },
    upgrade: (id, request, socket: Duplex, head) => {
      const app = appOf(id);
      void app.port().then((port) => {
        if (typeof port === "number") forwardUpgrade(request, socket, head, target(app, port));
        else socket.end("HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
      });
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all([...opened.values()].map((app) => app.close()));
      await reaper[Symbol.asyncDispose]();
    },
  };
};
