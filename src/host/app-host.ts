/**
 * What services know of running apps. An app is whatever the caller names by an id (a site, a slot, a container app);
 * it has a configuration, at most one active release, and is wanted running or stopped.
 */
import type { Readable } from "node:stream";
import type { Duplex } from "node:stream";
import type { Reply, Request } from "../kernel/message.ts";
import type { BuildLevel } from "./build/context.ts";
import type { ConnectionString } from "./environment.ts";
import type { RequestHead } from "./forward.ts";
import type { LogLine } from "./log-stream.ts";
import type { Stack } from "./stack.ts";

export type { BuildLevel, ConnectionString, LogLine, RequestHead, Stack };

export interface AppConfiguration {
  /** For logs, pages and headers: the site's name. */
  readonly name: string;
  readonly defaultHostName: string;
  /** From `parseStack(linuxFxVersion)`. */
  readonly stack: Stack;
  /** `siteConfig.appCommandLine`; "" for none. */
  readonly startCommand: string;
  readonly settings: Readonly<Record<string, string>>;
  readonly connectionStrings: Readonly<Record<string, ConnectionString>>;
  /** `platformEnvironment(site)`: WEBSITE_* and their like. */
  readonly platform: Readonly<Record<string, string>>;
  /** Composed by the edge: proxy, certificates, identity. Wins over settings; a build never sees it. */
  readonly edge: Readonly<Record<string, string>>;
  /** Value of the ARRAffinity cookies; undefined: none are set. */
  readonly affinity?: string;
}

/** One line of a deployment, in order. `platform` lines are ours, `tool` lines come from npm, pip and the app's scripts. */
export interface DeploymentLine {
  readonly level: BuildLevel;
  readonly from: "platform" | "tool";
  readonly text: string;
}

export type DeploymentLog = (line: DeploymentLine) => void;

export interface DeploymentOptions {
  /** Default: SCM_DO_BUILD_DURING_DEPLOYMENT and ENABLE_ORYX_BUILD decide. */
  readonly build?: boolean;
  /** Default true: a running app is restarted on the new release. */
  readonly restart?: boolean;
  /** Aborting ends the build; the active release stays. */
  readonly signal?: AbortSignal;
}

export interface Deployment {
  /** Names the release: equal content, settings of the build and runtime give the same. */
  readonly release: string;
  /** True when this release was built before and is used as it is. */
  readonly reused: boolean;
  readonly built: boolean;
  /** SHA-256 over the archive's tree. */
  readonly contentHash: string;
  /** The real version of the interpreter, e.g. `3.11.2`. */
  readonly runtimeVersion: string;
}

export interface AppState {
  /** `unknown`: never configured. `default-page`: nothing deployed, or nothing in it could be started. */
  readonly phase: "unknown" | "stopped" | "starting" | "running" | "waiting" | "blocked" | "default-page";
  /** Desired state: ARM's `state` stays Running while an app crashes. */
  readonly wanted: "running" | "stopped";
  readonly failures: number;
  /** Milliseconds since the epoch: the next attempt, in phases `waiting` and `blocked`. */
  readonly until?: number;
  readonly lastError?: string;
  readonly release?: string;
  readonly runtimeVersion?: string;
  readonly deploying: boolean;
}

export interface AppFolders {
  /** HOME: `/home` on Azure. */
  readonly home: string;
  /** The active release: `/home/site/wwwroot` on Azure. */
  readonly wwwroot: string | undefined;
  /** `/home/LogFiles` on Azure. Closed to the app. */
  readonly logFiles: string;
}

export interface CommandResult {
  readonly output: string;
  readonly error: string;
  readonly exitCode: number;
}

/** The archive or its build was refused; the log says why. `reason` is for the deployment's status. */
export class DeploymentFailed extends Error {
  override readonly name = "DeploymentFailed";
  readonly kind: "archive" | "build" | "runtime";
  constructor(kind: "archive" | "build" | "runtime", message: string) {
    super(message);
    this.kind = kind;
  }
}

/** Kudu's lock. The text is Kudu's own. */
export class DeploymentInProgress extends Error {
  override readonly name = "DeploymentInProgress";
  constructor() {
    super("There is a deployment currently in progress. Please try again when it completes.");
  }
}

/** An upload on our disk, not yet looked at. */
export interface ReceivedArchive extends AsyncDisposable {
  readonly path: string;
}

export interface AppHost extends AsyncDisposable {
  /** Says how the app is to run. A running app is restarted when something changed, and only then. */
  configure(app: string, configuration: AppConfiguration): Promise<void>;
  /** Takes an upload in (2048 MB at most), so that it can be answered before it is deployed. @throws DeploymentFailed */
  receive(archive: Readable): Promise<ReceivedArchive>;
  /**
   * Extracts, builds and activates an archive; resolves when the release is active (not when the app answers).
   * @throws DeploymentInProgress, DeploymentFailed; the release before stays active then.
   */
  deploy(
    app: string,
    archive: Readable | { readonly path: string },
    log: DeploymentLog,
    options?: DeploymentOptions,
  ): Promise<Deployment>;
  /** Wants the app running; does not wait for it. */
  start(app: string): Promise<void>;
  /** Resolves when none of its processes is left. */
  stop(app: string): Promise<void>;
  restart(app: string): Promise<void>;
  /** Stops it and removes its folders. */
  delete(app: string): Promise<void>;
  state(app: string): AppState;
  /** Waits while the app starts; false when it is stopped, blocked or has failed. The default page counts as ready. */
  ready(app: string): Promise<boolean>;
  /** The newest `tail` lines, then live ones until aborted. */
  logs(app: string, options?: { readonly tail?: number; readonly signal?: AbortSignal }): AsyncIterable<LogLine>;
  folders(app: string): AppFolders;
  /** A shell command as the app's user with the build's environment (Kudu's /api/command). `folder` is below home or wwwroot. */
  run(app: string, command: string, folder?: string): Promise<CommandResult>;
  /** Never rejects: a stopped, failing or silent app is answered for with the front end's pages. */
  forward(app: string, request: Request): Promise<Reply>;
  /** Takes over the socket of a WebSocket upgrade. */
  upgrade(app: string, request: RequestHead, socket: Duplex, head: Buffer): void;
  /** What the person who started us should know, e.g. that apps share our user. */
  readonly warnings: readonly string[];
}
