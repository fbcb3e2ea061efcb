/** What running containers asks of an engine. `docker-engine.ts` answers it over Docker's API. */

export interface ContainerSpec {
  readonly name: string;
  readonly image: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Replaces the image's entry point; empty: the image's own. */
  readonly command: readonly string[];
  readonly args: readonly string[];
  readonly variables: Readonly<Record<string, string>>;
  readonly cpu: number;
  readonly memoryBytes: number;
  /** Folders of this machine that the container may read. */
  readonly mounts: readonly { readonly source: string; readonly target: string }[];
}

/** `name=value`. */
export type Label = `${string}=${string}`;

export interface Output {
  stdout(chunk: Buffer): void;
  stderr(chunk: Buffer): void;
}

export interface EngineContainer {
  /** Starts it; its output goes where `create` was told. */
  start(): Promise<void>;
  /** Resolves with the exit code. */
  readonly ended: Promise<number>;
  /** SIGTERM, SIGKILL after the grace, and away with it. Never rejects for a container that is gone. */
  remove(graceSeconds: number): Promise<void>;
}

export interface Engine {
  /** For people: what answers, and where. */
  readonly description: string;
  /** Makes sure that an image is at hand. @throws Error that says what to do */
  provide(image: string, say: (line: string) => void): Promise<void>;
  create(spec: ContainerSpec, output: Output): Promise<EngineContainer>;
  /** Removes every container that has the label; how many there were. */
  sweep(label: Label): Promise<number>;
  /** Has them removed when this process is gone, however it ends. Returns how to end the watch. */
  guard(label: Label): () => void;
}

/** Why there is no engine, in words for people. */
export interface NoEngine {
  readonly reason: string;
}
