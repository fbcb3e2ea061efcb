import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";
import type { StepFailure, Steps } from "./client.ts";

export interface SdkProcess extends AsyncDisposable {
  readonly child: ChildProcess;
  /** Runs one step. @throws Error with `status` and `code` of the answer */
  step<Name extends keyof Steps>(
    name: Name,
    ...args: Parameters<Steps[Name]>
  ): Promise<Awaited<ReturnType<Steps[Name]>>>;
}

/** Starts the client program in an environment and keeps it. */
export const startSdkProcess = (env: Readonly<Record<string, string>>): SdkProcess => {
  const child = fork(join(import.meta.dirname, "client.ts"), {
    env,
    execArgv: [],
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: unknown): void }>();
  let last = 0;
  child.on("message", ({ id, value, failure }: { id: number; value?: unknown; failure?: StepFailure }) => {
    const one = waiting.get(id);
    waiting.delete(id);
    if (failure === undefined) one?.resolve(value);
    else one?.reject(Object.assign(new Error(failure.message), { status: failure.status, code: failure.code }));
  });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  void ended.then(() => waiting.forEach((one) => one.reject(new Error("The client program ended."))));
  return {
    child,
    step: (step, ...args) =>
      new Promise((resolve, reject) => {
        last += 1;
        waiting.set(last, { resolve, reject });
        child.send({ id: last, step, args });
      }),
    [Symbol.asyncDispose]: async () => {
      if (child.connected) child.disconnect();
      await ended;
    },
  };
};
