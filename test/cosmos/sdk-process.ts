import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";
import type * as Cosmos from "@azure/cosmos";

export interface SdkFailure {
  readonly code: number | string | undefined;
  readonly substatus: number | undefined;
  readonly message: string;
}

/** Runs in the other process: it sees its arguments and nothing else of the test. */
export type Remote<Args extends readonly unknown[], R> = (
  client: Cosmos.CosmosClient,
  sdk: typeof Cosmos,
  args: Args,
) => Promise<R>;

export interface CosmosProcess extends AsyncDisposable {
  readonly child: ChildProcess;
  /** A client with the process's own credential, or with a key. */
  as(
    endpoint: string,
    key?: string,
  ): <R, const Args extends readonly unknown[]>(body: Remote<Args, R>, ...args: Args) => Promise<R>;
}

/** Starts the client program in an environment and keeps it. @throws from `as`: Error with `code` and `substatus` */
export const startCosmosProcess = (env: Readonly<Record<string, string>>): CosmosProcess => {
  const child = fork(join(import.meta.dirname, "client.ts"), {
    env,
    execArgv: [],
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: unknown): void }>();
  let last = 0;
  child.on("message", ({ id, value, failure }: { id: number; value?: unknown; failure?: SdkFailure }) => {
    const one = waiting.get(id);
    waiting.delete(id);
    if (failure === undefined) one?.resolve(value);
    else one?.reject(Object.assign(new Error(failure.message), { code: failure.code, substatus: failure.substatus }));
  });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  void ended.then(() => waiting.forEach((one) => one.reject(new Error("The client program ended."))));
  return {
    child,
    as:
      (endpoint, key) =>
      (body: unknown, ...args: readonly unknown[]) =>
        new Promise((resolve, reject) => {
          last += 1;
          waiting.set(last, { resolve, reject });
          child.send({ id: last, endpoint, key, source: String(body), args });
        }),
    [Symbol.asyncDispose]: async () => {
      if (child.connected) child.disconnect();
      await ended;
    },
  };
};
