/**
 * Keeps one app in the state that was asked for: starts it, waits until it answers, starts it again after a crash, and
 * blocks it for longer and longer when it keeps failing (App Service: "Site: {n} will be blocked for 1 minutes").
 * Knows nothing of processes: it is handed a launcher and a clock, so that its rules can be tested without either.
 */

/** What the launcher has started. */
export interface Instance {
  /** Resolves with the port once the app answers HTTP; rejects when it will not within the limit. */
  readonly ready: Promise<number>;
  /** Resolves with a sentence about the end of the process. */
  readonly ended: Promise<string>;
  readonly stop: () => Promise<void>;
}

export interface Timers {
  readonly now: () => number;
  /** Runs once after `ms`; returns how to call it off. */
  readonly after: (ms: number, run: () => void) => () => void;
}

export const systemTimers: Timers = {
  now: Date.now,
  after: (ms, run) => {
    const timer = setTimeout(run, ms);
    timer.unref();
    return () => clearTimeout(timer);
  },
};

export type Phase = "stopped" | "starting" | "running" | "waiting" | "blocked";

export interface SupervisorState {
  readonly phase: Phase;
  /** Failed starts in a row. */
  readonly failures: number;
  /** Milliseconds since the epoch; only in phases `waiting` and `blocked`. */
  readonly until?: number;
  readonly lastError?: string;
  readonly port?: number;
}

export interface SupervisorOptions {
  readonly name: string;
  readonly launch: () => Promise<Instance>;
  readonly say: (text: string) => void;
  readonly timers?: Timers;
}

/** First retries come quickly: locally the reason is usually a file that is being edited. Then Azure's minutes. */
const retryDelays = [1_000, 3_000, 10_000] as const;
const blockMinutes = [1, 2, 4, 8, 10] as const;
/** A process that ran this long was well; its end is a crash of its own and not a failed start. */
const wellAfter = 60_000;

export interface Supervisor {
  readonly start: () => void;
  /** Resolves once nothing of the app runs. */
  readonly stop: () => Promise<void>;
  /** Starts anew, and forgets earlier failures. */
  readonly restart: () => Promise<void>;
  readonly state: () => SupervisorState;
  /** The port of the running app. Waits for a start in progress and for short retries; undefined when it failed or is stopped. */
  readonly port: () => Promise<number | undefined>;
}

export const superviseApp = (options: SupervisorOptions): Supervisor => {
  const { name, launch, say } = options;
  const timers = options.timers ?? systemTimers;
  let state: SupervisorState = { phase: "stopped", failures: 0 };
  let wanted = false;
  /** Counts starts and stops: what an older one still has to report is no longer of interest. */
  let generation = 0;
  let instance: Instance | undefined;
  let starting: Promise<void> = Promise.resolve();
  let callOff: (() => void) | undefined;
  let waiters: (() => void)[] = [];

  const become = (next: SupervisorState) => {
    state = next;
    const woken = waiters;
    waiters = [];
    for (const wake of woken) wake();
  };

  const failed = (reason: string) => {
    const failures = state.failures + 1;
    const delay = retryDelays[failures - 1];
    if (delay !== undefined) {
      say(`Site: ${name} will be started again in ${delay / 1000} s (attempt ${failures + 1}).`);
      become({ phase: "waiting", failures, until: timers.now() + delay, lastError: reason });
      callOff = timers.after(delay, begin);
      return;
    }
    const minutes = blockMinutes[Math.min(failures - retryDelays.length, blockMinutes.length) - 1] ?? 10;
    const until = timers.now() + minutes * 60_000;
    say(`Site: ${name} will be blocked for ${minutes} minutes till ${new Date(until).toISOString()}.`);
    say("State: Blocked. Site is blocked due to multiple, consecutive cold start failures");
    become({ phase: "blocked", failures, until, lastError: reason });
    callOff = timers.after(minutes * 60_000, () => {
      say(`Site: ${name} is unblocked.`);
      begin();
    });
  };

  const supervise = async (mine: number) => {
    const began = timers.now();
    let launched: Instance;
    try {
      launched = await launch();
    } catch (error) {
      if (mine === generation) failed(error instanceof Error ? error.message : String(error));
      return;
    }
    if (mine !== generation) return launched.stop();
    instance = launched;
    const outcome = await Promise.race([
      launched.ready.then(
        (port) => ({ port }),
        (error: unknown) => ({ reason: error instanceof Error ? error.message : String(error) }),
      ),
      launched.ended.then((reason) => ({ reason, ended: true })),
    ]);
    if (mine !== generation) return;
    if (!("port" in outcome)) {
      if ("ended" in outcome) {
        say(`Site container: ${name} terminated during site startup.`);
        say(`Container has finished running with ${outcome.reason}.`);
      }
      say(`Site startup probe failed after ${((timers.now() - began) / 1000).toFixed(2)} seconds.`);
      say("Failed to start site. Revert by stopping site.");
      await launched.stop();
      if (mine === generation) failed(outcome.reason);
      return;
    }
    say(`Site startup probe succeeded after ${((timers.now() - began) / 1000).toFixed(2)} seconds.`);
    say("Site started.");
    const { failures } = state;
    become({ phase: "running", failures, port: outcome.port });
    const up = timers.now();
    void launched.ended.then((reason) => {
      if (mine !== generation) return;
      instance = undefined;
      say(`Container ${name} has finished running with ${reason}.`);
      if (timers.now() - up >= wellAfter) {
        state = { phase: "starting", failures: 0 };
        begin();
      } else failed(reason);
    });
  };

  const begin = () => {
    callOff?.();
    callOff = undefined;
    generation += 1;
    const mine = generation;
    become({
      phase: "starting",
      failures: state.failures,
      ...(state.lastError === undefined ? {} : { lastError: state.lastError }),
    });
    say("Starting container...");
    starting = supervise(mine);
  };

  const stop = async () => {
    wanted = false;
    generation += 1;
    callOff?.();
    callOff = undefined;
    const running = instance;
    const begun = starting;
    instance = undefined;
    become({ phase: "stopped", failures: 0 });
    if (running !== undefined) {
      say("Container is terminating. Grace period: 5 seconds.");
      await running.stop();
    }
    // A launch that was under way sees that it is no longer wanted and stops what it started.
    await begun;
  };

  const start = () => {
    if (wanted) return;
    wanted = true;
    state = { phase: "stopped", failures: 0 };
    begin();
  };

  const port = async (): Promise<number | undefined> => {
    for (;;) {
      if (state.phase === "running") return state.port;
      if (state.phase === "stopped" || state.phase === "blocked") return undefined;
      await new Promise<void>((resolve) => {
        waiters.push(resolve);
      });
    }
  };

  return {
    start,
    stop,
    restart: async () => {
      await stop();
      start();
    },
    state: () => state,
    port,
  };
};
