/** What App Service needs of whoever runs apps. The tenant's composition provides it; this folder knows no processes. */
import type { Duplex, Readable } from "node:stream";
import type { Reply, Request } from "../../kernel/message.ts";

/** How a site is to run. Equal set-ups cause no restart. */
export interface SiteSetup {
  /** Resource id; names the app everywhere below. */
  readonly id: string;
  readonly name: string;
  readonly resourceGroup: string;
  readonly subscriptionId: string;
  /** e.g. `centralus`. */
  readonly region: string;
  readonly hostName: string;
  readonly linuxFxVersion: string;
  /** `appCommandLine`. */
  readonly startCommand: string;
  /** Tier of the plan, e.g. `Basic`. */
  readonly tier: string;
  /** 64 hexadecimal digits. */
  readonly instanceId: string;
  readonly settings: Readonly<Record<string, string>>;
  readonly connectionStrings: Readonly<Record<string, { readonly value: string; readonly type: string }>>;
  /** Without an identity the app's environment has no identity endpoint. */
  readonly hasIdentity: boolean;
  readonly affinity: boolean;
}

export interface SiteState {
  readonly phase: "unknown" | "stopped" | "starting" | "running" | "waiting" | "blocked" | "default-page";
  readonly lastError?: string;
  readonly runtimeVersion?: string;
}

export interface DeploymentLine {
  readonly level: "info" | "warning" | "error";
  readonly from: "platform" | "tool";
  readonly text: string;
}

/** An upload that was taken in. */
export interface Upload extends AsyncDisposable {
  readonly path: string;
}

export interface LogLine {
  readonly time: number;
  readonly text: string;
}

export interface SiteRunner {
  /** Can an app of this `linuxFxVersion` run here? */
  supports(linuxFxVersion: string): boolean;
  setUp(setup: SiteSetup): Promise<void>;
  start(id: string): Promise<void>;
  stop(id: string): Promise<void>;
  restart(id: string): Promise<void>;
  /** Ends the app and removes its files and secrets. */
  remove(id: string): Promise<void>;
  state(id: string): Promise<SiteState>;
  receive(body: Readable): Promise<Upload>;
  /** Resolves when the new content is active. @throws an Error whose message says why it is not; the log holds the rest */
  deploy(
    id: string,
    upload: Upload,
    log: (line: DeploymentLine) => void,
    options: { readonly build?: boolean; readonly restart: boolean; readonly signal: AbortSignal },
  ): Promise<void>;
  /** Newest `tail` lines, then live ones. */
  logs(id: string, options: { readonly tail: number; readonly signal?: AbortSignal }): AsyncIterable<LogLine>;
  run(
    id: string,
    command: string,
    folder: string | undefined,
  ): Promise<{ readonly output: string; readonly error: string; readonly exitCode: number }>;
  /** Never rejects. */
  forward(id: string, request: Request): Promise<Reply>;
  upgrade(id: string, request: Request, socket: Duplex, head: Buffer): void;
}
