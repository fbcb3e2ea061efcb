/** When a foreground command ends: a signal, a request over the control API, or the death of the npm that started us. */
import { watchStarter } from "../control/processes.ts";

export type EndReason = "signal" | "requested" | "orphaned";

export interface Lifetime {
  readonly ended: Promise<EndReason>;
  /** Set once it has ended. */
  readonly reason: EndReason | undefined;
  end(reason: EndReason): void;
  /** From now on signals are somebody else's: the program's that runs in the foreground. */
  leaveSignals(): void;
  /** Stops listening: what comes after goes its usual way. */
  release(): void;
}

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
/** From now on a second signal ends us at once. Longer than a terminal or npm takes to deliver one Ctrl-C twice. */
const repeatAfter = 300;

/** @param detached started by `up -d`: then nobody above us matters, and a terminal's end does not either */
export const startLifetime = (detached = false): Lifetime => {
  const { promise: ended, resolve } = Promise.withResolvers<EndReason>();
  let reason: EndReason | undefined;
  const end = (why: EndReason): void => {
    reason ??= why;
    resolve(why);
  };
  let first: number | undefined;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (signal === "SIGHUP" && detached) return;
    if (first === undefined) {
      first = performance.now();
      end("signal");
    } else if (performance.now() - first > repeatAfter) {
      // What we started ends with us: each child has a watcher.
      process.exit(signal === "SIGINT" ? 130 : 143);
    }
  };
  for (const signal of signals) process.on(signal, onSignal);
  const unwatch = detached ? () => {} : watchStarter(() => end("orphaned"));
  const leaveSignals = (): void => {
    for (const signal of signals) process.off(signal, onSignal);
  };
  return {
    ended,
    get reason() {
      return reason;
    },
    end,
    leaveSignals,
    release: () => {
      unwatch();
      leaveSignals();
    },
  };
};
