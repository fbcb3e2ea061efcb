/** What Container Apps needs of whoever runs containers. The tenant's composition provides it. */
import type { Duplex } from "node:stream";
import type { Reply, Request } from "../../kernel/message.ts";

export interface ContainerSetup {
  readonly name: string;
  readonly image: string;
  /** Replaces the image's entry point; empty: the image's own. */
  readonly command: readonly string[];
  readonly args: readonly string[];
  /** Secret references are resolved. */
  readonly variables: Readonly<Record<string, string>>;
  readonly cpu: number;
  readonly memoryBytes: number;
}

/** One revision of an app, as it is to run. */
export interface AppSetup {
  /** Resource id; names the app everywhere below. */
  readonly id: string;
  readonly name: string;
  readonly revision: string;
  readonly hostName: string;
  /** Undefined: nobody calls it. */
  readonly targetPort: number | undefined;
  readonly containers: readonly ContainerSetup[];
}

export interface RunState {
  /** `no-engine`: nothing runs, because no container engine answers. `waiting`: it ended or failed and is started again. */
  readonly phase: "none" | "starting" | "running" | "waiting" | "no-engine" | "stopped";
  /** Why it does not run. */
  readonly detail?: string;
  readonly revision?: string;
  readonly restarts: number;
}

export interface LogLine {
  readonly time: number;
  readonly source: "stdout" | "stderr" | "platform";
  readonly text: string;
}

export interface ContainerRunner {
  /**
   * Wants a revision running. A running one is left alone when it is the same revision: other changes (secrets,
   * identities) take effect with its next start.
   */
  run(setup: AppSetup): Promise<void>;
  /** Ends the containers and starts them by a new set-up, with a new IDENTITY_HEADER. */
  restart(setup: AppSetup): Promise<void>;
  stop(id: string): Promise<void>;
  /** Ends the app and forgets its secrets and logs. */
  remove(id: string): Promise<void>;
  state(id: string): RunState;
  /** Newest `tail` lines, then live ones. */
  logs(id: string, options: { readonly tail: number; readonly signal?: AbortSignal }): AsyncIterable<LogLine>;
  /** Never rejects. */
  forward(id: string, request: Request, port: number): Promise<Reply>;
  upgrade(id: string, request: Request, socket: Duplex, head: Buffer, port: number): void;
}
