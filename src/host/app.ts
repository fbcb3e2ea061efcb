/** One app as it runs: its configuration, its folder, its log and its supervisor. */
import { cpus } from "node:os";
import { join } from "node:path";
import type { AppConfiguration, AppState } from "./app-host.ts";
import type { AppFolder, Release } from "./app-folder.ts";
import { appEnvironment } from "./environment.ts";
import type { Isolation } from "./isolation.ts";
import { launchApp, warmUpOf } from "./launch.ts";
import { type AppLog, openAppLog } from "./log-stream.ts";
import type { Reaper } from "./reaper.ts";
import type { Runtime } from "./runtimes.ts";
import { type StartPlan, planStart } from "./start-command.ts";
import { type Instance, type Timers, superviseApp } from "./supervisor.ts";

/** What apps share. */
export interface Machine {
  readonly isolation: Isolation;
  readonly reaper: Reaper;
  readonly hooks: { readonly node: string; readonly pythonFolder: string };
  readonly timers: Timers;
  readonly graceMs: number;
  /** The interpreter that a release was made for, or the nearest now. */
  readonly runtimeFor: (
    configuration: AppConfiguration,
  ) => Promise<{ readonly runtime: Runtime; readonly bin: string }>;
  readonly takePort: () => Promise<number>;
  readonly returnPort: (port: number) => void;
}

export interface App {
  readonly folder: AppFolder;
  readonly log: AppLog;
  readonly configuration: () => AppConfiguration;
  readonly configure: (next: AppConfiguration) => Promise<void>;
  readonly start: () => Promise<void>;
  readonly stop: () => Promise<void>;
  readonly restart: () => Promise<void>;
  readonly state: () => Omit<AppState, "deploying">;
  /** The port once it answers; "default-page" when there is nothing to run. */
  readonly port: () => Promise<number | "default-page" | "stopped" | undefined>;
  readonly close: () => Promise<void>;
}

/** What makes a running process out of date. */
const fingerprint = ({ affinity: _affinity, ...rest }: AppConfiguration): string =>
  JSON.stringify(rest, (_key, value: unknown) =>
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );

const sitePackages = (environment: string, version: string): string =>
  join(environment, "lib", `python${version.split(".").slice(0, 2).join(".")}`, "site-packages");

export const openApp = (folder: AppFolder, initial: AppConfiguration, machine: Machine): App => {
  const log = openAppLog(folder.logs, { now: machine.timers.now });
  const say = (text: string) => log.write("platform", text);
  let configuration = initial;
  let wanted = false;
  /** Starts and stops happen one after the other. */
  let turn: Promise<unknown> = Promise.resolve();
  let defaultSite = false;

  const inTurn = <R>(work: () => Promise<R>): Promise<R> => {
    const next = turn.then(work, work);
    turn = next.catch(() => undefined);
    return next;
  };

  const planFor = async (release: Release, version: string): Promise<StartPlan> =>
    planStart({
      stack: configuration.stack,
      folder: folder.releaseFolder(release.key),
      commandLine: configuration.startCommand,
      settings: configuration.settings,
      version,
      cores: cpus().length,
    });

  const launch = async (): Promise<Instance> => {
    const release = folder.activeRelease();
    if (release === undefined) throw new Error("Nothing is deployed.");
    const { runtime, bin } = await machine.runtimeFor(configuration);
    const plan = await planFor(release, runtime.version);
    for (const note of plan.notes) say(note);
    if (plan.kind === "default-site") throw new Error("Nothing to start.");
    const port = await machine.takePort();
    const cwd = folder.releaseFolder(release.key);
    const { stack, platform, settings, connectionStrings, edge } = configuration;
    const place = release.virtualEnvironment;
    const python = place === undefined ? {} : { VIRTUAL_ENV: place, PYTHONPATH: sitePackages(place, runtime.version) };
    const env = appEnvironment({
      language: stack.language,
      platform,
      settings,
      connectionStrings,
      edge,
      port,
      home: folder.home,
      temporary: folder.temporary,
      path: [...(place === undefined ? [] : [join(place, "bin")]), bin],
      start: { ...(stack.language === "python" ? { APP_PATH: cwd, HOST: "0.0.0.0", ...python } : {}), ...plan.env },
      hooks: machine.hooks,
    });
    const out = log.pipe("stdout");
    const errors = log.pipe("stderr");
    say(`Site is running with patch version ${stack.language.toUpperCase()} ${runtime.version}`);
    return launchApp(
      {
        plan: {
          argv: plan.argv,
          cwd,
          env,
          onOutput: (source, chunk) => (source === "stdout" ? out : errors).push(chunk),
        },
        user: folder.user,
        port,
        warmUp: warmUpOf(settings),
        say,
        graceMs: machine.graceMs,
        onEnd: () => {
          out.end();
          errors.end();
          machine.returnPort(port);
        },
      },
      machine.isolation,
      machine.reaper,
    );
  };

  const supervisor = superviseApp({ name: initial.name, launch, say, timers: machine.timers });

  const begin = async () => {
    const release = folder.activeRelease();
    defaultSite = release === undefined;
    if (release !== undefined) {
      const plan = await planFor(release, release.runtimeVersion);
      defaultSite = plan.kind === "default-site";
      if (defaultSite) for (const note of plan.notes) say(note);
    }
    if (!defaultSite) supervisor.start();
  };

  const restartNow = async () => {
    await supervisor.stop();
    if (wanted) await begin();
  };

  return {
    folder,
    log,
    configuration: () => configuration,
    configure: (next) =>
      inTurn(async () => {
        const changed = fingerprint(next) !== fingerprint(configuration);
        configuration = next;
        if (changed && wanted) await restartNow();
      }),
    start: () =>
      inTurn(async () => {
        if (wanted) return;
        wanted = true;
        await begin();
      }),
    stop: () =>
      inTurn(async () => {
        wanted = false;
        await supervisor.stop();
      }),
    restart: () => inTurn(restartNow),
    state: () => {
      const { phase, failures, until, lastError } = supervisor.state();
      const release = folder.activeRelease();
      return {
        phase: wanted && defaultSite ? "default-page" : phase,
        wanted: wanted ? "running" : "stopped",
        failures,
        ...(until === undefined ? {} : { until }),
        ...(lastError === undefined ? {} : { lastError }),
        ...(release === undefined ? {} : { release: release.key, runtimeVersion: release.runtimeVersion }),
      };
    },
    port: async () => {
      // A stop or a restart that was asked for before this request comes first.
      await turn;
      if (!wanted) return "stopped";
      return defaultSite ? "default-page" : supervisor.port();
    },
    close: async () => {
      await inTurn(async () => {
        wanted = false;
        await supervisor.stop();
      });
      log.close();
    },
  };
};
